import { describe, expect, test } from 'vitest';
import { BareReader, bareString, bareVarint } from './bare.ts';

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const reader = (hex: string) => new BareReader(bytesOf(hex));

describe('the numbers of routing.md 0.2', () => {
  test.each([
    [0n, '00'],
    [1n, '01'],
    [127n, '7f'],
    [128n, '8001'],
    [275n, '9302'],
    [300n, 'ac02'],
    [16_383n, 'ff7f'],
    [16_384n, '808001'],
    [49_152n, '808003'],
    [65_535n, 'ffff03'],
    [2n ** 32n - 1n, 'ffffffff0f'],
    [2n ** 64n - 1n, 'ffffffffffffffffff01'],
  ])('%s is %s', (value, hex) => {
    expect(hexOf(bareVarint(value))).toBe(hex);
    expect(reader(hex).varint()).toBe(value);
  });

  test.each([
    0n,
    1n,
    0x7fn,
    0x80n,
    0x3fffn,
    0x4000n,
    0xffffn,
    0x10000n,
    0x1fffffn,
    0xffffffffn,
    0x100000000n,
    0x100200000n,
    0xffffffffffffn,
    0x1000000000000n,
    0xabcdef123456789an,
    2n ** 64n - 1n,
  ])('%s comes back', (value) => {
    expect(new BareReader(bareVarint(value)).varint()).toBe(value);
  });

  test.each(['ff'.repeat(10), `${'ff'.repeat(9)}03`, `${'ff'.repeat(9)}02`, `${'ff'.repeat(9)}00`, `${'ff'.repeat(10)}01`])(
    '%s does not fit',
    (hex) => {
      expect(() => reader(hex).varint()).toThrow(expect.objectContaining({ code: 'CODEC_LIMIT' }));
    },
  );

  test('a number that ends early is refused and a longer form is read', () => {
    expect(() => reader('ffffff').varint()).toThrow(expect.objectContaining({ code: 'CODEC_TRUNCATED' }));
    expect(reader('8000').varint()).toBe(0n);
    expect(reader('8000').count()).toBe(0);
  });

  test('a count stays below 2^53', () => {
    expect(reader(hexOf(bareVarint(Number.MAX_SAFE_INTEGER))).count()).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => reader(hexOf(bareVarint(2n ** 53n))).count()).toThrow(expect.objectContaining({ code: 'CODEC_LIMIT' }));
  });
});

describe('the strings of routing.md 0.2', () => {
  test.each([
    ['hello', '0568656c6c6f'],
    ['', '00'],
    ['n3', '026e33'],
    ['\uFEFFbom', '06efbbbf626f6d'],
  ])('%j is %s', (text, hex) => {
    expect(hexOf(bareString(text))).toBe(hex);
    expect(reader(hex).string()).toBe(text);
  });

  test('bytes that are no UTF-8 are refused, and so is a missing length', () => {
    expect(() => reader('01ff').string()).toThrow(expect.objectContaining({ code: 'CODEC_TEXT' }));
    expect(() => reader('').string()).toThrow(expect.objectContaining({ code: 'CODEC_TRUNCATED' }));
    expect(() => reader('0568').string()).toThrow(expect.objectContaining({ code: 'CODEC_TRUNCATED' }));
  });
});

test('values follow one another', () => {
  const values = reader('05026e337f');
  expect([values.u8(), values.string(), values.count(), values.remaining, values.position]).toEqual([5, 'n3', 127, 0, 5]);
});
