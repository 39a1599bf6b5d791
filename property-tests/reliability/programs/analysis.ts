import { channelSession, connectionSession, createNode, fromPeers, inlet, onlyPeer, tcp, via, whenThere } from '../../../index.ts';
import { identityOf, setting, tell } from './program.ts';

const node = await createNode({ name: 'analysis' });
const [identity, bank] = await Promise.all([identityOf('analysis'), identityOf('bank')]);
const relay = connectionSession(node, tcp(), `127.0.0.1:${setting('RELAY_PORT')}`);
relay.onStatus(({ state }) => tell({ link: state, atMs: Date.now() }));
const toBank = channelSession(node, via(relay, 'forward_to_bank', 'secure'), { identity, trust: onlyPeer(bank.identifier) });
const { local } = await inlet(node, { listen: '127.0.0.1:0', outlet: via(toBank, 'outlet'), allow: fromPeers(bank.identifier) });
await whenThere(toBank);
tell({ port: local.port });
