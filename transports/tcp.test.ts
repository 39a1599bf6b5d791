import { expect, test } from 'vitest';
import { systemClock } from '../host/clock.ts';
import { systemRandom } from '../host/random.ts';
import { allowEveryone } from '../runtime/access-control.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Node } from '../runtime/node.ts';
import { route } from '../runtime/route.ts';
import { echo } from '../workers/echo.ts';
import { hop } from '../workers/hop.ts';
import { nodeNetwork } from './node-network.ts';
import { tcp } from './tcp.ts';

const makeNode = (name: string) => new Node({ name, clock: systemClock, random: systemRandom, network: nodeNetwork, logger: silentLogger });

test('a request crosses a TCP connection and its answer comes back', async () => {
  await using server = makeNode('server');
  await using client = makeNode('client');
  const listener = await server.listen(tcp(), '127.0.0.1:0');
  server.start('echo', echo);
  server.start('hop', hop);
  server.publish('echo', { on: listener, allow: allowEveryone });
  server.publish('hop', { on: listener, allow: allowEveryone });
  const connection = await client.connect(tcp(), `127.0.0.1:${listener.local.port}`);
  const payload = Uint8Array.from([1, 2, 3]);
  const answer = await client.request(route(connection, 'hop', 'echo'), payload, { timeoutMs: 2_000 });
  expect([...answer.payload]).toEqual([1, 2, 3]);
  expect(answer.returnRoute.length).toBe(3);
});
