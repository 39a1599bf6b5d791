// A message travels along a route, hop by hop; each hop adds itself to the way back, and the answer takes that way.
import { createNode, echo, hop, route, text } from 'postern';

await using node = await createNode();
node.start('h1', hop);
node.start('h2', hop);
node.start('echo', echo);

const names = ['h1', 'h2', 'echo'];
const endTrace = node.trace(({ kind, message: { destination, onward, returnRoute } }) => {
  if (kind === 'sent' && names.includes(destination.name))
    console.log(`${destination.name}: ${onward.length} to go, ${returnRoute.length} back`);
});
const answer = await node.request(route('h1', 'h2', 'echo'), text.encode('there and back'));
endTrace();
console.log(text.decode(answer.payload));

// Prints:
//   h1: 3 to go, 1 back
//   h2: 2 to go, 2 back
//   echo: 1 to go, 3 back
//   h2: 3 to go, 1 back
//   h1: 2 to go, 2 back
//   there and back
