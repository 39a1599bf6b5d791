// What a user writes for a worker of their own: the law of example 08, with generated orders, and what it refuses.
import * as fc from 'fast-check';
import { createNode, route } from 'postern';
import { hostileBytes } from 'postern/property-tests';
import { expect, test } from 'vitest';
import { till, tillWorker } from './08-typed-messages.ts';

const orders = fc.record({ lines: fc.array(fc.record({ item: fc.string(), cents: fc.nat(10_000) }), { maxLength: 8 }) });

test("an order's total is the sum of its lines, however they are grouped", async () => {
  await using node = await createNode();
  node.start('till', tillWorker);
  const ask = (order: { lines: { item: string; cents: number }[] }) => node.request(till.at(route('till')), order);
  await fc.assert(
    fc.asyncProperty(orders, orders, async (one, other) => {
      const [first, second, both] = [await ask(one), await ask(other), await ask({ lines: [...one.lines, ...other.lines] })];
      expect(both.cents).toBe(first.cents + second.cents);
    }),
    { numRuns: 50 },
  );
});

test('hostile bytes never reach the handler, and the worker lives on', async () => {
  await using node = await createNode();
  node.start('till', tillWorker);
  await fc.assert(
    fc.asyncProperty(hostileBytes(), async (bytes) => {
      await node.send('till', bytes);
    }),
    { numRuns: 50 },
  );
  expect(node.deadLetters.count()).toBeGreaterThan(0);
  expect(await node.request(till.at(route('till')), { lines: [{ item: 'espresso', cents: 210 }] })).toEqual({ cents: 210 });
});
