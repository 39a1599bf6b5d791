import { describe, expect, test } from 'vitest';
import { CodecError } from '../errors.ts';
import { route } from '../route.ts';
import { decodeBareEnvelope, encodeBareEnvelope } from './bare-envelope.ts';

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const shown = (hex: string) => {
  const { onward, returnRoute, payload } = decodeBareEnvelope(bytesOf(hex));
  return [onward.toString(), returnRoute.toString(), hexOf(payload)];
};
const hello = '010100066563686f65720100036170700568656c6c6f';

describe('the examples of routing.md 3.5', () => {
  test('are written byte for byte', () => {
    expect(hexOf(encodeBareEnvelope(route('echoer'), route('app'), new TextEncoder().encode('hello')))).toBe(`${hello}00`);
    expect(hexOf(encodeBareEnvelope(route('onward'), route('return'), new Uint8Array()))).toBe(
      '010100066f6e7761726401000672657475726e0000',
    );
  });

  test.each([
    ['no tracing', `${hello}00`],
    ['tracing {}', `${hello}01027b7d`],
    ['no optional at all', hello],
    ['a flag that is neither 0 nor 1', `${hello}07`],
    ['tracing that ends early', `${hello}01ff`],
    ['tracing that is no UTF-8', `${hello}0101ff`],
  ])('%s', (_what, hex) => {
    expect(shown(hex)).toEqual(['0#echoer', '0#app', '68656c6c6f']);
  });

  test('the version byte means nothing', () => {
    for (const version of ['01', '02', '03', 'ff'])
      expect(shown(`${version}0100066f6e7761726401000672657475726e0000`)).toEqual(['0#onward', '0#return', '']);
  });

  test('a heartbeat has no route', () => {
    expect(shown('0200000000')).toEqual(['', '', '']);
  });
});

test.each([
  ['nothing', '', 'CODEC_TRUNCATED'],
  ['a version alone', '01', 'CODEC_TRUNCATED'],
  ['an address without a value', '010100', 'CODEC_TRUNCATED'],
  ['a payload that ends early', '01000005aabb', 'CODEC_TRUNCATED'],
  ['a payload that claims 2^53', '0100008080808080808010', 'CODEC_LIMIT'],
  ['more addresses than bytes', '010300016100', 'CODEC_TRUNCATED'],
  ['2^62 addresses', '01ffffffffffffffff3f', 'CODEC_LIMIT'],
  ['an address of 256 bytes', `0101008002${'61'.repeat(256)}0000`, 'CODEC_LIMIT'],
])('%s is refused', (_what, hex, code) => {
  expect(() => decodeBareEnvelope(bytesOf(hex))).toThrow(CodecError);
  expect(() => decodeBareEnvelope(bytesOf(hex))).toThrow(expect.objectContaining({ code }));
});
