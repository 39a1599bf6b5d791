import { expect, test } from 'vitest';
import { dead, handled, sent, traceOf } from '../../property-tests/histories.ts';
import { orderPerSender } from './order.ts';

const broken = (...events: Parameters<typeof traceOf>[0]) => orderPerSender.check(traceOf(events));

test('messages of one sender to one receiver are handled as they were sent', () => {
  expect(broken(sent(1), sent(2), handled(1), handled(2))).toBeUndefined();
  expect(broken(sent(1), sent(2), handled(2), handled(1))).toEqual({
    invariant: 'order per sender and receiver',
    text: 'message 1 from 0#app to 0#echo on bank was handled after message 2, which was sent later.',
    at: 3,
  });
});

test('other senders, other receivers, other lives and dead letters have no order among each other', () => {
  const other = { source: '0#other' };
  expect(broken(sent(1), sent(2, other), handled(2, other), handled(1))).toBeUndefined();
  const elsewhere = { destination: '0#hop' };
  expect(broken(sent(1), sent(2, elsewhere), handled(2, elsewhere), handled(1))).toBeUndefined();
  expect(broken(sent(1), sent(2, { node: 'relay' }), handled(2, { node: 'relay' }), handled(1))).toBeUndefined();
  expect(broken(sent(1), sent(2, { life: 2 }), handled(2, { life: 2 }), handled(1))).toBeUndefined();
  expect(broken(sent(1), sent(2), dead(2), handled(1))).toBeUndefined();
});

test('the order is that of sending, not that of numbers', () => {
  expect(broken(sent(2), sent(1), handled(2), handled(1))).toBeUndefined();
  expect(broken(sent(2), sent(1), handled(1), handled(2))).toMatchObject({ at: 3 });
});
