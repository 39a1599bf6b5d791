import fc from 'fast-check';
import { expect, test } from 'vitest';
import { handled, histories, logged, QUEUE_COUNT_MAX, sealed, sent, traceOf } from '../../property-tests/histories.ts';
import type { Invariant, Trace, TraceEvent } from '../trace.ts';
import {
  backAfterFaults,
  everyMessageEnds,
  messageSums,
  noNonceTwice,
  noPlaintext,
  nothingLeft,
  oneOwner,
  onlyAllowed,
  orderPerSender,
  queuesWithin,
} from './index.ts';

const INVARIANTS: readonly Invariant[] = [
  orderPerSender,
  onlyAllowed(() => true),
  noPlaintext(['secret']),
  noNonceTwice,
  oneOwner(),
  queuesWithin(QUEUE_COUNT_MAX),
  nothingLeft,
  backAfterFaults({ withinMs: 1_000, sign: 'back' }),
  everyMessageEnds,
];

const of = (name: string) => INVARIANTS.filter((invariant) => invariant.name === name);
const breakersOf = (trace: Trace) => INVARIANTS.filter((invariant) => invariant.check(trace) !== undefined);

/** Where one thing is put wrong, chosen out of all places where it can be. */
const placed = fc.record({ trace: histories(), where: fc.nat() });
function places({ events }: Trace, isPlace: (event: TraceEvent, at: number) => boolean): number[] {
  return [...events.keys()].filter((at) => isPlace(events[at]!, at));
}

test('what happens in order breaks nothing, and the sums balance', () => {
  fc.assert(
    fc.property(histories(), (trace) => {
      expect(breakersOf(trace)).toEqual([]);
      const { sent: all, handled: well, dead, lost, waiting } = messageSums(trace);
      expect([well + dead + lost, waiting]).toEqual([all, 0]);
      expect(all).toBe(trace.events.filter((event) => event.kind === 'message' && event.what === 'sent').length);
    }),
  );
});

test('two messages of one pair that change places are out of order', () => {
  fc.assert(
    fc.property(placed, ({ trace, where }) => {
      const pairOf = (event: TraceEvent) =>
        event.kind === 'message' && event.what === 'handled' && `${event.node} ${event.life} ${event.source} ${event.destination}`;
      const nextOf = (at: number) => trace.events.findIndex((event, later) => later > at && pairOf(event) === pairOf(trace.events[at]!));
      // Both wait at the first place: one that is handled before it is sent breaks more than the order.
      const waits = (number: number, at: number) =>
        trace.events.slice(0, at).some((event) => event.kind === 'message' && event.what === 'sent' && event.message === number);
      const firsts = places(trace, (event, at) => {
        const next = trace.events[nextOf(at)];
        return pairOf(event) !== false && next?.kind === 'message' && waits(next.message, at);
      });
      const one = firsts[where % firsts.length]!;
      const other = nextOf(one);
      const swapped = trace.events.with(one, trace.events[other]!).with(other, trace.events[one]!);
      expect(breakersOf({ ...trace, events: swapped })).toEqual(of('order per sender and receiver'));
    }),
  );
});

test('a message that ends twice, or that nobody sent, does not balance', () => {
  fc.assert(
    fc.property(placed, ({ trace, where }) => {
      const ends = places(trace, (event) => event.kind === 'message' && event.what === 'handled');
      const at = ends[where % ends.length]!;
      const end = trace.events[at]!;
      const twice = trace.events.toSpliced(at, 0, end);
      expect(breakersOf({ ...trace, events: twice })).toEqual(of('every message ends once'));
      const unsent = trace.events.filter(
        (event) => !(event.kind === 'message' && end.kind === 'message' && event.what === 'sent' && event.message === end.message),
      );
      expect(breakersOf({ ...trace, events: unsent })).toEqual(of('every message ends once'));
    }),
  );
});

test('a seal that is repeated anywhere, by anybody, is found', () => {
  fc.assert(
    fc.property(placed, fc.constantFrom('bank', 'relay'), ({ trace, where }, node) => {
      const seals = places(trace, (event) => event.kind === 'seal');
      const seal = { ...trace.events[seals[where % seals.length]!]!, node } as TraceEvent;
      const events = trace.events.toSpliced(where % (trace.events.length + 1), 0, seal);
      expect(breakersOf({ ...trace, events })).toEqual(of('no (key, nonce) twice'));
    }),
  );
});

test('a bound is met by its fullest queue and missed by one less', () => {
  fc.assert(
    fc.property(histories(), (trace) => {
      const fullest = Array.from({ length: QUEUE_COUNT_MAX }, (_, index) => index + 1).find(
        (count) => queuesWithin(count).check(trace) === undefined,
      )!;
      let [most, waiting] = [0, new Map<string, number>()];
      const ends = new Set<number>();
      for (const event of trace.events) if (event.kind === 'message' && event.what === 'sent') ends.add(event.message);
      for (const event of trace.events) {
        if (event.kind !== 'message' || !ends.has(event.message)) continue;
        const place = [event.node, event.life, event.destination].join();
        const count = (waiting.get(place) ?? 0) + (event.what === 'sent' ? 1 : -1);
        waiting = waiting.set(place, count);
        most = Math.max(most, count);
      }
      expect(fullest).toBe(most);
    }),
  );
});

test('what was left out of a trace is not taken for good', () => {
  const all = { node: 1, message: 1, stream: 1, bytes: 1, log: 1, seal: 1, fault: 1, note: 1 };
  const trace = traceOf([sent(1), handled(1), sealed('key', 1), logged('relay.registered', { relay: '0#forward_to_a', peer: 'I1' })]);
  expect(breakersOf(trace)).toEqual([]);
  const blind = INVARIANTS.filter((invariant) => invariant.check({ ...trace, leftOut: all })?.text.startsWith('cannot be judged') !== true);
  expect(blind.map(({ name }) => name)).toEqual([]);
});
