// The node that answers: it listens on TCP and publishes one worker. Nothing else of it can be reached from outside.
// Start it, then 03-tcp-initiator.ts with the same port. Ctrl-C stops it.
import { createNode, echo, everyone, tcp } from 'postern';

const [port = '4000'] = process.argv.slice(2);
const node = await createNode();
const listener = await node.listen(tcp(), `127.0.0.1:${port}`);
node.start('echo', echo);
node.publish('echo', { on: listener, allow: everyone });
console.log(`listening on ${listener.local.port}`);
process.once('SIGINT', () => void node.stop().then(() => console.log('stopped')));

// Prints:
//   listening on 4000
