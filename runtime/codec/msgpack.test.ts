import type { StandardSchemaV1 } from '@standard-schema/spec';
import { Packr, pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CodecError } from '../errors.ts';
import { msgpack } from './msgpack.ts';

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const plain = msgpack();
const order = msgpack(
  z.object({
    id: z.string(),
    items: z.array(z.object({ price: z.number() })),
    note: z.string().default('none'),
    tag: z.string().optional(),
  }),
);

describe('with a schema', () => {
  test('the receiver gets what the schema made of the message', () => {
    const sent = order.encode({ id: 'a', items: [{ price: 1.5 }], tag: undefined });
    expect(order.decode(sent)).toEqual({ id: 'a', items: [{ price: 1.5 }], note: 'none' });
  });

  test('a fault is named by its path, at the receiver and before sending', () => {
    const wrong = { id: 'a', items: [{ price: 1 }, { price: 2 }, { price: 'dear' }] };
    const fault = { code: 'CODEC_INVALID', message: expect.stringMatching(/^items\[2\]\.price: /) as string };
    expect(() => order.decode(plain.encode(wrong))).toThrow(expect.objectContaining(fault));
    expect(() => order.encode(wrong as never)).toThrow(expect.objectContaining(fault));
  });

  test('a fault of the whole message has no path, and many faults are counted', () => {
    expect(() => order.decode(plain.encode('text'))).toThrow(/^Invalid input/);
    const wrong = { id: 'a', items: Array.from({ length: 10 }, () => ({})) };
    expect(() => order.decode(plain.encode(wrong))).toThrow(/items\[2\]\.price: [^;]*; and 7 more$/);
  });

  test('what a peer sent cannot break a line of the log', () => {
    const strict = msgpack(z.strictObject({}));
    const error = (() => {
      try {
        return strict.decode(plain.encode({ [`a\r\n\u202e${'x'.repeat(1_000)}`]: 1 }));
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(CodecError);
    expect((error as CodecError).message).not.toMatch(/[\r\n\u202e]/);
    expect((error as CodecError).message.length).toBeLessThan(200);
  });

  test('a schema that answers with a promise is refused, with the reason', async () => {
    const later: StandardSchemaV1<string> = {
      '~standard': { version: 1, vendor: 'later', validate: () => Promise.reject(new Error('unheard')) },
    };
    expect(() => msgpack(later).decode(plain.encode('x'))).toThrow(/^The later schema answers with a promise/);
    const refined = msgpack(z.string().refine(async () => true));
    expect(() => refined.decode(plain.encode('x'))).toThrow(expect.objectContaining({ code: 'CODEC_INVALID' }));
    await Promise.resolve();
  });
});

describe('bytes that are refused', () => {
  test.each([
    ['equal keys', '82 a161 01 a161 02', 'CODEC_DUPLICATE'],
    ['equal keys in two lengths', '82 a161 01 d90161 02', 'CODEC_DUPLICATE'],
    ['a number for a key', '81 01 02', 'CODEC_TYPE'],
    ['bytes for a key', '81 c40161 02', 'CODEC_TYPE'],
    ['__proto__', '81 a95f5f70726f746f5f5f 80', 'CODEC_TYPE'],
    ['constructor', '81 ab636f6e7374727563746f72 80', 'CODEC_TYPE'],
    ['prototype', '81 a970726f746f74797065 80', 'CODEC_TYPE'],
    ['an extension', 'd4 01 10', 'CODEC_TYPE'],
    ['undefined, as msgpackr sends it', 'd4 00 00', 'CODEC_TYPE'],
    ['a record definition', 'd4 72 40 91 a161 01', 'CODEC_TYPE'],
    ['a date', 'd6 ff 5a4af6a5', 'CODEC_TYPE'],
    ['the byte c1', 'c1', 'CODEC_MALFORMED'],
    ['text that is no UTF-8', 'a1 ff', 'CODEC_TEXT'],
    ['half a surrogate pair', 'a3 eda080', 'CODEC_TEXT'],
    ['a key that is no UTF-8', '81 a1ff 01', 'CODEC_TEXT'],
    ['bytes after the value', '01 01', 'CODEC_TRAILING'],
    ['nothing', '', 'CODEC_TRUNCATED'],
    ['an array that claims 4 Gi items', 'dd ffffffff', 'CODEC_TRUNCATED'],
    ['a map that claims 4 Gi pairs', 'df ffffffff', 'CODEC_TRUNCATED'],
    ['bytes that claim 4 GiB', 'c6 ffffffff', 'CODEC_TRUNCATED'],
    ['text that claims 4 GiB', 'db ffffffff', 'CODEC_TRUNCATED'],
    ['a number that ends early', 'cf 00000000000000', 'CODEC_TRUNCATED'],
    ['nesting of 33', `${'91'.repeat(33)} 01`, 'CODEC_LIMIT'],
    ['nesting of a million', `${'91'.repeat(1_000_000)} 01`, 'CODEC_LIMIT'],
  ])('%s', (_what, hex, code) => {
    expect(() => plain.decode(bytesOf(hex))).toThrow(expect.objectContaining({ name: 'CodecError', code }));
  });

  test('a typed array and a Date of another msgpackr', () => {
    const generous = new Packr({ moreTypes: true, useRecords: false });
    expect(() => plain.decode(generous.pack(new Float64Array(2)))).toThrow(expect.objectContaining({ code: 'CODEC_TYPE' }));
    expect(() => plain.decode(pack(new Date(0)))).toThrow(expect.objectContaining({ code: 'CODEC_TYPE' }));
  });
});

describe('values that cannot be sent are named by their path', () => {
  class Account {
    readonly owner = 'x';
  }
  const itself: Record<string, unknown> = {};
  itself['again'] = itself;
  test.each([
    [{ at: [new Date(0)] }, 'CODEC_TYPE', /^at\[0\] cannot be sent/],
    [{ seen: new Map() }, 'CODEC_TYPE', /^seen cannot/],
    [{ 'a b': new Set() }, 'CODEC_TYPE', /^\["a b"\] cannot/],
    [new Account(), 'CODEC_TYPE', /^The message cannot/],
    [{ list: [undefined] }, 'CODEC_TYPE', /^list\[0\] cannot/],
    [{ call: () => 1 }, 'CODEC_TYPE', /function/],
    [{ constructor: 1 }, 'CODEC_TYPE', /^constructor cannot/],
    [JSON.parse('{"__proto__": 1}'), 'CODEC_TYPE', /^__proto__ cannot/],
    [2n ** 64n, 'CODEC_LIMIT', /64 bits/],
    ['\ud800', 'CODEC_TEXT', /surrogate/],
    [{ '\udc00': 1 }, 'CODEC_TEXT', /surrogate/],
    [itself, 'CODEC_LIMIT', /nested deeper than 32/],
  ])('%o', (value, code, message) => {
    expect(() => plain.encode(value)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }));
  });
});

test('bytes come as copies, never as views of the payload', () => {
  const payload = plain.encode({ key: Uint8Array.of(1, 2, 3) });
  const { key } = plain.decode(payload) as { key: Uint8Array };
  payload.fill(0);
  expect(key).toEqual(Uint8Array.of(1, 2, 3));
  expect(key.constructor).toBe(Uint8Array);
  expect(key.buffer.byteLength).toBe(3);
});

test('integers are exact: numbers where they can be, bigints beyond', () => {
  const values = [0, -1, 2 ** 53 - 1, -(2 ** 53 - 1), 2n ** 53n, 2n ** 64n - 1n, -(2n ** 63n), 1.5];
  expect(plain.decode(plain.encode(values))).toEqual(values);
  expect(plain.decode(bytesOf('cf0000000000000001'))).toBe(1);
});

test('a property that is undefined is left out', () => {
  expect(plain.encode({ a: 1, b: undefined })).toEqual(bytesOf('81a16101'));
});

test('a nesting of 32 passes', () => {
  expect(() => plain.decode(bytesOf(`${'91'.repeat(32)}01`))).not.toThrow();
});
