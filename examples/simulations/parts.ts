// What several of these scenarios are made of.
import {
  type AccessControl,
  createIdentity,
  echo,
  everyone,
  fromAnyPeer,
  type Identity,
  type RelayService,
  relayService,
  secureChannelListener,
  tcp,
} from 'postern';
import type { Home } from 'postern/simulation';
import { nodeCrypto } from 'postern/wire';

/** The keys of a node are on its disk. */
export async function identityOf(home: Home): Promise<Identity> {
  const known = home.storage.get('identity') as Identity | undefined;
  const identity = known ?? (await createIdentity({ ...home, crypto: home.watched(nodeCrypto) }));
  home.storage.set('identity', identity);
  return identity;
}

/** A relay node at port 4000: it serves whoever proves an identity at `api`, or anybody. */
export const relay = (home: Home) => relayFor(home, fromAnyPeer);
export const openRelay = (home: Home) => relayFor(home, { allows: () => true });

async function relayFor(home: Home, allow: AccessControl): Promise<{ readonly identity: Identity; readonly service: RelayService }> {
  const identity = await identityOf(home);
  const listener = await home.node.listen(tcp(), '0.0.0.0:4000');
  const channels = secureChannelListener(home.node, 'api', { identity, trust: everyone, on: listener });
  home.node.start('echo', echo);
  home.node.publish('echo', { on: [listener, channels], allow });
  const service = relayService(home.node, { on: [channels, listener], allow });
  return { identity, service };
}
