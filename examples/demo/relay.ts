// The rendezvous in the middle: it forwards what it cannot read. It listens; the other two only dial out.
import { createIdentity, createNode, everyone, fromAnyPeer, relayService, secureChannelListener, tcp } from 'postern';
import { setting, tell, untilStopped, watchFor } from './company.ts';

const node = await createNode({ name: 'relay' });
const identity = await createIdentity();
const listener = await node.listen(tcp(), '127.0.0.1:0');
const channels = secureChannelListener(node, 'api', { identity, trust: everyone, on: listener });
// Whoever registers a name owns it: that takes a channel, which proves an identity. What is relayed may come plain.
relayService(node, { on: [channels, listener], allow: fromAnyPeer });

// The relay looks as hard as it can.
watchFor(node, setting('SECRET'));

tell({ identifier: identity.identifier, port: listener.local.port });
untilStopped(() => node.stop());
