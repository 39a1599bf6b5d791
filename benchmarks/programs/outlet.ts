// The side that has the server: it dials the relay and registers there, plain or over a channel.
import {
  channelSession,
  connectionSession,
  createIdentity,
  createNode,
  everyone,
  onlyPeer,
  outlet,
  parseIdentifier,
  relaySession,
  secureChannelListener,
  tcp,
  via,
  whenThere,
} from 'postern';
import { serve } from './serve.ts';

const node = await createNode({ name: 'outlet' });
const identity = await createIdentity();

export interface OutletPlace {
  readonly relayPort: number;
  readonly relayIdentifier: string;
  readonly overChannel: boolean;
  readonly target: number;
}

serve(
  {
    begin: async ({ relayPort, relayIdentifier, overChannel, target }: OutletPlace) => {
      const connection = connectionSession(node, tcp(), `127.0.0.1:${relayPort}`);
      const relay = overChannel
        ? channelSession(node, via(connection, 'api'), { identity, trust: onlyPeer(parseIdentifier(relayIdentifier)) })
        : connection;
      const channels = secureChannelListener(node, 'secure', { identity, trust: everyone, on: relay });
      outlet(node, { target: `127.0.0.1:${target}`, on: channels, allow: everyone });
      await whenThere(relaySession(node, relay, { name: 'outlet' }));
      return { identifier: identity.identifier };
    },
  },
  () => node.stop(),
);
