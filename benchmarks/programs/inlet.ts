// The side that has the client: it dials the relay and, through it, opens the channel to the outlet's side.
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
import { serve } from './serve.ts';

const node = await createNode({ name: 'inlet' });
const identity = await createIdentity();

export interface InletPlace {
  readonly relayPort: number;
  readonly relayIdentifier: string;
  readonly overChannel: boolean;
  readonly outletIdentifier: string;
}

serve(
  {
    begin: async ({ relayPort, relayIdentifier, overChannel, outletIdentifier }: InletPlace) => {
      const peer = parseIdentifier(outletIdentifier);
      const connection = connectionSession(node, tcp(), `127.0.0.1:${relayPort}`);
      const relay = overChannel
        ? channelSession(node, via(connection, 'api'), { identity, trust: onlyPeer(parseIdentifier(relayIdentifier)) })
        : connection;
      const channel = channelSession(node, via(relay, 'forward_to_outlet', 'secure'), { identity, trust: onlyPeer(peer) });
      await whenThere(channel);
      const { local } = await inlet(node, { listen: '127.0.0.1:0', outlet: via(channel, 'outlet'), allow: fromPeers(peer) });
      return { port: local.port };
    },
  },
  () => node.stop(),
);
