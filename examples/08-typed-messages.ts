// Typed messages: a schema says what a worker accepts, so a wrong message is a compile error here and refused from afar.
// Its law, "an order's total is the sum of its lines", is tested in 08-typed-messages.test.ts with generated orders.
import { createNode, msgpack, protocol, route } from 'postern';
import { z } from 'zod';

const order = z.object({ lines: z.array(z.object({ item: z.string(), cents: z.int().nonnegative() })) });
const total = z.object({ cents: z.int().nonnegative() });

export const till = protocol({ request: msgpack(order), reply: msgpack(total) });
export const tillWorker = till.worker(({ lines }) => ({ cents: lines.reduce((sum, { cents }) => sum + cents, 0) }));

await using node = await createNode();
node.start('till', tillWorker);
const { cents } = await node.request(till.at(route('till')), {
  lines: [
    { item: 'espresso', cents: 210 },
    { item: 'cortado', cents: 320 },
  ],
});
console.log(`${cents} cents`);

// Prints:
//   530 cents
