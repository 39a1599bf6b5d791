// A route composed at run time from configuration: text in, a connection made, a route out.
import { createNode, echo, everyone, hop, resolveRoute, tcp, text } from 'postern';

await using far = await createNode({ name: 'far' });
const listener = await far.listen(tcp(), '127.0.0.1:0');
far.start('echo', echo);
far.start('audit', hop);
for (const address of ['echo', 'audit']) far.publish(address, { on: listener, allow: everyone });

const configuration = { node: `1#127.0.0.1:${listener.local.port}`, through: ['audit'], service: 'echo' };
const written = [configuration.node, ...configuration.through, configuration.service].join(' => ');

await using near = await createNode({ name: 'near' });
const resolved = await resolveRoute(near, written, { tcp: tcp() });
const answer = await near.request(resolved, text.encode('by the book'));
console.log(`${resolved.length} hops: ${text.decode(answer.payload)}`);

// Prints:
//   3 hops: by the book
