import { createNode, everyone, fromAnyPeer, relayService, secureChannelListener, tcp } from '../../../index.ts';
import { identityOf, setting, tell } from './program.ts';

const node = await createNode({ name: 'relay' });
const listener = await node.listen(tcp(), `127.0.0.1:${setting('RELAY_PORT')}`);
const channels = secureChannelListener(node, 'api', { identity: await identityOf('relay'), trust: everyone, on: listener });
relayService(node, { on: [channels, listener], allow: fromAnyPeer });
tell({ port: listener.local.port });
