// A service that is reached through a relay, and everything between them fails for a while: a partition, a relay that stands still,
// a way that stalls, streams that are cut. The faults are data, so they are the same in a simulation and with real processes.
import {
  channelSession,
  connectionSession,
  echo,
  fromPeers,
  type Identifier,
  onlyPeer,
  relaySession,
  route,
  secureChannelListener,
  tcp,
  text,
  type Timer,
  via,
  whenThere,
} from 'postern';
import {
  type AnyWorld,
  backAfterFaults,
  everyMessageEnds,
  type Fault,
  type Home,
  noNonceTwice,
  nothingLeft,
  oneOwner,
  orderPerSender,
  program,
  type Scenario,
} from 'postern/simulation';
import { identityFrom, type Keys, provision, provisionedRelay } from './parts.ts';

/** A client that hears nothing for so long asks anew. */
const PATIENCE_MS = 500;
const PAUSE_MS = 50;

interface ServiceSettings {
  readonly keys: Keys;
  readonly relay: Identifier;
  readonly client: Identifier;
}

/** Answers one client, by way of the relay. */
export const service = program(import.meta.url, 'service', async (home: Home<ServiceSettings>) => {
  const { node, settings } = home;
  const identity = await identityFrom(home, settings.keys);
  const connection = connectionSession(node, tcp(), 'relay:4000');
  const registrar = channelSession(node, via(connection, 'api'), { identity, trust: onlyPeer(settings.relay) });
  const registered = relaySession(node, registrar, { name: 'service' });
  const channels = secureChannelListener(node, 'secure', { identity, trust: onlyPeer(settings.client), on: registrar });
  node.start('echo', echo);
  node.publish('echo', { on: channels, allow: fromPeers(settings.client) });
  await whenThere(registered);
});

interface ClientSettings {
  readonly keys: Keys;
  readonly service: Identifier;
}

/** Asks again and again, and notes each answer. */
export const client = program(import.meta.url, 'client', async (home: Home<ClientSettings>) => {
  const { node, clock, settings } = home;
  const identity = await identityFrom(home, settings.keys);
  const connection = connectionSession(node, tcp(), 'relay:4000');
  const channel = channelSession(node, via(connection, 'forward_to_service', 'secure'), { identity, trust: onlyPeer(settings.service) });
  await whenThere(channel);
  let next: Timer | undefined;
  const ask = async () => {
    const way = route(await whenThere(channel), 'echo');
    const answer = await node.request(way, text.encode('there?'), { timeoutMs: PATIENCE_MS }).catch(() => undefined);
    if (node.isStopped) return;
    if (answer !== undefined) home.note('answered');
    next = clock.setTimer(PAUSE_MS, () => void ask().catch(() => undefined)); // a node that stops lets go of who waits
  };
  node.onStop(() => next?.cancel());
  void ask().catch(() => undefined);
});

/** When they begin, after the first answer. */
const faults: readonly Fault[] = [
  { kind: 'partition', atMs: 200, one: 'service', other: 'relay' },
  { kind: 'heal', atMs: 1_200, one: 'service', other: 'relay' },
  { kind: 'pause', atMs: 2_000, node: 'relay', forMs: 800 },
  { kind: 'hold', atMs: 3_500, from: 'relay', to: 'client' },
  { kind: 'release', atMs: 4_200, from: 'relay', to: 'client' },
  { kind: 'reset', atMs: 5_000, one: 'client', other: 'relay' },
];

const answers = ({ trace }: AnyWorld) => trace.events.filter((event) => event.kind === 'note' && event.text === 'answered').length;

async function play(world: AnyWorld): Promise<void> {
  const [forRelay, forService, forClient] = [await provision(world), await provision(world), await provision(world)];
  const relay = world.node('relay', provisionedRelay, { settings: { keys: forRelay.keys } });
  const known = { relay: forRelay.identifier, client: forClient.identifier };
  const asked = world.node('service', service, { settings: { keys: forService.keys, ...known } });
  await Promise.all([relay.ready, asked.ready]);
  world.node('client', client, { settings: { keys: forClient.keys, service: forService.identifier } });
  await world.until(() => answers(world) > 0);
  for (const fault of faults) void world.pass(fault.atMs).then(() => world.apply(fault));
  await world.pass('5500ms');
  const before = answers(world);
  await world.until(() => answers(world) > before + 5);
}

export const scenario = {
  name: 'outages',
  invariants: [
    backAfterFaults({ withinMs: 10_000, sign: 'answered' }),
    noNonceTwice,
    everyMessageEnds,
    orderPerSender,
    oneOwner(),
    nothingLeft,
  ],
  play,
} satisfies Scenario;
