import fc from 'fast-check';

/** One change to a string of bytes. Positions wrap around, so that every step means something for every input. */
export type ByteStep =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'insert'; readonly at: number; readonly byte: number }
  | { readonly kind: 'remove'; readonly at: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly count: number };

export interface HostileOptions {
  /** Genuine bytes to cut and change. Without them, bytes are only random or bombs. */
  readonly genuine?: fc.Arbitrary<Uint8Array>;
  /** 512 unless given: no random input is longer. */
  readonly bytesMax?: number;
}

/**
 * Payloads of 0 to `bytesMax` bytes, 300 unless given: enough for each width of a length but the widest. Long ones are up to
 * 30 random bytes and then a count, since hundreds of random bytes would take minutes to shrink.
 */
export function payloads(bytesMax = 300): fc.Arbitrary<Uint8Array> {
  const short = fc.uint8Array({ maxLength: Math.min(bytesMax, 30) });
  const long = fc
    .tuple(short, fc.nat({ max: bytesMax }))
    .map(([start, count]) => Uint8Array.from({ length: count }, (_, index) => start[index] ?? index & 0xff));
  return fc.oneof(short, long);
}

/**
 * Bytes as an enemy sends them: random; genuine ones cut short, changed in up to four places or with more behind them; heads
 * that claim far more than follows, and nests without end, for CBOR, MessagePack, BARE and length-prefixed frames.
 * Shrinks towards no bytes, else towards genuine bytes with one change.
 */
export function hostileBytes(options: HostileOptions = {}): fc.Arbitrary<Uint8Array> {
  const { genuine, bytesMax = 512 } = options;
  const random = fc.uint8Array({ maxLength: bytesMax });
  if (genuine === undefined) return fc.oneof(random, bombs(random));
  const cut = fc.tuple(genuine, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1)));
  const changed = fc
    .tuple(genuine, fc.array(byteSteps(), { minLength: 1, maxLength: 4 }))
    .map(([bytes, steps]) => steps.reduce(applyStep, bytes));
  const extended = fc
    .tuple(genuine, fc.uint8Array({ minLength: 1, maxLength: 16 }))
    .map(([bytes, more]) => Uint8Array.of(...bytes, ...more));
  return fc.oneof(
    { weight: 1, arbitrary: random },
    { weight: 1, arbitrary: bombs(cut) },
    { weight: 2, arbitrary: cut },
    { weight: 3, arbitrary: changed },
    { weight: 1, arbitrary: extended },
  );
}

/**
 * Ways in which a stream can hand over these bytes: views of one byte or more, in order. Shrinks towards a single chunk.
 * No bytes are no chunk.
 */
export function chunkings(bytes: Uint8Array): fc.Arbitrary<Uint8Array[]> {
  return fc.array(fc.nat({ max: bytes.length }), { maxLength: 16 }).map((cuts) => {
    const ends = [...new Set([...cuts, bytes.length])].filter((end) => end > 0).sort((left, right) => left - right);
    return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
  });
}

/** Heads that claim much: arrays, maps, bytes and text of CBOR, then of MessagePack, a BARE length, a frame's length. */
const CLAIMS = [
  [0x9a, 0xff, 0xff, 0xff, 0xff],
  [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xba, 0xff, 0xff, 0xff, 0xff],
  [0x5a, 0x7f, 0xff, 0xff, 0xff],
  [0x7b, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01],
  [0xdd, 0xff, 0xff, 0xff, 0xff],
  [0xdf, 0xff, 0xff, 0xff, 0xff],
  [0xc6, 0xff, 0xff, 0xff, 0xff],
  [0xdb, 0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff],
] as const;
/** One level of an array, a map, a tag or an indefinite array of CBOR; of an array or a map of MessagePack. */
const LEVELS = [[0x81], [0xa1, 0x00], [0xc6], [0x9f], [0x91], [0x81, 0xa0]] as const;
const LEVELS_MAX = 5_000;

function bombs(before: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const claim = fc.constantFrom(...CLAIMS).map((head) => Uint8Array.from(head));
  const nest = fc
    .tuple(fc.constantFrom(...LEVELS), fc.integer({ min: 1, max: LEVELS_MAX }))
    .map(([level, count]) => Uint8Array.from({ length: level.length * count }, (_, index) => level[index % level.length] ?? 0));
  return fc.tuple(before, fc.oneof(claim, nest)).map(([start, bomb]) => Uint8Array.of(...start, ...bomb));
}

function byteSteps(): fc.Arbitrary<ByteStep> {
  const at = fc.nat({ max: 0xffff });
  const byte = fc.oneof(fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 }));
  return fc.oneof(
    fc.record({ kind: fc.constant('flip'), at, bit: fc.nat({ max: 7 }) }),
    fc.record({ kind: fc.constant('set'), at, byte }),
    fc.record({ kind: fc.constant('insert'), at, byte }),
    fc.record({ kind: fc.constant('remove'), at }),
    fc.record({ kind: fc.constant('repeat'), at, count: fc.integer({ min: 1, max: 40 }) }),
  );
}

function applyStep(bytes: Uint8Array, step: ByteStep): Uint8Array {
  const at = bytes.length === 0 ? 0 : step.at % bytes.length;
  const before = bytes.subarray(0, at);
  const old = bytes.subarray(at, at + 1);
  const after = bytes.subarray(at + 1);
  switch (step.kind) {
    case 'flip':
      return Uint8Array.of(...before, ...old.map((byte) => byte ^ (1 << step.bit)), ...after);
    case 'set':
      return Uint8Array.of(...before, ...old.map(() => step.byte), ...after);
    case 'insert':
      return Uint8Array.of(...before, step.byte, ...old, ...after);
    case 'remove':
      return Uint8Array.of(...before, ...after);
    case 'repeat':
      return Uint8Array.of(...before, ...Array.from({ length: step.count }, () => [...old]).flat(), ...old, ...after);
  }
}
