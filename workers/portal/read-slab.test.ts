import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Loan } from '../../runtime/loan.ts';
import { CHUNK_BYTES_MAX } from './portal-message.ts';
import { ReadSlab } from './read-slab.ts';

const CHUNK = CHUNK_BYTES_MAX;

test('what one stream has read is never lent to another before it came back', () => {
  const step = fc.record({
    stream: fc.nat({ max: 3 }),
    lent: fc.constantFrom(8 * 1024, CHUNK, 5 * CHUNK),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    givesBack: fc.nat({ max: 3 }),
    which: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const slab = new ReadSlab();
      const lentTo = new Map<number, Uint8Array>();
      const out: { readonly bytes: Uint8Array; readonly fill: number; readonly loan: Loan | undefined }[] = [];
      for (const [index, { stream, lent, share, givesBack, which }] of steps.entries()) {
        const memory = lentTo.get(stream);
        if (memory === undefined) {
          lentTo.set(stream, slab.lend(lent));
        } else {
          const bytes = memory.subarray(0, Math.max(1, Math.floor(memory.length * share)));
          lentTo.delete(stream);
          bytes.fill(index + 1);
          slab.taken(bytes);
          for (let at = 0; at < bytes.length; at += CHUNK) {
            const part = bytes.subarray(at, at + CHUNK);
            out.push({ bytes: part, fill: index + 1, loan: slab.loan(part) });
          }
          slab.handedOut(bytes);
        }
        for (const { bytes, fill } of out) if (bytes.some((byte) => byte !== fill)) return false;
        for (let count = 0; count < givesBack && out.length > 0; count++) out.splice(which % out.length, 1)[0]?.loan?.giveBack();
      }
      return true;
    }),
  );
});

test('a stream whose chunks come back at once reads into the same memory for ever', () => {
  const slab = new ReadSlab();
  const memories = new Set<ArrayBufferLike>();
  for (let round = 0; round < 50; round++) {
    const bytes = slab.lend(5 * CHUNK);
    memories.add(bytes.buffer);
    slab.taken(bytes);
    const loans = [0, 1, 2, 3, 4].map((chunk) => slab.loan(bytes.subarray(chunk * CHUNK, (chunk + 1) * CHUNK)));
    slab.handedOut(bytes);
    for (const loan of loans) loan?.giveBack();
  }
  expect(memories.size).toBe(1);
});
