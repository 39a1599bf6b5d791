// The node that asks: a connection is the first hop of routes to the other node's workers.
import { createNode, route, tcp, text } from 'postern';

const [port = '4000'] = process.argv.slice(2);
await using node = await createNode();
const connection = await node.connect(tcp(), `127.0.0.1:${port}`);
const answer = await node.request(route(connection, 'echo'), text.encode('hello over TCP'), { timeoutMs: 5_000 });
console.log(text.decode(answer.payload));
await connection.close();

// Prints:
//   hello over TCP
