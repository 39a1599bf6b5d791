import type { Timer } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';

/** A channel on which nothing came for so long asks for a sign of life. */
const QUIET_MS = 10_000;
/** A peer that answers probes and is silent for so long is gone. Source: reliability.md 2.3 */
const SILENCE_MS = 30_000;
/** A peer that has left so many probes unanswered, and never answered one, is not asked again. */
const UNANSWERED_MAX = 3;
/**
 * A peer that answers probes and has said nothing for so long after a frame was sent is examined: what is behind a node that
 * was restarted is reached again within 15 s. Source: reliability.md R-C4
 */
const OWING_MS = 5_000;
/** How long a peer that is examined has time to show itself. Source: reliability.md CH6 */
const EXAMINATION_MS = 4_000;
/** So many frames out of the window in a row, and none opened between, are no accident. Source: decisions.md B9 */
const WEDGED_FRAMES = 32;

export interface LivenessActions {
  /** @returns whether the probe was sent */
  probe(id: number): boolean;
  /** How many frames in a row were out of the window by now. */
  outOfWindowRun(): number;
  onLost(): void;
  /** Called every 10 s or so, for what else has to be looked at. */
  onTick(): void;
}

/**
 * Notices that the other end of a channel is gone, or that this end can open nothing any more. A peer is judged by its
 * silence only once it is known to answer probes: it has answered one, or sends some itself.
 * Source: decisions.md B9; reliability.md CH6, CH26
 */
export class Liveness {
  readonly #context: Context;
  readonly #actions: LivenessActions;
  /** Who waits for the answer to a probe, by its number. */
  readonly #waiting = new Map<number, (answered: boolean) => void>();
  #heardAtMs: number;
  #probes = 0;
  #answers = false;
  #watching: Timer | undefined;
  #examining: Timer | undefined;
  #owing: Timer | undefined;
  #heardSince = false;
  #isStopped = false;

  /** Whether anything of the other end was ever opened. */
  hasHeard = false;

  /** @param asksAtOnce to learn early whether this peer answers; one of the two ends is enough, the other is told by being asked */
  constructor(context: Context, actions: LivenessActions, asksAtOnce: boolean) {
    this.#context = context;
    this.#actions = actions;
    this.#heardAtMs = context.clock.monotonicMs();
    if (asksAtOnce) this.#probe();
    this.#watchFor(QUIET_MS);
  }

  /** For how long nothing came of a peer that has never answered a probe; undefined of one that has, which is judged here. */
  get unansweredMs(): number | undefined {
    return this.#answers ? undefined : this.#context.clock.monotonicMs() - this.#heardAtMs;
  }

  frameOpened(): void {
    this.#heardAtMs = this.#context.clock.monotonicMs();
    this.#heardSince = true;
    this.hasHeard = true;
  }

  /** Who sends probes answers them. */
  probed(): void {
    this.#answers = true;
  }

  /** @param id of the probe; whoever waits for an earlier one has its answer too */
  probeAnswered(id: number): void {
    this.#answers = true;
    for (const [waitedFor, settle] of this.#waiting) if (waitedFor <= id) settle(true);
  }

  /** Something was sent to the other end, which will say something before long. */
  frameSent(): void {
    if (this.#owing !== undefined || this.#isStopped) return;
    const sentAtMs = this.#context.clock.monotonicMs();
    this.#owing = this.#context.setTimer(OWING_MS, () => {
      this.#owing = undefined;
      if (this.#answers && this.#heardAtMs < sentAtMs) this.examine();
    });
  }

  /**
   * There is reason to doubt that the other end is there, or that anything of it can be opened: it has to show itself. Done
   * once in a while at most, for whoever injects frames must not make us send as many.
   */
  examine(): void {
    if (this.#examining !== undefined || this.#isStopped) return;
    this.#heardSince = false;
    this.#probe();
    this.#examining = this.#context.setTimer(EXAMINATION_MS, () => {
      this.#examining = undefined;
      if (this.#heardSince) return;
      if (this.#answers || this.#actions.outOfWindowRun() > WEDGED_FRAMES) this.#lose();
    });
  }

  /** Probes now. @returns whether the answer came within the time */
  answersWithin(timeoutMs: number): Promise<boolean> {
    if (this.#isStopped || !this.#probe()) return Promise.resolve(false);
    const id = this.#probes;
    return new Promise((resolve) => {
      const timer = this.#context.setTimer(timeoutMs, () => settle(false));
      const settle = (answered: boolean) => {
        timer.cancel();
        this.#waiting.delete(id);
        resolve(answered);
      };
      this.#waiting.set(id, settle);
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#watching?.cancel();
    this.#examining?.cancel();
    this.#owing?.cancel();
    for (const settle of this.#waiting.values()) settle(false);
  }

  #probe(): boolean {
    this.#probes += 1;
    return this.#actions.probe(this.#probes);
  }

  #watchFor(delayMs: number): void {
    this.#watching = this.#context.setTimer(delayMs, () => {
      const quietMs = this.#context.clock.monotonicMs() - this.#heardAtMs;
      if (this.#answers && quietMs >= SILENCE_MS) return this.#lose();
      const isQuiet = quietMs >= QUIET_MS;
      if (isQuiet && (this.#answers || this.#probes < UNANSWERED_MAX)) this.#probe();
      this.#watchFor(isQuiet ? QUIET_MS : QUIET_MS - quietMs);
      this.#actions.onTick();
    });
  }

  #lose(): void {
    if (this.#isStopped) return;
    this.stop();
    this.#actions.onLost();
  }
}
