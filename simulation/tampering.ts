import { type Random, randomFraction } from '../runtime/random.ts';
import type { Tampering } from './faults.ts';

/** How late a delayed piece is, at most. */
const DELAY_MS_MAX = 2_000;

/** A piece of bytes that went over a link before. */
export interface SeenPiece {
  readonly stream: number;
  /** Both ends of its stream are still there. */
  readonly isLive: boolean;
  readonly bytes: Uint8Array;
}

/** What someone who sits on a link knows of the piece that passes. */
export interface TamperContext {
  /** Counted from 1, as in the trace. All datagrams from one port to another have a number of their own. */
  readonly stream: number;
  /** Counted from 1, as in the trace. */
  readonly piece: number;
  readonly from: string;
  readonly to: string;
  /** What went this way before, oldest first: the latest 32 pieces, as far as they are 64 KiB together. Untampered. */
  readonly seen: readonly SeenPiece[];
}

/** Bytes that set out instead; later than they would, or as another piece of the trace than the one tampered with. */
export type Tampered = Uint8Array | { readonly bytes: Uint8Array; readonly afterMs?: number; readonly piece?: number };

/** Sees each piece of bytes as it sets out, and returns what sets out instead: nothing, something else, or it twice. */
export type Tamper = (bytes: Uint8Array, context: TamperContext) => readonly Tampered[];

export interface TamperingOptions {
  /** How many pieces suffer; those that cannot, as when there is nothing to replay yet, do not count. All by default. */
  readonly pieces?: number;
  /** Called once nothing is left to do: everything passes from now on. */
  readonly onSpent?: () => void;
}

/**
 * One kind of attack on what passes over a link.
 *
 * - `drop`: the piece is gone. `duplicate`: it comes twice.
 * - `reorder`: it comes after the next one of its stream, whenever that comes.
 * - `delay`: it comes up to 2 s late. What follows on a stream waits for it, datagrams overtake it.
 * - `corrupt`: one, three or five bits are flipped. `truncate`: its end is missing, at least one byte.
 * - `splice`: in its place comes a piece of another stream that is alive.
 * - `replay`: after it comes a piece that passed before, of this stream or another, be it alive or not.
 */
export function tampering(kind: Tampering, random: Random, { pieces = Number.POSITIVE_INFINITY, onSpent }: TamperingOptions = {}): Tamper {
  const overtaken = new Map<number, { readonly bytes: Uint8Array; readonly piece: number }>();
  let left = pieces;
  const checkSpent = () => {
    if (left <= 0 && overtaken.size === 0) onSpent?.();
  };
  return (bytes, context) => {
    const late = overtaken.get(context.stream);
    if (late !== undefined) {
      overtaken.delete(context.stream);
      checkSpent();
      return [bytes, late];
    }
    if (left <= 0) return [bytes];
    const instead = kind === 'reorder' ? [] : ATTACKS[kind](bytes, context, random);
    if (instead === undefined) return [bytes];
    if (kind === 'reorder') overtaken.set(context.stream, { bytes, piece: context.piece });
    left -= 1;
    checkSpent();
    return instead;
  };
}

/** @returns what sets out instead; `undefined` when this cannot be done to this piece */
type Attack = (bytes: Uint8Array, context: TamperContext, random: Random) => readonly Tampered[] | undefined;

const ATTACKS: Record<Exclude<Tampering, 'reorder'>, Attack> = {
  drop: () => [],
  duplicate: (bytes) => [bytes, bytes],
  delay: (bytes, _, random) => [{ bytes, afterMs: 1 + below(DELAY_MS_MAX, random) }],
  corrupt: (bytes, _, random) => [withFlippedBits(bytes, random)],
  truncate: (bytes, _, random) => [bytes.subarray(0, below(bytes.length, random))],
  splice: (_, { stream, seen }, random) => {
    const others = seen.filter((other) => other.isLive && other.stream !== stream);
    const other = others[below(others.length, random)];
    return other && [other.bytes];
  },
  replay: (bytes, { seen }, random) => {
    const earlier = seen[below(seen.length, random)];
    return earlier && [bytes, earlier.bytes];
  },
};

/** An odd number of flips never undoes itself. */
function withFlippedBits(bytes: Uint8Array, random: Random): Uint8Array {
  const flipped = bytes.slice();
  for (let flips = 1 + 2 * below(3, random); flips > 0; flips--) {
    const bit = below(bytes.length * 8, random);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }
  return flipped;
}

/** A whole number from 0 to less than `count`. */
const below = (count: number, random: Random) => Math.floor(randomFraction(random) * count);
