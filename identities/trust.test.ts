import { expect, test } from 'vitest';
import { identifierOf } from './identifier.ts';
import { allOf, anyOf, everyone, holdsCredential, onlyPeer, peers } from './trust.ts';

const [alice, bob, authority, other] = [1, 2, 3, 4].map((byte) => identifierOf(new Uint8Array(32).fill(byte))) as [`I1`, `I2`, `I3`, `I4`];
const peer = (identifier: `I${string}`, ...credentials: [issuer: `I${string}`, attributes: Record<string, string>][]) => ({
  identifier,
  credentials: credentials.map(([issuer, attributes]) => ({ issuer, attributes: new Map(Object.entries(attributes)) })),
});

test('lists name who may come; the empty list and the empty choice name nobody', () => {
  expect([everyone, onlyPeer(alice), peers([alice, bob]), peers([]), anyOf()].map((policy) => policy.accepts(peer(alice)))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect([onlyPeer(alice), peers([alice])].map((policy) => policy.accepts(peer(bob)))).toEqual([false, false]);
});

test('a conjunction asks all, a choice one; an empty conjunction would be everyone by accident and is refused', () => {
  const admin = holdsCredential(authority, { role: 'admin' });
  const both = allOf(onlyPeer(alice), admin);
  const either = anyOf(onlyPeer(alice), admin);
  const credential: [`I3`, Record<string, string>] = [authority, { role: 'admin' }];
  expect([both.accepts(peer(alice)), both.accepts(peer(bob, credential)), both.accepts(peer(alice, credential))]).toEqual([
    false,
    false,
    true,
  ]);
  expect([either.accepts(peer(alice)), either.accepts(peer(bob, credential)), either.accepts(peer(bob))]).toEqual([true, true, false]);
  expect(() => allOf()).toThrow(RangeError);
});

test('a credential counts with the right issuer and every required value, all in one', () => {
  const policy = holdsCredential(authority, { role: 'admin', site: 'a' });
  expect(policy.accepts(peer(alice, [authority, { role: 'admin', site: 'a', more: 'x' }]))).toBe(true);
  expect(policy.accepts(peer(alice, [authority, { role: 'admin' }]))).toBe(false);
  expect(policy.accepts(peer(alice, [authority, { role: 'admin', site: 'b' }]))).toBe(false);
  expect(policy.accepts(peer(alice, [other, { role: 'admin', site: 'a' }]))).toBe(false);
  expect(policy.accepts(peer(alice, [authority, { role: 'admin' }], [authority, { site: 'a' }]))).toBe(false);
  expect(policy.accepts(peer(alice))).toBe(false);
  expect(holdsCredential(authority).accepts(peer(alice, [authority, {}]))).toBe(true);
});

test('a policy names each authority whose credentials it will ask for, once', () => {
  const policy = anyOf(everyone, allOf(holdsCredential(authority), onlyPeer(bob)), holdsCredential(authority), holdsCredential(other));
  expect(policy.authorities).toEqual([authority, other]);
});
