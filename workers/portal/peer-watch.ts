import type { Timer } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';

/** A peer that owes an acknowledgement is asked for it after so long: a lost tail shows itself. */
const OWED_PROBE_MS = 3_000;
/** A stream on which nothing comes is probed after so long. */
const QUIET_PROBE_MS = 10_000;
/** A peer that is silent for so long is gone: a stream that breaks is reset at both ends within 30 s. Source: reliability.md R-C2 */
export const PEER_SILENCE_MS = 25_000;

export interface WatchedPeer {
  /** The peer has not acknowledged all that was sent. */
  readonly isOwed: boolean;
  /** What we say does not even leave this node: the peer's silence is our own. */
  readonly isHeldUp: boolean;
  probe(): void;
  lost(): void;
}

/** Asks a silent peer whether it is there, and for what it has; says so when it is gone. */
export class PeerWatch {
  readonly #context: Context;
  readonly #peer: WatchedPeer;
  #heardAtMs: number;
  #probedAtMs = Number.NEGATIVE_INFINITY;
  #owedSinceMs: number | undefined;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  constructor(context: Context, peer: WatchedPeer) {
    this.#context = context;
    this.#peer = peer;
    this.#heardAtMs = context.clock.monotonicMs();
    this.#schedule();
  }

  /** Anything came from the peer. */
  heard(): void {
    this.#heardAtMs = this.#context.clock.monotonicMs();
  }

  /** Something was sent that the peer has to acknowledge. */
  sent(): void {
    if (this.#owedSinceMs !== undefined) return;
    this.#owedSinceMs = this.#context.clock.monotonicMs();
    this.#schedule();
  }

  /** The peer told what it has. */
  acknowledged(): void {
    this.#owedSinceMs = this.#peer.isOwed ? this.#context.clock.monotonicMs() : undefined;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Only what is due before the timer moves it: one that comes early looks again. */
  #schedule(): void {
    const dueMs = Math.min(this.#probeDueMs, this.#heardAtMs + PEER_SILENCE_MS);
    if (dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#context.setTimer(Math.max(1, dueMs - this.#context.clock.monotonicMs()), () => this.#check());
  }

  get #probeDueMs(): number {
    const quietMs = Math.max(this.#heardAtMs, this.#probedAtMs) + QUIET_PROBE_MS;
    if (this.#owedSinceMs === undefined) return quietMs;
    return Math.min(quietMs, Math.max(this.#owedSinceMs, this.#probedAtMs) + OWED_PROBE_MS);
  }

  #check(): void {
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#context.clock.monotonicMs();
    if (this.#peer.isHeldUp) this.#heardAtMs = nowMs;
    if (nowMs >= this.#heardAtMs + PEER_SILENCE_MS) return this.#peer.lost();
    if (nowMs >= this.#probeDueMs) {
      this.#probedAtMs = nowMs;
      this.#peer.probe();
    }
    this.#schedule();
  }
}
