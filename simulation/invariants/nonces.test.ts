import { expect, test } from 'vitest';
import { sealed, traceOf } from '../../property-tests/histories.ts';
import { noNonceTwice } from './nonces.ts';

test('a nonce is used once under a key, and may be used under every key', () => {
  expect(noNonceTwice.check(traceOf([sealed('ab12', 1), sealed('ab12', 2), sealed('cd34', 1)]))).toBeUndefined();
  expect(noNonceTwice.check(traceOf([sealed('ab12', 1), sealed('ab12', 2), sealed('ab12', 1, { node: 'relay' })]))).toEqual({
    invariant: 'no (key, nonce) twice',
    text: 'relay sealed under nonce 000000000000000000000001 of key ab12, which event 0 had used already.',
    at: 2,
  });
});
