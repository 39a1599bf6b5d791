import { expect, test } from 'vitest';
import { Slabs } from './slab.ts';

test('a slab serves again when every part of it has come back', () => {
  const slabs = new Slabs();
  const first = slabs.renew(64);
  const loans = [first.lend(), first.lend()];
  const second = slabs.renew(64);
  expect(second).not.toBe(first);
  loans[0]!.giveBack();
  second.lend();
  const third = slabs.renew(64);
  expect([first, second]).not.toContain(third);
  loans[1]!.giveBack();
  expect(slabs.renew(64)).toBe(first);
});

test('one that is idle when it is left is the spare one, and no other is kept', () => {
  const slabs = new Slabs();
  const [first, second] = [slabs.renew(64), slabs.renew(64)];
  expect(slabs.renew(64)).toBe(first);
  expect(slabs.renew(64)).toBe(second);
});

test('one of another size is not taken', () => {
  const slabs = new Slabs();
  const first = slabs.renew(64);
  const loan = first.lend();
  slabs.renew(128);
  loan.giveBack();
  expect(slabs.renew(64)).not.toBe(first);
  expect(slabs.renew(32).memory).toHaveLength(32);
});
