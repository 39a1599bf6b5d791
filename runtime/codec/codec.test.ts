import { expect, test } from 'vitest';
import { bytes, data, text } from './codec.ts';

const utf8 = new TextEncoder();

test('bytes are the payload itself', () => {
  const payload = Uint8Array.of(1, 2);
  expect(bytes.encode(payload)).toBe(payload);
  expect(bytes.decode(payload)).toBe(payload);
});

test('text is a BARE string', () => {
  expect(text.encode('hello')).toEqual(Uint8Array.of(5, ...utf8.encode('hello')));
  expect(text.decode(Uint8Array.of(2, 0xc3, 0xbc, 0xff))).toBe('ü');
  expect(() => text.decode(new Uint8Array())).toThrow(expect.objectContaining({ code: 'CODEC_TRUNCATED' }));
});

test('data is a length and the bytes', () => {
  expect(data.encode(Uint8Array.of(7, 8))).toEqual(Uint8Array.of(2, 7, 8));
  expect(data.decode(Uint8Array.of(2, 7, 8))).toEqual(Uint8Array.of(7, 8));
  expect(() => data.decode(Uint8Array.of(2, 7))).toThrow(expect.objectContaining({ code: 'CODEC_TRUNCATED' }));
});
