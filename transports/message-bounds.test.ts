import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from '../runtime/codec/bare.ts';
import { MessageBounds } from './message-bounds.ts';

/** One frame, as either side writes it. */
function frame(first: number, payloadBytes: number, isMasked: boolean): Uint8Array {
  const mark = isMasked ? 0x80 : 0;
  const length =
    payloadBytes < 126
      ? Uint8Array.of(mark | payloadBytes)
      : payloadBytes < 65_536
        ? Uint8Array.of(mark | 126, payloadBytes >> 8, payloadBytes)
        : Uint8Array.of(mark | 127, 0, 0, 0, 0, payloadBytes >> 24, payloadBytes >> 16, payloadBytes >> 8, payloadBytes);
  return concat(Uint8Array.of(first), length, new Uint8Array(isMasked ? 4 : 0), new Uint8Array(payloadBytes).fill(0x89));
}

const payloadBytes = fc.oneof(fc.nat(130), fc.constantFrom(125, 126, 65_535, 65_536, 70_000));
/** A message in fragments, with control frames before each. */
const message = fc.record({
  isMasked: fc.boolean(),
  fragments: fc.array(fc.record({ payloadBytes, pings: fc.array(fc.nat(125), { maxLength: 2 }) }), { minLength: 1, maxLength: 4 }),
});

test('law: wherever the bytes are cut, it knows what is whole', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(80_000), { maxLength: 8 }), (messages, cuts) => {
      const frames: Uint8Array[] = [];
      /** Where something is whole, and how much is by then. */
      const ends = new Map<number, number>([[0, 0]]);
      let at = 0;
      let whole = 0;
      const put = (bytes: Uint8Array, isEnd: boolean) => {
        frames.push(bytes);
        at += bytes.length;
        if (isEnd) ends.set(at, ++whole);
      };
      for (const { isMasked, fragments } of messages) {
        fragments.forEach((fragment, index) => {
          const isLast = index === fragments.length - 1;
          for (const ping of fragment.pings) put(frame(0x89, ping, isMasked), index === 0);
          put(frame((index === 0 ? 0x02 : 0x00) | (isLast ? 0x80 : 0), fragment.payloadBytes, isMasked), isLast);
        });
      }
      const all = concat(...frames);
      const bounds = new MessageBounds();
      let from = 0;
      for (const to of [...new Set([...cuts.map((cut) => cut % (all.length + 1)), ...ends.keys(), all.length])].sort((a, b) => a - b)) {
        bounds.onBytes(all.subarray(from, to));
        from = to;
        expect(bounds.isInside).toBe(!ends.has(to));
        if (ends.has(to)) expect(bounds.wholeCount).toBe(ends.get(to));
      }
    }),
    { numRuns: 200 },
  );
});

test('a length beyond all numbers is only never reached', () => {
  const bounds = new MessageBounds();
  bounds.onBytes(Uint8Array.of(0x82, 0x7f, 255, 255, 255, 255, 255, 255, 255, 255));
  bounds.onBytes(new Uint8Array(100_000));
  expect([bounds.isInside, bounds.wholeCount]).toEqual([true, 0]);
});
