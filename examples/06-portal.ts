// A portal: an HTTP server of one node appears on the localhost of another, through an encrypted channel.
import { createServer } from 'node:http';
import { createIdentity, createNode, fromPeers, inlet, onlyPeer, outlet, route, secureChannel, secureChannelListener, tcp } from 'postern';

const web = createServer((_request, response) => response.end('hello from the private side')).listen(0, '127.0.0.1');
await new Promise((resolve) => web.once('listening', resolve));
const address = web.address();
const target = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
const [alice, bob] = await Promise.all([createIdentity(), createIdentity()]);

await using server = await createNode({ name: 'private side' });
const listener = await server.listen(tcp(), '127.0.0.1:0');
const channels = secureChannelListener(server, 'api', { identity: bob, trust: onlyPeer(alice.identifier), on: listener });
outlet(server, { target, on: channels, allow: fromPeers(alice.identifier) });

await using client = await createNode({ name: 'other side' });
const connection = await client.connect(tcp(), `127.0.0.1:${listener.local.port}`);
const channel = await secureChannel(client, route(connection, 'api'), { identity: alice, trust: onlyPeer(bob.identifier) });
const { local } = await inlet(client, { listen: '127.0.0.1:0', outlet: route(channel, 'outlet'), allow: fromPeers(bob.identifier) });

const response = await fetch(`http://127.0.0.1:${local.port}/`, { headers: { connection: 'close' } });
console.log(response.status, await response.text());
web.close();

// Prints:
//   200 hello from the private side
