import { describe, expect, test } from 'vitest';
import { Address, address } from './address.ts';
import { concat } from './codec/bare.ts';
import { decodeBareEnvelope } from './codec/bare-envelope.ts';

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('the table of routing.md 1.2', () => {
  test.each([
    ['0#echo', '8200446563686f'],
    ['1#127.0.0.1:4000', '82014e3132372e302e302e313a34303030'],
    ['0#', '820040'],
    ['24#x', '8218184178'],
    ['255#abcdefghijklmnopqrstuvwx', '8218ff58186162636465666768696a6b6c6d6e6f707172737475767778'],
  ])('%s is %s', (text, hex) => {
    expect(toHex(address(text).cbor)).toBe(hex);
    expect(address(text).toString()).toBe(text);
  });

  test.each([
    ['0#echo', '00046563686f'],
    ['1#127.0.0.1:4000', '010e3132372e302e302e313a34303030'],
  ])('%s in BARE is %s', (text, hex) => {
    const { onward } = decodeBareEnvelope(concat(fromHex('0101'), fromHex(hex), fromHex('0000')));
    expect(onward.toString()).toBe(text);
  });
});

describe('text', () => {
  test.each([
    ['echo', 0, 'echo'],
    ['', 0, ''],
    ['+7#x', 7, 'x'],
    ['007#x', 7, 'x'],
    ['0#', 0, ''],
  ])('%j is an address', (text, type, name) => {
    const read = address(text);
    expect([read.type, read.name]).toEqual([type, name]);
  });

  test.each(['#x', '#', '0#a#b', '256#x', '-1#x', '1.0#x', ' 1#x', 'x#y', '0x1#y', '++1#x'])('%j is refused', (text) => {
    expect(() => address(text)).toThrow(expect.objectContaining({ name: 'RuntimeError', code: 'ADDRESS_TEXT' }));
  });

  test('a name that a peer chose is taken as it is', () => {
    expect(Address.local('1#x').toString()).toBe('0#1#x');
    expect(Address.local('1#x').equals(address('1#x'))).toBe(false);
  });
});

test('the same bytes with another type are another address', () => {
  expect(address('1#x').equals(address('0#x'))).toBe(false);
  expect(address('1#x').key).not.toBe(address('0#x').key);
});

test.each([-1, 256, 1.5, Number.NaN])('%d is no transport type', (type) => {
  expect(() => Address.of(type, new Uint8Array())).toThrow(expect.objectContaining({ code: 'ADDRESS_TEXT' }));
});

test('an address keeps a copy of the bytes it was made of', () => {
  const bytes = fromHex('6161');
  const made = Address.of(0, bytes);
  const shared = Address.shared(0, bytes, 0, 2);
  bytes.fill(0x62);
  expect([made.name, shared.name]).toEqual(['aa', 'aa']);
});

test('a decoded address is the same object as long as it is shared', () => {
  const bytes = fromHex('6563686f');
  expect(Address.shared(0, bytes, 0, 4)).toBe(Address.shared(0, bytes.slice(), 0, 4));
});
