// What several of these scenarios are made of.
import {
  type AccessControl,
  type Clock,
  createIdentity,
  echo,
  everyone,
  fromAnyPeer,
  type Identifier,
  type Identity,
  type RelayService,
  relayService,
  secureChannelListener,
  tcp,
} from 'postern';
import { type AnyWorld, type Home, program, seededRandom } from 'postern/simulation';
import { nodeCrypto } from 'postern/wire';

/** The keys of a node are on its disk. */
export async function identityOf(home: Home): Promise<Identity> {
  const known = home.storage.get('identity') as Identity | undefined;
  const identity = known ?? (await createIdentity({ ...home, crypto: home.watched(nodeCrypto) }));
  home.storage.set('identity', identity);
  return identity;
}

/** What an identity is made from: always the same one. An operator would put its keys on the disk of the node. */
export interface Keys {
  readonly seed: number;
  readonly bornAt: number;
}

/** Keys for a node, and the identifier that others know it by. */
export async function provision(world: AnyWorld): Promise<{ readonly keys: Keys; readonly identifier: Identifier }> {
  const keys = { seed: new DataView(world.random.bytes(4).slice().buffer).getUint32(0), bornAt: world.clock.wallSeconds() };
  const { identifier } = await createIdentity({ random: seededRandom(keys.seed), clock: clockAt(world.clock, () => keys.bornAt) });
  return { keys, identifier };
}

/** The identity of those keys. Only its keys come from them: what else it draws is chance. */
export async function identityFrom(home: Home, { seed, bornAt }: Keys): Promise<Identity> {
  const seeded = seededRandom(seed);
  let isMade = false;
  const identity = await createIdentity({
    clock: clockAt(home.clock, () => (isMade ? home.clock.wallSeconds() : bornAt)),
    random: { bytes: (count) => (isMade ? home.random : seeded).bytes(count) },
    crypto: home.watched(nodeCrypto),
  });
  isMade = true;
  return identity;
}

const clockAt = (clock: Clock, wallSeconds: () => number): Clock => ({
  monotonicMs: () => clock.monotonicMs(),
  wallSeconds,
  setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
  yield: (callback) => clock.yield(callback),
});

/** A relay node at port 4000: it serves whoever proves an identity at `api`, or anybody. */
export const relay = async (home: Home) => relayFor(home, fromAnyPeer, await identityOf(home));
export const openRelay = async (home: Home) => relayFor(home, { allows: () => true }, await identityOf(home));

/** The same, with keys that it is given, and in a world of either kind. */
export const provisionedRelay = program(import.meta.url, 'provisionedRelay', async (home: Home<{ readonly keys: Keys }>) => {
  await relayFor(home, fromAnyPeer, await identityFrom(home, home.settings.keys));
});

async function relayFor(
  home: Home,
  allow: AccessControl,
  identity: Identity,
): Promise<{ readonly identity: Identity; readonly service: RelayService }> {
  const listener = await home.node.listen(tcp(), '0.0.0.0:4000');
  const channels = secureChannelListener(home.node, 'api', { identity, trust: everyone, on: listener });
  home.node.start('echo', echo);
  home.node.publish('echo', { on: [listener, channels], allow });
  const service = relayService(home.node, { on: [channels, listener], allow });
  return { identity, service };
}
