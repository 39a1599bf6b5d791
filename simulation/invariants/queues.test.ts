import { expect, test } from 'vitest';
import { dead, handled, sent, traceOf } from '../../property-tests/histories.ts';
import { queuesWithin } from './queues.ts';

const broken = (countMax: Parameters<typeof queuesWithin>[0], ...events: Parameters<typeof traceOf>[0]) =>
  queuesWithin(countMax).check(traceOf(events));

test('messages that are neither handled nor dead wait, and so many may', () => {
  expect(broken(2, sent(1), sent(2), handled(1), sent(3), dead(2), sent(4))).toBeUndefined();
  expect(broken(2, sent(1), sent(2), sent(3))).toEqual({
    invariant: 'no queue beyond its bound',
    text: '3 messages wait for 0#echo on bank, where at most 2 may.',
    at: 2,
  });
});

test('each address of each life of each node has a queue of its own', () => {
  expect(broken(1, sent(1), sent(2, { destination: '0#hop' }), sent(3, { node: 'relay' }), sent(4, { life: 2 }))).toBeUndefined();
});

test('a dead letter that was never queued makes no room', () => {
  expect(broken(1, sent(1), dead(2), sent(3))).toMatchObject({ at: 2 });
  expect(broken(1, sent(1), handled(1), handled(1), sent(2), sent(3))).toMatchObject({ at: 4 });
});

test('a bound may differ by address', () => {
  const bound = ({ destination }: { destination: string }) => (destination === '0#echo' ? 1 : 2);
  expect(broken(bound, sent(1, { destination: '0#hop' }), sent(2, { destination: '0#hop' }), sent(3))).toBeUndefined();
  expect(broken(bound, sent(1), sent(2))).toMatchObject({ at: 1 });
});
