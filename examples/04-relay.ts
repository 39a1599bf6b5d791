// A node that listens nowhere is reached through a relay: it registers a name there, over a connection it opened itself.
import { createNode, echo, everyone, registerRelay, relayService, route, tcp, text } from 'postern';

await using middle = await createNode({ name: 'middle' });
const listener = await middle.listen(tcp(), '127.0.0.1:0');
relayService(middle, { on: listener, allow: everyone });
const at = `127.0.0.1:${listener.local.port}`;

await using hidden = await createNode({ name: 'hidden' });
const up = await hidden.connect(tcp(), at);
hidden.start('echo', echo);
hidden.publish('echo', { on: up, allow: everyone });
const relay = await registerRelay(hidden, up.route, { name: 'cellar' });
console.log(`registered as ${relay.address.name}`);

await using caller = await createNode({ name: 'caller' });
const connection = await caller.connect(tcp(), at);
const answer = await caller.request(route(connection, 'forward_to_cellar', 'echo'), text.encode('is anybody down there?'));
console.log(text.decode(answer.payload));

// Prints:
//   registered as forward_to_cellar
//   is anybody down there?
