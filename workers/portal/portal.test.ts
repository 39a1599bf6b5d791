import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { route } from '../../runtime/route.ts';
import { nodeNetwork } from '../../transports/node-network.ts';
import { tcp } from '../../transports/tcp.ts';
import { inlet } from './inlet.ts';
import { outlet } from './outlet.ts';

const makeNode = (name: string) => new Node({ name, clock: systemClock, random: systemRandom, network: nodeNetwork, logger: silentLogger });

async function serve(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, onSocket);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

/** Everything up to the end; rejects on a reset. */
const readAll = (socket: Socket) =>
  new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(chunks))).on('error', reject);
  });

test('over real sockets: what goes in comes out, the half-close too, and nothing stays behind', async () => {
  const { server, port } = await serve((socket) => void readAll(socket).then((all) => socket.end(Buffer.concat([all, all]))));
  await using far = makeNode('far');
  await using near = makeNode('near');
  const listener = await far.listen(tcp(), '127.0.0.1:0');
  const exit = outlet(far, { target: `127.0.0.1:${port}`, on: listener, allow: allowEveryone });
  const connection = await near.connect(tcp(), `127.0.0.1:${listener.local.port}`);
  const entry = await inlet(near, { listen: '127.0.0.1:0', outlet: route(connection, 'outlet'), allow: allowEveryone });
  const client = connect({ ...entry.local, allowHalfOpen: true });
  const sent = Buffer.alloc(8 * 1024 * 1024, 'postern');
  client.end(sent);
  const answer = await readAll(client);
  expect(answer.length).toBe(2 * sent.length);
  expect(answer.equals(Buffer.concat([sent, sent]))).toBe(true);
  await expect.poll(() => [entry.streams, exit.streams]).toEqual([0, 0]);
  server.close();
});
