import { type Random, randomFraction } from '../runtime/random.ts';
import type { SeenPiece, Tamper } from './tampering.ts';

/** How long something is on the way, in milliseconds: always the same, or anything from the first number to the second. */
export type Latency = number | readonly [minMs: number, maxMs: number];

/** What one direction of a link is like. Each is as it was when left out; at first the link is ideal but for its latency. */
export interface LinkOptions {
  /** With a range, datagrams overtake each other; bytes of a stream never do. */
  readonly latencyMs?: Latency;
  /** All streams and datagrams of the direction share it, first come, first served. */
  readonly bandwidthBytesPerSecond?: number;
  /** From 0 to less than 1: so many datagrams are lost; of a stream, so many pieces are sent again after 200 ms, 400 ms and so on. */
  readonly lossRatio?: number;
  /** From 0 to less than 1: so many datagrams arrive twice. */
  readonly duplicateRatio?: number;
}

/** When what was lost is sent again: after that, then after twice as long each time, up to the greatest. Source: RFC 6298 §2.4, §5.5 */
const RETRANSMISSION_MS = 200;
const RETRANSMISSION_MS_MAX = 120_000;
/** Chance and bandwidth give times in eighths of a millisecond: sums of those are exact. */
const STEPS_PER_MS = 8;
/** How much of what passed is remembered for those who replay it. */
const SEEN_MAX = 32;
const SEEN_BYTES_MAX = 65_536;

/** One direction of a link: what it is like, what is wrong with it, and what passed. */
export class Link {
  readonly from: string;
  readonly to: string;
  readonly random: Random;
  /** Stalled: streams and datagrams wait. */
  isHeld = false;
  /** Nothing passes: streams wait, datagrams are lost. */
  isCut = false;
  tampers: readonly Tamper[] = [];
  /** The streams that are alive. */
  readonly live = new Set<number>();
  /** Datagrams that wait for the end of a hold. */
  readonly stalled: (() => void)[] = [];
  readonly #seen: { readonly stream: number; readonly bytes: Uint8Array }[] = [];
  #seenBytes = 0;
  #options: LinkOptions;
  #busyUntilMs = 0;

  constructor(from: string, to: string, options: LinkOptions, random: Random) {
    this.from = from;
    this.to = to;
    this.random = random;
    this.#options = checked(options);
  }

  get isWithinHost(): boolean {
    return this.from === this.to;
  }

  /** @throws {RangeError} when a number is out of its range; everything is as before */
  set(options: LinkOptions): void {
    this.#options = { ...this.#options, ...checked(options) };
  }

  /** Takes its turn on the link. @returns how long `count` bytes that set out now take, unless they are lost */
  transitMs(nowMs: number, count: number): number {
    const { latencyMs = 0, bandwidthBytesPerSecond } = this.#options;
    const travelMs = typeof latencyMs === 'number' ? latencyMs : this.#between(...latencyMs);
    if (bandwidthBytesPerSecond === undefined) return travelMs;
    this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs) + (count * 1_000) / bandwidthBytesPerSecond;
    return travelMs + Math.ceil((this.#busyUntilMs - nowMs) * STEPS_PER_MS) / STEPS_PER_MS;
  }

  /** How much longer a piece of a stream takes since it is lost, again and again perhaps. */
  repeatedMs(): number {
    let ms = 0;
    for (let next = RETRANSMISSION_MS; this.losesOne(); next = Math.min(2 * next, RETRANSMISSION_MS_MAX)) ms += next;
    return ms;
  }

  losesOne(): boolean {
    return this.#happens(this.#options.lossRatio);
  }

  doublesOne(): boolean {
    return this.#happens(this.#options.duplicateRatio);
  }

  /** Keeps a copy for those who tamper. */
  remember(stream: number, bytes: Uint8Array): void {
    if (this.isWithinHost || bytes.length > SEEN_BYTES_MAX) return;
    this.#seen.push({ stream, bytes: bytes.slice() });
    this.#seenBytes += bytes.length;
    while (this.#seen.length > SEEN_MAX || this.#seenBytes > SEEN_BYTES_MAX) this.#seenBytes -= this.#seen.shift()?.bytes.length ?? 0;
  }

  get seen(): SeenPiece[] {
    return this.#seen.map(({ stream, bytes }) => ({ stream, bytes, isLive: this.live.has(stream) }));
  }

  #between(minMs: number, maxMs: number): number {
    return minMs + Math.floor(randomFraction(this.random) * ((maxMs - minMs) * STEPS_PER_MS + 1)) / STEPS_PER_MS;
  }

  #happens(ratio = 0): boolean {
    return ratio > 0 && randomFraction(this.random) < ratio;
  }
}

function checked(options: LinkOptions): LinkOptions {
  const { latencyMs = 0, bandwidthBytesPerSecond = 1, lossRatio = 0, duplicateRatio = 0 } = options;
  const [minMs, maxMs] = typeof latencyMs === 'number' ? [latencyMs, latencyMs] : latencyMs;
  if (!(minMs >= 0 && minMs <= maxMs && Number.isFinite(maxMs)))
    throw new RangeError('latencyMs is a number from 0 on, or two of them, the smaller first.');
  if (!(bandwidthBytesPerSecond > 0)) throw new RangeError('bandwidthBytesPerSecond is more than 0; to let nothing pass, use partition.');
  if (!isRatio(lossRatio)) throw new RangeError('lossRatio is from 0 to less than 1; to let nothing pass, use partition.');
  if (!isRatio(duplicateRatio)) throw new RangeError('duplicateRatio is from 0 to less than 1.');
  return options;
}

const isRatio = (ratio: number) => ratio >= 0 && ratio < 1;
