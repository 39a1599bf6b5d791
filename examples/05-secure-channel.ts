// One encrypted channel over two transport hops, TCP then WebSocket: the node in the middle forwards what it cannot read.
import { createIdentity, createNode, echo, everyone, fromPeers, hop, onlyPeer, route } from 'postern';
import { secureChannel, secureChannelListener, tcp, text, websocket } from 'postern';

const [alice, bob] = await Promise.all([createIdentity(), createIdentity()]);

await using server = await createNode({ name: 'server' });
const serverListener = await server.listen(websocket(), '127.0.0.1:0');
const channels = secureChannelListener(server, 'api', { identity: bob, trust: onlyPeer(alice.identifier), on: serverListener });
server.start('echo', echo);
server.publish('echo', { on: channels, allow: fromPeers(alice.identifier) });

await using middle = await createNode({ name: 'middle' });
const middleListener = await middle.listen(tcp(), '127.0.0.1:0');
const onwards = await middle.connect(websocket(), `127.0.0.1:${serverListener.local.port}`);
middle.start('to-server', hop);
middle.publish('to-server', { on: [middleListener, onwards], allow: everyone });

await using client = await createNode({ name: 'client' });
const connection = await client.connect(tcp(), `127.0.0.1:${middleListener.local.port}`);
const channel = await secureChannel(client, route(connection, 'to-server', onwards, 'api'), {
  identity: alice,
  trust: onlyPeer(bob.identifier),
});
const answer = await client.request(route(channel, 'echo'), text.encode('for your eyes only'));
console.log(text.decode(answer.payload));
console.log(channel.peer === bob.identifier ? 'and it was Bob who answered' : 'who was that?');

// Prints:
//   for your eyes only
//   and it was Bob who answered
