import {
  channelSession,
  connectionSession,
  createNode,
  fromPeers,
  onlyPeer,
  outlet,
  relaySession,
  secureChannelListener,
  tcp,
  via,
  whenThere,
} from '../../../index.ts';
import { identityOf, setting, tell } from './program.ts';

const node = await createNode({ name: 'bank' });
const [identity, relayIdentity, analysis] = await Promise.all([identityOf('bank'), identityOf('relay'), identityOf('analysis')]);
const relay = connectionSession(node, tcp(), `127.0.0.1:${setting('RELAY_PORT')}`);
relay.onStatus(({ state }) => tell({ link: state, atMs: Date.now() }));
const toRelay = channelSession(node, via(relay, 'api'), { identity, trust: onlyPeer(relayIdentity.identifier) });
const registered = relaySession(node, toRelay, { name: 'bank' });
const channels = secureChannelListener(node, 'secure', { identity, trust: onlyPeer(analysis.identifier), on: toRelay });
outlet(node, { target: setting('TARGET'), on: channels, allow: fromPeers(analysis.identifier) });
await whenThere(registered);
tell({ registered: Date.now() });
