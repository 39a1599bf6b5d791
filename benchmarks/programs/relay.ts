// The middle: forwards to whoever registers, plain or over a channel.
import { createIdentity, createNode, everyone, relayService, secureChannelListener, tcp } from 'postern';
import { serve } from './serve.ts';

const node = await createNode({ name: 'relay' });
const identity = await createIdentity();

serve(
  {
    begin: async () => {
      const listener = await node.listen(tcp(), '127.0.0.1:0');
      const channels = secureChannelListener(node, 'api', { identity, trust: everyone, on: listener });
      relayService(node, { on: [channels, listener], allow: everyone });
      return { port: listener.local.port, identifier: identity.identifier };
    },
  },
  () => node.stop(),
);
