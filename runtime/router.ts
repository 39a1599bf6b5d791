import type { Address } from './address.ts';
import type { Clock } from './clock.ts';
import { type DeadLetterReason, DeadLetters } from './dead-letter.ts';
import { RuntimeError } from './errors.ts';
import { FlowControls } from './flow-control.ts';
import type { Ingress } from './ingress.ts';
import { errorFields, type Logger } from './logger.ts';
import type { Mailbox } from './mailbox.ts';
import type { Message } from './message.ts';

/** Deliveries in one go before the event loop gets a turn: counted, not timed, so that a simulated run repeats exactly. */
export const TURN_DELIVERIES = 4_096;
/** Messages one worker handles before the next worker gets its turn. */
export const BATCH_MESSAGES = 32;

/** Something with messages waiting. */
export interface Runnable {
  /** Handles up to `budget` messages. @returns how many it handled */
  run(budget: number): number;
  nextReady: Runnable | undefined;
}

/** One hop of one message, as a subscriber of `node.trace` sees it. */
export interface TraceEvent {
  readonly kind: 'sent' | 'handled' | 'dead';
  readonly reason?: DeadLetterReason;
  readonly message: Message;
}

/**
 * Addresses to mailboxes, and the run queue. One look-up a hop, no promise and no timer a message: whoever has messages
 * waits in line, handles a batch, and goes to the end of the line. Source: performance.md 3, 6.
 */
export class Router {
  readonly flows = new FlowControls();
  readonly deadLetters = new DeadLetters();
  readonly hopsMax: number;
  #tracer: ((event: TraceEvent) => void) | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #mailboxes = new Map<string, Mailbox>();
  #firstReady: Runnable | undefined;
  #lastReady: Runnable | undefined;
  #running = false;
  #scheduled = false;
  #whenQuiet: (() => void)[] = [];

  constructor(clock: Clock, logger: Logger, hopsMax: number) {
    this.#clock = clock;
    this.#logger = logger;
    this.hopsMax = hopsMax;
  }

  setTracer(tracer: ((event: TraceEvent) => void) | undefined): void {
    this.#tracer = tracer;
  }

  /** @throws {RuntimeError} `ADDRESS_IN_USE` */
  add(mailbox: Mailbox): void {
    if (this.#mailboxes.has(mailbox.address.key)) {
      throw new RuntimeError(
        'ADDRESS_IN_USE',
        `The address ${mailbox.address.toString()} is in use. Stop its worker first, or choose another.`,
      );
    }
    this.#mailboxes.set(mailbox.address.key, mailbox);
  }

  remove(mailbox: Mailbox): void {
    if (this.#mailboxes.get(mailbox.address.key) === mailbox) this.#mailboxes.delete(mailbox.address.key);
    this.flows.remove(mailbox.address);
  }

  get(address: Address): Mailbox | undefined {
    return this.#mailboxes.get(address.key);
  }

  /** Whether somebody there takes messages. */
  isOpen(address: Address): boolean {
    return this.#mailboxes.get(address.key)?.owner.isClosing === false;
  }

  get addresses(): Address[] {
    return [...this.#mailboxes.values()].map((mailbox) => mailbox.address);
  }

  /** Queues a message at its first onward hop, or makes it a dead letter. Never throws for what a peer sent. */
  post(message: Message, from: Mailbox, ingress: Ingress): void {
    const posted = message.posted ? message.copy() : message;
    posted.source = from.address;
    posted.ingress = ingress;
    if (posted.onward.isEmpty) return this.drop('empty-route', posted);
    const next = posted.onward.next;
    const mailbox = this.#mailboxes.get(next.key);
    if (mailbox === undefined) return this.drop(next.isLocal ? 'unknown-address' : 'no-transport', posted);
    if (mailbox.owner.isClosing) return this.drop('stopped', posted);
    if (posted.hops > this.hopsMax) return this.drop('hop-limit', posted);
    if (from.outgoing !== undefined && !this.#allows(from, posted)) return this.drop('denied-outgoing', posted);
    if (!ingress.charge(posted.payloadBytes)) return this.drop('overflow', posted);
    if (this.#tracer !== undefined) this.#tracer({ kind: 'sent', message: posted });
    posted.mailbox = mailbox;
    mailbox.queue.push(posted);
    mailbox.owner.wake();
  }

  /**
   * Queues a message that came from outside: sheds it when its ingress sheds load.
   * @param from the producer's mailbox: its outgoing control is the flow control
   */
  inject(message: Message, from: Mailbox, ingress: Ingress): void {
    const urgent = !message.onward.isEmpty && this.#mailboxes.get(message.onward.next.key)?.urgent === true;
    if (ingress.admits(message.payloadBytes, urgent)) return this.post(message, from, ingress);
    message.source = from.address;
    message.ingress = ingress;
    this.drop('overflow', message);
  }

  /** The incoming control of the mailbox it was sent to. */
  mayHandle(message: Message): boolean {
    const mailbox = message.mailbox;
    if (mailbox?.incoming === undefined) return mailbox !== undefined;
    try {
      return mailbox.incoming.allows(message);
    } catch (thrown) {
      this.#logger.log('warn', 'access.control.failed', { address: mailbox.address.toString(), ...errorFields(thrown) });
      return false;
    }
  }

  handled(message: Message): void {
    if (this.#tracer !== undefined) this.#tracer({ kind: 'handled', message });
    message.ingress.release(message.payloadBytes);
  }

  /** A queued message that is not handled: a dead letter, and its ingress pays no more. */
  discard(reason: DeadLetterReason, message: Message): void {
    this.drop(reason, message);
    message.ingress.release(message.payloadBytes);
  }

  drop(reason: DeadLetterReason, message: Message): void {
    this.deadLetters.add(reason, message);
    if (this.#tracer !== undefined) this.#tracer({ kind: 'dead', reason, message });
    this.#logger.log('debug', 'message.dead', { reason, source: String(message.source), onward: String(message.onward) });
  }

  /** Puts it at the end of the line, and sees that the line moves. */
  ready(runnable: Runnable): void {
    if (this.#lastReady === undefined) this.#firstReady = runnable;
    else this.#lastReady.nextReady = runnable;
    this.#lastReady = runnable;
    this.#schedule();
  }

  whenQuiet(callback: () => void): void {
    this.#whenQuiet.push(callback);
    this.#schedule();
  }

  /** Delivers what is queued, at once unless it is doing so already. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    let budget = TURN_DELIVERIES;
    try {
      while (this.#firstReady !== undefined || this.#whenQuiet.length > 0) {
        const runnable = this.#firstReady;
        if (runnable === undefined || budget <= 0) {
          this.#callQuiet();
          if (budget <= 0) break;
          continue;
        }
        this.#firstReady = runnable.nextReady;
        if (this.#firstReady === undefined) this.#lastReady = undefined;
        runnable.nextReady = undefined;
        budget -= runnable.run(Math.min(BATCH_MESSAGES, budget));
      }
    } finally {
      this.#running = false;
    }
    if (this.#firstReady !== undefined || this.#whenQuiet.length > 0) this.#scheduleAfterTurn();
  }

  #allows(from: Mailbox, message: Message): boolean {
    try {
      return from.outgoing?.allows(message) ?? true;
    } catch (thrown) {
      this.#logger.log('warn', 'access.control.failed', { address: from.address.toString(), ...errorFields(thrown) });
      return false;
    }
  }

  #callQuiet(): void {
    const callbacks = this.#whenQuiet;
    this.#whenQuiet = [];
    for (const callback of callbacks) callback();
  }

  #schedule(): void {
    if (this.#running || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.run();
    });
  }

  #scheduleAfterTurn(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.yield(() => {
      this.#scheduled = false;
      this.run();
    });
  }
}
