import { expect, test } from 'vitest';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { seededRandom } from '../simulation/random.ts';
import type { Context } from './context.ts';
import { freeable } from './loan.ts';
import { silentLogger } from './logger.ts';
import { Message } from './message.ts';
import { Node } from './node.ts';
import { Route, route } from './route.ts';

const LARGE = 48 * 1024;

/** Arrays are freed a few at a time: with these, all that were given back are. */
const freeOthers = () => freeable([1, 2, 3, 4].map(() => new Uint8Array(LARGE)))?.giveBack();

/** A node that nobody watches. */
function unwatched() {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock }).host('here');
  return { clock, node: new Node({ name: 'here', clock, network, random: seededRandom(1), logger: silentLogger }) };
}

test('a large array of its own is freed when it is given back; small ones and views are left alone', () => {
  const whole = new Uint8Array(LARGE).fill(1);
  const shared = new Uint8Array(2 * LARGE).fill(2).subarray(0, LARGE);
  const small = new Uint8Array(100).fill(3);
  freeable([small, whole, shared])?.giveBack();
  freeOthers();
  expect([whole.length, shared.length, small.length]).toEqual([0, LARGE, 100]);
  expect([shared.every((byte) => byte === 2), small.every((byte) => byte === 3)]).toEqual([true, true]);
  expect(freeable([small, shared])).toBeUndefined();
});

/** A worker that makes a message whose payload is lent, for one that says that it is spent. */
async function spend(options: { before?: (context: Context) => void; through?: string } = {}) {
  const { node, clock } = unwatched();
  const payload = new Uint8Array(LARGE).fill(7);
  const spender = node.start('spender', {
    onMessage: (message, context) => {
      context.spent(message);
      context.spent(message); // a second word changes nothing
    },
  });
  node.start('hop', { onMessage: (message, context) => context.forward(message.step(context.address)) });
  node.start('maker', {
    onMessage: (_, context) => {
      options.before?.(context);
      const to = options.through === undefined ? Route.of([spender]) : route(options.through, spender);
      const message = new Message(to, Route.empty, [payload]);
      message.loan = freeable([payload]);
      context.forward(message);
    },
  });
  await clock.runUntil(node.send('maker', Uint8Array.of(1)));
  await clock.run({ untilMs: 10 });
  await clock.runUntil(node.stop());
  freeOthers();
  return payload;
}

test('memory that was given to a thread meanwhile is left alone', () => {
  const whole = new Uint8Array(LARGE);
  const loan = freeable([whole]);
  structuredClone(whole.buffer, { transfer: [whole.buffer] });
  expect(() => {
    loan?.giveBack();
    freeOthers();
  }).not.toThrow();
});

test('what is spent is freed', async () => {
  expect(await spend()).toHaveLength(0);
});

test('a worker that passes a message on in the usual way keeps what it was given', async () => {
  expect(await spend({ through: 'hop' })).toHaveLength(LARGE);
});

test('whoever traces keeps what it sees', async () => {
  expect(await spend({ before: ({ node }) => void node.trace(() => undefined) })).toHaveLength(LARGE);
});

test('a dead letter keeps its payload', async () => {
  const { node, clock } = unwatched();
  const payload = new Uint8Array(LARGE).fill(7);
  node.start('maker', {
    onMessage: (_, context) => {
      const message = new Message(route('nobody'), Route.empty, [payload]);
      message.loan = freeable([payload]);
      context.forward(message);
      context.spent(message);
    },
  });
  await clock.runUntil(node.send('maker', Uint8Array.of(1)));
  await clock.run({ untilMs: 10 });
  expect(node.deadLetters.count('unknown-address')).toBe(1);
  freeOthers();
  expect(payload).toHaveLength(LARGE);
  await clock.runUntil(node.stop());
});
