import type { Timer } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';

/** A channel on which nothing came for so long asks for a sign of life. */
const QUIET_MS = 10_000;
/** A peer that has answered before and is silent for so long is gone. Source: reliability.md 2.3. */
const SILENCE_MS = 30_000;
/** How long the answer to a probe may take that was sent because frames fall out of the window. Source: reliability.md CH6. */
const WEDGED_MS = 5_000;
/** So many frames out of the window in a row, and none opened between, are no accident. */
const WEDGED_FRAMES = 32;

export interface LivenessActions {
  /** @returns whether a probe was sent */
  probe(): boolean;
  onLost(): void;
  /** Called every 10 s, for what else has to be looked at. */
  onTick(): void;
}

/**
 * Notices that the other end of a channel is gone, or that this end can open nothing any more. A peer is judged by its
 * silence only once it has answered a probe. Source: decisions.md B9; reliability.md CH6, CH26
 */
export class Liveness {
  readonly #context: Context;
  readonly #actions: LivenessActions;
  readonly #waiting = new Set<() => void>();
  #heardAtMs: number;
  #hasAnswered = false;
  #ticking: Timer | undefined;
  #wedged: Timer | undefined;
  #isStopped = false;

  constructor(context: Context, actions: LivenessActions) {
    this.#context = context;
    this.#actions = actions;
    this.#heardAtMs = context.clock.monotonicMs();
    // One probe at once tells whether this peer answers any.
    actions.probe();
    this.#tick();
  }

  frameOpened(): void {
    this.#heardAtMs = this.#context.clock.monotonicMs();
    this.#wedged?.cancel();
    this.#wedged = undefined;
  }

  probeAnswered(): void {
    this.#hasAnswered = true;
    for (const answered of this.#waiting) answered();
  }

  /** @param run how many in a row by now */
  frameOutOfWindow(run: number): void {
    if (!this.#hasAnswered) {
      if (run > WEDGED_FRAMES) this.#lose();
      return;
    }
    if (this.#wedged !== undefined || this.#isStopped) return;
    this.#actions.probe();
    this.#wedged = this.#context.setTimer(WEDGED_MS, () => this.#lose());
  }

  /** Probes now. @returns whether an answer came within the time */
  answersWithin(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (answered: boolean) => {
        timer.cancel();
        this.#waiting.delete(onAnswer);
        resolve(answered);
      };
      const onAnswer = () => settle(true);
      const timer = this.#context.setTimer(timeoutMs, () => settle(false));
      this.#waiting.add(onAnswer);
      if (this.#isStopped || !this.#actions.probe()) settle(false);
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#ticking?.cancel();
    this.#wedged?.cancel();
  }

  #tick(): void {
    this.#ticking = this.#context.setTimer(QUIET_MS, () => {
      if (this.#isStopped) return;
      const quietMs = this.#context.clock.monotonicMs() - this.#heardAtMs;
      if (this.#hasAnswered && quietMs >= SILENCE_MS) return this.#lose();
      if (quietMs >= QUIET_MS) this.#actions.probe();
      this.#actions.onTick();
      this.#tick();
    });
  }

  #lose(): void {
    if (this.#isStopped) return;
    this.stop();
    this.#actions.onLost();
  }
}
