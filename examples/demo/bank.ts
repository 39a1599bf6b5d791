// The side that has the database. It dials the relay and listens nowhere; only the analysis company gets in.
import {
  channelSession,
  connectionSession,
  createIdentity,
  createNode,
  fromPeers,
  onlyPeer,
  outlet,
  parseIdentifier,
  relaySession,
  secureChannelListener,
  tcp,
  via,
  whenThere,
} from 'postern';
import { setting, tell, untilStopped, watchFor } from './company.ts';

const node = await createNode({ name: 'bank' });
const identity = await createIdentity();
tell({ identifier: identity.identifier });
watchFor(node, setting('SECRET'));

process.once('message', (facts: { relayIdentifier: string; relayPort: number; analysisIdentifier: string }) => {
  void serve(facts);
});

async function serve(facts: { relayIdentifier: string; relayPort: number; analysisIdentifier: string }): Promise<void> {
  const analysis = parseIdentifier(facts.analysisIdentifier);
  const relay = connectionSession(node, tcp(), `127.0.0.1:${facts.relayPort}`);
  const toRelay = channelSession(node, via(relay, 'api'), { identity, trust: onlyPeer(parseIdentifier(facts.relayIdentifier)) });
  const registered = relaySession(node, toRelay, { name: 'bank' });
  const channels = secureChannelListener(node, 'secure', {
    identity,
    trust: onlyPeer(analysis),
    on: toRelay,
    onChannel: (channel) => tell({ channelWith: channel.peer }),
  });
  outlet(node, { target: setting('DATABASE'), on: channels, allow: fromPeers(analysis) });
  await whenThere(registered);
  tell({ relayAddress: 'forward_to_bank' });
}

untilStopped(() => node.stop());
