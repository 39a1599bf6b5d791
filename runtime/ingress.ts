import type { Clock, Timer } from './clock.ts';

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
  /** Over the limits: stop reading. */
  readonly onFull?: () => void;
  /** Room again: read on. */
  readonly onRoom?: () => void;
}

/**
 * Where messages enter the node: a connection, a portal's socket, or a local caller. Every message is charged to the
 * ingress it came in by, and so is what workers send while they handle it, until it is handled, written out, or taken
 * into a window that has its own bound. Pressure thus reaches the socket it came from and no handler ever waits.
 */
export class Ingress {
  messages = 0;
  bytes = 0;
  readonly #clock: Clock;
  readonly #limits: IngressLimits;
  readonly #onFull: (() => void) | undefined;
  readonly #onRoom: (() => void) | undefined;
  readonly #waiting: (() => void)[] = [];
  #full = false;
  #shedding = false;
  #releases = 0;
  #timer: Timer | undefined;

  constructor(options: IngressOptions) {
    this.#clock = options.clock;
    this.#limits = options.limits ?? INGRESS_LIMITS;
    this.#onFull = options.onFull;
    this.#onRoom = options.onRoom;
  }

  /** Over the limits, and reading has stopped. */
  get isFull(): boolean {
    return this.#full;
  }

  /** Whether one more message of this size may enter; `urgent` ones are let in up to the hard bound even while shedding. */
  admits(bytes: number, urgent: boolean): boolean {
    if (this.#overHard(bytes)) return false;
    if (!this.#shedding || urgent) return true;
    return this.messages < this.#limits.messages && this.bytes + bytes <= this.#limits.bytes;
  }

  /** Takes the cost of one message. @returns false, and takes nothing, above the hard bound */
  charge(bytes: number): boolean {
    if (this.#overHard(bytes)) return false;
    this.messages += 1;
    this.bytes += bytes;
    if (!this.#full && (this.messages >= this.#limits.messages || this.bytes >= this.#limits.bytes)) this.#fill();
    return true;
  }

  /** Gives back what `charge` took. */
  release(bytes: number): void {
    this.messages -= 1;
    this.bytes -= bytes;
    this.#releases += 1;
    if (this.#full && this.messages <= this.#limits.messages / 2 && this.bytes <= this.#limits.bytes / 2) this.#drain();
  }

  /** Resolves when there is room; undefined when there is already. */
  room(): Promise<void> | undefined {
    if (!this.#full || this.#shedding) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** No more callbacks and no timer: the owner is gone. Charges may still be released. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #overHard(bytes: number): boolean {
    return this.messages >= this.#limits.messages * HARD_FACTOR || this.bytes + bytes > this.#limits.bytes * HARD_FACTOR;
  }

  #fill(): void {
    this.#full = true;
    this.#watchForStall();
    this.#onFull?.();
  }

  #drain(): void {
    this.#full = false;
    this.#shedding = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const wake of this.#waiting.splice(0)) wake();
    this.#onRoom?.();
  }

  #watchForStall(): void {
    const before = this.#releases;
    this.#timer = this.#clock.setTimer(STALL_MS, () => {
      if (!this.#full) return;
      if (this.#releases !== before) return this.#watchForStall();
      this.#shedding = true;
      for (const wake of this.#waiting.splice(0)) wake();
      this.#onRoom?.();
    });
  }
}
