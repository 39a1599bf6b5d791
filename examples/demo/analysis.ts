// The side that has the application: the bank's database appears on its own localhost.
import {
  channelSession,
  connectionSession,
  createIdentity,
  createNode,
  fromPeers,
  inlet,
  onlyPeer,
  parseIdentifier,
  tcp,
  via,
  whenThere,
} from 'postern';
import { tell, untilStopped } from './company.ts';

const node = await createNode({ name: 'analysis' });
const identity = await createIdentity();
tell({ identifier: identity.identifier });

process.once('message', (facts: { relayPort: number; bankIdentifier: string }) => {
  void serve(facts);
});

async function serve(facts: { relayPort: number; bankIdentifier: string }): Promise<void> {
  const bank = parseIdentifier(facts.bankIdentifier);
  const relay = connectionSession(node, tcp(), `127.0.0.1:${facts.relayPort}`);
  const toBank = channelSession(node, via(relay, 'forward_to_bank', 'secure'), { identity, trust: onlyPeer(bank) });
  const { local } = await inlet(node, { listen: '127.0.0.1:0', outlet: via(toBank, 'outlet'), allow: fromPeers(bank) });
  await whenThere(toBank);
  tell({ channelWith: bank, port: local.port });
}

untilStopped(() => node.stop());
