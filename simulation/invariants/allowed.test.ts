import { expect, test } from 'vitest';
import { dead, handled, sent, traceOf } from '../../property-tests/histories.ts';
import { onlyAllowed } from './allowed.ts';

const fromInside = onlyAllowed(({ destination, isFromAfar }) => destination !== '0#vault' || !isFromAfar);

test('what the predicate refuses may be sent and die, and must not be handled', () => {
  const stranger = { destination: '0#vault', isFromAfar: true };
  expect(
    fromInside.check(traceOf([sent(1), handled(1), sent(2, stranger), dead(2, { ...stranger, reason: 'denied-incoming' })])),
  ).toBeUndefined();
  expect(fromInside.check(traceOf([sent(1), handled(1), sent(2, stranger), handled(2, stranger)]))).toEqual({
    invariant: 'no delivery that access or flow control forbids',
    text: 'message 2 from 0#app, from outside was handled by 0#vault on bank, and must not be.',
    at: 3,
  });
});

test('the predicate is asked of handled messages alone', () => {
  const asked: number[] = [];
  onlyAllowed(({ message }) => asked.push(message) > 0).check(traceOf([sent(1), sent(2), handled(2), dead(1)]));
  expect(asked).toEqual([2]);
});
