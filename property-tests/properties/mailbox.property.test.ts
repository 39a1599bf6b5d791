import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Context } from '../../runtime/context.ts';
import { HARD_FACTOR } from '../../runtime/ingress.ts';
import { BATCH_MESSAGES } from '../../runtime/router.ts';
import { SHARE } from '../full-counts.ts';
import { smallNode } from '../node-watch.ts';

const sending = fc.array(fc.record({ sender: fc.nat(3), count: fc.integer({ min: 1, max: 40 }), pauseMs: fc.nat(3) }), { maxLength: 12 });
const pace = fc.constantFrom<'sync' | 'async' | 'slow'>('sync', 'async', 'slow');

test('each sender finds its order, one message is handled at a time, and no bound is passed', async () => {
  await fc.assert(
    fc.asyncProperty(sending, pace, fc.integer({ min: 1, max: 32 }), async (bursts, how, bound) => {
      const { node, clock, watch } = smallNode({ limits: { ingress: { messages: bound, bytes: 1_000_000 } } });
      const seen = new Map<string, number[]>();
      let inside = 0;
      node.start('receiver', {
        onMessage: (message, context) => {
          inside += 1;
          expect(inside).toBe(1);
          const from = message.source.key;
          seen.set(from, [...(seen.get(from) ?? []), message.payload[0]! * 256 + message.payload[1]!]);
          const done = () => void (inside -= 1);
          if (how === 'sync') return done();
          if (how === 'async') return Promise.resolve().then(done);
          return new Promise<void>((resolve) => void context.setTimer(1, resolve)).then(done);
        },
      });
      const contexts: Context[] = [];
      const counts = [0, 0, 0, 0];
      for (const index of counts.keys()) node.start(`s${index}`, { onStart: (own) => void contexts.push(own), onMessage: () => undefined });
      for (const { sender, count, pauseMs } of bursts) {
        for (let index = 0; index < count; index++) {
          const number = counts[sender]!++;
          contexts[sender]!.send('receiver', Uint8Array.of(number >> 8, number & 255));
        }
        await clock.run({ untilMs: clock.monotonicMs() + pauseMs });
      }
      await clock.runUntilQuiet();
      const received = [...seen.values()];
      for (const numbers of received) expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      const total = received.reduce((sum, numbers) => sum + new Set(numbers).size, 0);
      expect(total + node.deadLetters.count('overflow')).toBe(counts.reduce((sum, count) => sum + count, 0));
      expect(watch.peakMessages).toBeLessThanOrEqual(bound * HARD_FACTOR);
      expect(watch.faults).toEqual([]);
    }),
    { numRuns: 1_000 / SHARE },
  );
});

test('a worker waits no longer than a batch of each of the others', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 }), async (queued) => {
      const { node } = smallNode();
      const order: number[] = [];
      let context!: Context;
      node.start('source', { onStart: (own) => void (context = own), onMessage: () => undefined });
      for (const index of queued.keys()) node.start(`w${index}`, { onMessage: () => void order.push(index) });
      node.start('last', { onMessage: () => void order.push(-1) });
      context.enter(() => {
        for (const [index, count] of queued.entries())
          for (let each = 0; each < count; each++) context.send(`w${index}`, new Uint8Array(0));
        context.send('last', new Uint8Array(0));
      });
      expect(order.indexOf(-1)).toBe(queued.reduce((sum, count) => sum + Math.min(count, BATCH_MESSAGES), 0));
      expect(order.length).toBe(queued.reduce((sum, count) => sum + count, 1));
    }),
    { numRuns: 100 },
  );
});

// Source: reliability.md RT12
test('a flood to a worker that handles 100 a second: bounded, and another worker answers at once', async () => {
  const { node, clock, watch } = smallNode();
  const messages = 1_000_000 / SHARE;
  node.start('slow', { onMessage: (_, context) => new Promise<void>((resolve) => void context.setTimer(10, resolve)) });
  node.start('echo', { onMessage: (message, context) => context.reply(message, message.payload) });
  for (let index = 0; index < messages; index++) {
    void node.send('slow', new Uint8Array(100));
    if (index % (messages / 10) === 0) {
      const beforeMs = clock.monotonicMs();
      await clock.runUntil(node.request('echo', Uint8Array.of(1)));
      expect(clock.monotonicMs() - beforeMs).toBeLessThan(50);
    }
  }
  expect(watch.peakMessages).toBe(1_024 * HARD_FACTOR);
  await clock.runUntilQuiet();
  expect(watch.handled - 20 + node.deadLetters.count('overflow')).toBe(messages);
  expect(watch.faults).toEqual([]);
});
