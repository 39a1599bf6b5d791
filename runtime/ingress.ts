import type { Clock, Timer } from './clock.ts';
import type { DeadLetterReason } from './dead-letter.ts';
import { Hold } from './hold.ts';

/** How much one ingress may have inside the node before it stops reading. Source: reliability.md 2.3 (mailbox). */
export interface IngressLimits {
  readonly messages: number;
  readonly bytes: number;
}

export const INGRESS_LIMITS: IngressLimits = { messages: 1_024, bytes: 4 * 1024 * 1024 };
/** Nothing at all is taken above this multiple of the limits. */
export const HARD_FACTOR = 8;
/** An ingress that waited so long without one charge released reads on and sheds: two nodes that flood each other would wait for ever. */
export const STALL_MS = 1_000;

export interface IngressOptions {
  readonly clock: Clock;
  readonly limits?: IngressLimits;
  /** False for one that waits as long as it takes, since a hole would do more harm. Default: true. */
  readonly sheds?: boolean;
  /** Over the limits, or held: stop reading. */
  readonly onFull?: () => void;
  /** Room again, or no use in waiting for it: read on. */
  readonly onRoom?: () => void;
}

/**
 * Where messages enter the node: a connection, a portal's socket, or a local caller. Every message is charged to the
 * ingress it came in by, and so is what workers send while they handle it, until it is handled, written out, or taken
 * into a window that has its own bound. Pressure thus reaches the socket it came from and no handler ever waits.
 *
 * At the limits reading stops until half is released. When nothing at all is released for a while, reading goes on and what
 * exceeds the limits is shed until a charge is back under them. Whoever takes bytes into memory of its own that has no
 * window may hold the ingress. Source: decisions.md A3, B6
 */
export class Ingress {
  messages = 0;
  bytes = 0;
  readonly #clock: Clock;
  readonly #limits: IngressLimits;
  readonly #onFull: (() => void) | undefined;
  readonly #onRoom: (() => void) | undefined;
  readonly #sheds: boolean;
  readonly #waiting: (() => void)[] = [];
  #hold: Hold | undefined;
  #lossListeners: Set<(reason: DeadLetterReason) => void> | undefined;
  #isPaused = false;
  #isFull = false;
  #isShedding = false;
  #isClosed = false;
  #releases = 0;
  #timer: Timer | undefined;

  constructor(options: IngressOptions) {
    this.#clock = options.clock;
    this.#limits = options.limits ?? INGRESS_LIMITS;
    this.#sheds = options.sheds ?? true;
    this.#onFull = options.onFull;
    this.#onRoom = options.onRoom;
  }

  /** Over the limits, and reading has stopped. */
  get isFull(): boolean {
    return this.#isFull && !this.#isShedding;
  }

  /** Reading has stopped: over the limits, or held. */
  get isPaused(): boolean {
    return this.isFull || this.#hold?.isHeld === true;
  }

  /** Over the limits, and reading goes on all the same: what exceeds them is not let in. */
  get isShedding(): boolean {
    return this.#isShedding;
  }

  /** Whether one more message of this size may enter; `urgent` ones are let in up to the hard bound even while shedding. */
  admits(bytes: number, urgent: boolean): boolean {
    if (this.#exceeds(bytes, HARD_FACTOR)) return false;
    return !this.#isShedding || urgent || !this.#exceeds(bytes, 1);
  }

  /** Takes the cost of one message, its routes included. @returns false, and takes nothing, above the hard bound */
  charge(bytes: number): boolean {
    if (this.#exceeds(bytes, HARD_FACTOR)) return false;
    this.messages += 1;
    this.bytes += bytes;
    if (!this.#isFull && (this.messages >= this.#limits.messages || this.bytes >= this.#limits.bytes)) this.#fill();
    return true;
  }

  /** Gives back what `charge` took. */
  release(bytes: number): void {
    this.messages -= 1;
    this.bytes -= bytes;
    this.#releases += 1;
    if (!this.#isFull) return;
    // One that waits reads on at half, so as not to stop at every message; one that sheds waits again as soon as it can.
    const { messages, bytes: bytesMax } = this.#limits;
    const hasRoom = this.#isShedding
      ? this.messages < messages && this.bytes < bytesMax
      : this.messages <= messages / 2 && this.bytes <= bytesMax / 2;
    if (hasRoom) this.#drain();
  }

  /** Resolves when there is room; undefined when there is already, or when waiting is of no use. */
  room(): Promise<void> | undefined {
    if (!this.isFull || this.#isClosed) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Stops reading until it is let go, but for all who hold it together at most 15 s in any 30 s: a path that is silent for
   * longer counts as dead.
   * @returns how to let go; calling it again does nothing
   */
  hold(): () => void {
    if (this.#isClosed) return () => undefined;
    return (this.#hold ??= new Hold(this.#clock, () => this.#settle())).take();
  }

  /**
   * Tells of everything that was charged here and became a dead letter, and of frames that were skipped: to whoever cannot
   * see a hole in what it gets.
   * @param listener must not throw; it is called in the middle of a delivery
   * @returns how to unsubscribe
   */
  onLoss(listener: (reason: DeadLetterReason) => void): () => void {
    const listeners = (this.#lossListeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Something of it will not arrive. */
  lost(reason: DeadLetterReason): void {
    if (this.#lossListeners !== undefined) for (const listener of [...this.#lossListeners]) listener(reason);
  }

  /** No more callbacks and no timer: the owner is gone. Charges may still be taken and released. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#hold?.close();
    this.#wakeAll();
  }

  #exceeds(bytes: number, factor: number): boolean {
    return this.messages >= this.#limits.messages * factor || this.bytes + bytes > this.#limits.bytes * factor;
  }

  #fill(): void {
    this.#isFull = true;
    if (this.#isClosed) return;
    if (this.#sheds) this.#watchForStall();
    this.#settle();
  }

  #drain(): void {
    const waited = !this.#isShedding;
    this.#isFull = false;
    this.#isShedding = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (waited) this.#readOn();
  }

  #watchForStall(): void {
    const before = this.#releases;
    this.#timer = this.#clock.setTimer(STALL_MS, () => {
      this.#timer = undefined;
      if (this.#releases !== before) return this.#watchForStall();
      this.#isShedding = true;
      this.#readOn();
    });
  }

  #readOn(): void {
    this.#wakeAll();
    this.#settle();
  }

  /** Tells the owner when reading is to stop or to go on. */
  #settle(): void {
    const { isPaused } = this;
    if (this.#isClosed || isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#onFull?.();
    else this.#onRoom?.();
  }

  #wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
