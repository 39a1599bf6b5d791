import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkings, payloads } from '../../property-tests/arbitraries/index.ts';
import { traceOf } from '../../property-tests/histories.ts';
import { bytesOutPrefixOfBytesIn, type Ends, prefixFault } from './prefix.ts';

const pieces = (...texts: string[]) => texts.map((text) => new TextEncoder().encode(text));
const fault = (bytesIn: string[], bytesOut: string[]) => prefixFault({ bytesIn: pieces(...bytesIn), bytesOut: pieces(...bytesOut) });

test('a prefix in other pieces is one; a byte more or another byte is not', () => {
  expect(fault(['abc', '', 'def'], ['ab', 'cd', ''])).toBeUndefined();
  expect(fault([], [])).toBeUndefined();
  expect(fault(['abc'], ['ab', 'cd'])).toBe('4 bytes came out of a stream into which 3 went.');
  expect(fault(['abc', 'def'], ['abc', 'dxf'])).toBe('byte 4 came out as 120 and had gone in as 101.');
});

/** The same bytes in and out, each in pieces of their own, and where they are cut or changed. */
const streams = payloads()
  .filter((bytes) => bytes.length > 0)
  .chain((bytes) => fc.record({ bytes: fc.constant(bytes), bytesIn: chunkings(bytes), at: fc.nat({ max: bytes.length - 1 }) }))
  .chain(({ bytes, bytesIn, at }) =>
    fc.record({
      bytesIn: fc.constant(bytesIn),
      at: fc.constant(at),
      whole: chunkings(bytes),
      cut: chunkings(bytes.subarray(0, at)),
      changed: chunkings(bytes.with(at, (bytes[at]! + 1) & 0xff)),
      more: chunkings(Uint8Array.of(...bytes, 0)),
      hole: chunkings(Uint8Array.of(...bytes.subarray(0, at), (bytes[at]! + 1) & 0xff, ...bytes.subarray(at))),
    }),
  );

test('however bytes are cut into pieces, a prefix is one and nothing else is', () => {
  fc.assert(
    fc.property(streams, ({ bytesIn, at, whole, cut, changed, more, hole }) => {
      for (const bytesOut of [whole, cut, []]) expect(prefixFault({ bytesIn, bytesOut })).toBeUndefined();
      for (const bytesOut of [changed, hole]) expect(prefixFault({ bytesIn, bytesOut })).toContain(`byte ${at} came out`);
      expect(prefixFault({ bytesIn, bytesOut: more })).toContain('bytes came out of a stream');
    }),
  );
});

test('as an invariant it looks at the records of the run that is over, and names the stream', () => {
  let streamsByName: Record<string, Ends> = {};
  const invariant = bytesOutPrefixOfBytesIn(() => streamsByName);
  expect(invariant.check(traceOf([]))).toBeUndefined();
  streamsByName = {
    request: { bytesIn: pieces('abc'), bytesOut: pieces('abc') },
    answer: { bytesIn: pieces('abc'), bytesOut: pieces('b') },
  };
  expect(invariant.check(traceOf([]))).toEqual({
    invariant: 'bytes out are a prefix of bytes in',
    text: 'answer: byte 0 came out as 98 and had gone in as 97.',
  });
});
