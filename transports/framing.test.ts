import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunkings } from '../property-tests/arbitraries/index.ts';
import type { Loan } from '../runtime/loan.ts';
import { COPIED_BYTES_MAX, FRAME_BYTES_LIMIT, FrameReader } from './framing.ts';

const frame = (bodyBytes: number, fill: number) => {
  const bytes = new Uint8Array(4 + bodyBytes).fill(fill, 4);
  new DataView(bytes.buffer).setUint32(0, bodyBytes);
  return bytes;
};
const claim = (bodyBytes: number) =>
  frame(0, 0)
    .fill(0)
    .map((_, index) => bodyBytes >>> (24 - 8 * index));
const PREAMBLE = Uint8Array.of(1);

/** Plays the stream: fills what is lent, as much as fits at a time. */
function harness(frameBytesMax?: number, onBody: (body: Uint8Array, loan: Loan | undefined) => void = () => undefined) {
  const bodies: Uint8Array[] = [];
  const skipped: number[] = [];
  let onFrame: () => void = () => undefined;
  const reader = new FrameReader(
    {
      onFrame: (body, loan) => {
        bodies.push(body);
        onBody(body, loan);
        onFrame();
      },
      onSkipped: (bytes) => skipped.push(bytes),
    },
    frameBytesMax,
  );
  let lentBytesMax = 0;
  const feed = (bytes: Uint8Array) => {
    for (let rest = bytes; rest.length > 0; ) {
      const lent = reader.buffer();
      lentBytesMax = Math.max(lentBytesMax, lent.buffer.byteLength);
      const count = Math.min(lent.length, rest.length);
      lent.set(rest.subarray(0, count));
      reader.onBytes(lent.subarray(0, count));
      rest = rest.subarray(count);
    }
  };
  return { reader, bodies, skipped, feed, whenFrame: (callback: () => void) => (onFrame = callback), lentBytesMax: () => lentBytesMax };
}

interface Held {
  readonly body: Uint8Array;
  readonly fill: number;
  readonly loan: Loan | undefined;
}

const shape = (bodies: readonly Uint8Array[]) => bodies.map((body) => [body.length, body[0], body.at(-1), new Set(body).size]);

describe('the frame reader', () => {
  test('frames come out whole and in order however the stream is cut', () => {
    const sizes = fc.array(fc.oneof(fc.nat({ max: 40 }), fc.constantFrom(COPIED_BYTES_MAX - 1, COPIED_BYTES_MAX, 60_000)), {
      maxLength: 6,
    });
    const cut = sizes.chain((list) => {
      const stream = Buffer.concat([PREAMBLE, ...list.map((bodyBytes, index) => frame(bodyBytes, index + 1))]);
      return chunkings(stream).map((chunks) => ({ list, chunks }));
    });
    fc.assert(
      fc.property(cut, ({ list, chunks }) => {
        const { bodies, feed, reader } = harness();
        for (const chunk of chunks) feed(chunk);
        expect(shape(bodies)).toEqual(
          list.map((bytes, index) => (bytes === 0 ? [0, undefined, undefined, 0] : [bytes, index + 1, index + 1, 1])),
        );
        expect(reader.isInsideFrame).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test('a body that was handed out is never written over, also not by a frame that is skipped', () => {
    const { bodies, skipped, feed } = harness(100_000);
    feed(PREAMBLE);
    for (let round = 1; round <= 20; round++) {
      feed(frame(COPIED_BYTES_MAX, round));
      feed(frame(500_000, 0xee));
      feed(frame(10, round));
    }
    expect(skipped).toEqual(new Array(20).fill(500_000));
    expect(shape(bodies)).toEqual(
      Array.from({ length: 20 }, (_, index) => [
        [COPIED_BYTES_MAX, index + 1, index + 1, 1],
        [10, index + 1, index + 1, 1],
      ]).flat(),
    );
  });

  test('a small body keeps no slab alive', () => {
    const { bodies, feed } = harness();
    feed(PREAMBLE);
    for (let round = 0; round < 200; round++) feed(frame(100, round));
    expect(Math.max(...bodies.map((body) => body.buffer.byteLength))).toBeLessThanOrEqual(8_192);
  });

  test('large bodies are views while nearly all that comes is large, and keep no slabs of padding alive', () => {
    const { bodies, feed } = harness();
    const held = (list: readonly Uint8Array[]) =>
      [...new Set(list.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);
    feed(PREAMBLE);
    for (let round = 0; round < 60; round++) feed(frame(48_000, 1));
    const views = bodies.filter(({ length, buffer }) => buffer.byteLength > length);
    expect(views.length).toBeGreaterThan(50);
    bodies.length = 0;
    const padding = Buffer.concat(Array.from({ length: 59_000 }, () => frame(0, 0)));
    const isPartOfNext = 2;
    feed(frame(0, 0).subarray(0, isPartOfNext));
    for (let round = 0; round < 30; round++) {
      feed(Buffer.concat([frame(0, 0).subarray(isPartOfNext), frame(COPIED_BYTES_MAX, 2), padding, frame(0, 0).subarray(0, isPartOfNext)]));
    }
    const large = bodies.filter(({ length }) => length === COPIED_BYTES_MAX);
    expect(large).toHaveLength(30);
    expect(held(large)).toBeLessThan(3 * 30 * COPIED_BYTES_MAX);
  });

  test('memory grows with the bytes that came, not with the length that is claimed', () => {
    const { feed, lentBytesMax } = harness(FRAME_BYTES_LIMIT);
    feed(PREAMBLE);
    feed(claim(FRAME_BYTES_LIMIT));
    feed(Uint8Array.of(1));
    expect(lentBytesMax()).toBeLessThanOrEqual(16_384);
    feed(new Uint8Array(100_000));
    expect(lentBytesMax()).toBeLessThan(450_000);
  });

  test('a skipped frame takes no memory of its own', () => {
    const { feed, lentBytesMax, skipped } = harness();
    feed(PREAMBLE);
    feed(claim(FRAME_BYTES_LIMIT));
    for (let sent = 0; sent < FRAME_BYTES_LIMIT; sent += 65_536) feed(new Uint8Array(65_536));
    expect(skipped).toEqual([FRAME_BYTES_LIMIT]);
    expect(lentBytesMax()).toBeLessThanOrEqual(262_144);
  });

  test('while it is paused nothing is handed out, also of what came before; after that all of it, in order', () => {
    const { reader, bodies, feed, whenFrame } = harness();
    whenFrame(() => reader.pause());
    feed(Buffer.concat([PREAMBLE, frame(3, 1), frame(3, 2), frame(20_000, 3), frame(3, 4).subarray(0, 5)]));
    expect(bodies.map((body) => body[0])).toEqual([1]);
    reader.buffer(); // what a stream does after each read, also while paused
    reader.resume();
    expect(bodies.map((body) => body[0])).toEqual([1, 2]);
    feed(frame(3, 4).subarray(5));
    expect(bodies.length).toBe(2);
    reader.resume();
    reader.resume();
    expect(bodies.map((body) => body[0])).toEqual([1, 2, 3, 4]);
    expect(reader.isInsideFrame).toBe(false);
  });

  test('what comes into memory lent before the last frame was handed out is still found', () => {
    const { reader, bodies, feed } = harness(100_000);
    reader.pause();
    feed(Buffer.concat([PREAMBLE, frame(3, 1), claim(200_000), new Uint8Array(100)]));
    const lent = reader.buffer();
    reader.resume(); // hands out the frame, and skips as far as it can
    const rest = Buffer.concat([new Uint8Array(Math.min(lent.length, 199_900))]);
    lent.set(rest);
    reader.onBytes(lent.subarray(0, rest.length));
    feed(Buffer.concat([new Uint8Array(199_900 - rest.length), frame(3, 2)]));
    expect(bodies.map((body) => body[0])).toEqual([1, 2]);
  });

  test.each([
    ['version 0', Uint8Array.of(0), 'PREAMBLE'],
    ['version 2', Uint8Array.of(2), 'PREAMBLE'],
    ['a length over the limit', Buffer.concat([PREAMBLE, claim(FRAME_BYTES_LIMIT + 1)]), 'FRAME_TOO_LARGE'],
  ])('%s is refused', (_name, bytes, code) => {
    const { feed } = harness();
    expect(() => feed(bytes)).toThrow(expect.objectContaining({ code }));
  });

  test('nothing is written over a body before it was given back, however late and in whatever order that is', () => {
    const steps = fc.array(
      fc.record({
        bodyBytes: fc.constantFrom(10, COPIED_BYTES_MAX, 48_000, 60_000, 200_000),
        givesBack: fc.nat({ max: 3 }),
        which: fc.nat(),
      }),
      { minLength: 1, maxLength: 40 },
    );
    let returned = 0;
    fc.assert(
      fc.property(steps, (list) => {
        const held: Held[] = [];
        let fill = 0;
        const { feed } = harness(undefined, (body, loan) => held.push({ body, fill, loan }));
        feed(PREAMBLE);
        for (const { bodyBytes, givesBack, which } of list) {
          fill = (fill % 250) + 1;
          feed(frame(bodyBytes, fill));
          for (const { body, fill: expected } of held) if (!body.every((byte) => byte === expected)) return false;
          for (let count = 0; count < givesBack && held.length > 0; count++) {
            const [{ loan } = { loan: undefined }] = held.splice(which % held.length, 1);
            loan?.giveBack();
            if (loan !== undefined) returned += 1;
          }
        }
        return true;
      }),
    );
    expect(returned).toBeGreaterThan(100);
  });

  test('a reader whose bodies come back at once reads into the same memory for ever', () => {
    const memories = new Set<ArrayBufferLike>();
    const { feed } = harness(undefined, (body, loan) => {
      if (loan !== undefined) memories.add(body.buffer);
      loan?.giveBack();
    });
    feed(PREAMBLE);
    for (let count = 0; count < 100; count++) feed(frame(48_000, 1));
    expect(memories.size).toBeGreaterThan(0);
    expect(memories.size).toBeLessThanOrEqual(3); // the first slab, one that grew, and the busy one
  });
});
