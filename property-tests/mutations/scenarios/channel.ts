// A client and a server with a channel between them, and between those a hop that can do what it likes with what passes.
import { type Address, everyone, fromAnyPeer, type Identity, type Message, route, type Route, secureChannelListener, tcp } from 'postern';
import type { World, WorldNode } from 'postern/simulation';
import { identityOf, Meddler } from './parts.ts';

export interface ChannelWorld {
  readonly client: WorldNode<void>;
  readonly server: WorldNode<void>;
  readonly clientId: Identity;
  readonly serverId: Identity;
  /** From the client to the listener `api` of the server, through the meddler. */
  readonly way: Route;
  readonly meddler: Meddler;
  /** Payloads that came out of channels at the server's `inbox`. */
  readonly inbox: Uint8Array[];
  /** Whether a message that passes the meddler is on its way to the server. */
  readonly isThere: (message: Message) => boolean;
}

export async function channelWorld(world: World): Promise<ChannelWorld> {
  const [client, middle, server] = world.nodes('client', 'middle', 'server');
  const on = await server.node.listen(tcp(), '0.0.0.0:4000');
  const serverId = await identityOf(server.home);
  const channels = secureChannelListener(server.node, 'api', { identity: serverId, trust: everyone, on });
  const inbox: Uint8Array[] = [];
  server.node.start('inbox', { onMessage: ({ payload }) => void inbox.push(payload.slice()) });
  server.node.publish('inbox', { on: channels, allow: fromAnyPeer });

  const front = await middle.node.listen(tcp(), '0.0.0.0:4000');
  const back = await middle.node.connect(tcp(), 'server:4000');
  const meddler = new Meddler();
  middle.node.start('meddler', meddler);
  middle.node.publish('meddler', { on: [front, back], allow: { allows: () => true } });
  const connection = await client.node.connect(tcp(), 'middle:4000');
  const far: Address = back.address;
  return {
    client,
    server,
    clientId: await identityOf(client.home),
    serverId,
    way: route(connection, 'meddler', far, 'api'),
    meddler,
    inbox,
    isThere: ({ onward }) => onward.next.equals(far),
  };
}
