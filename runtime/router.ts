import type { Address } from './address.ts';
import type { Clock } from './clock.ts';
import { type DeadLetterReason, DeadLetters } from './dead-letter.ts';
import { RuntimeError } from './errors.ts';
import { FlowControls } from './flow-control.ts';
import type { Ingress } from './ingress.ts';
import { Listeners } from './listeners.ts';
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

/**
 * One hop of one message, as a subscriber of `node.trace` sees it. What was `sent` is in a mailbox and ends as exactly one of
 * `handled` and `dead`; what found no mailbox is `dead` without having been `sent`.
 */
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
  readonly deadLetters: DeadLetters;
  readonly hopsMax: number;
  readonly #tracers: Listeners<TraceEvent>;
  /** Whether anybody traces: asked at every hop. */
  #isTraced = false;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #mailboxes = new Map<string, Mailbox>();
  #firstReady: Runnable | undefined;
  #lastReady: Runnable | undefined;
  #running = false;
  #scheduled = false;
  /** It is the event loop's turn. */
  #yielded = false;
  #whenQuiet: (() => void)[] = [];

  constructor(clock: Clock, logger: Logger, hopsMax: number) {
    this.#clock = clock;
    this.#logger = logger;
    this.hopsMax = hopsMax;
    const onThrown = (thrown: unknown) => logger.log('warn', 'listener.failed', errorFields(thrown));
    this.deadLetters = new DeadLetters(onThrown);
    this.#tracers = new Listeners(onThrown);
  }

  /** @returns how to end it */
  trace(listener: (event: TraceEvent) => void): () => void {
    const end = this.#tracers.add(listener);
    this.#isTraced = true;
    return () => {
      end();
      this.#isTraced = !this.#tracers.isEmpty;
    };
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
    const posted = message.posted ? message.again() : message;
    posted.source = from.address;
    posted.ingress = ingress;
    if (posted.onward.isEmpty) return this.drop('empty-route', posted);
    const next = posted.onward.next;
    const mailbox = this.#mailboxes.get(next.key);
    if (mailbox === undefined) return this.drop(next.isLocal ? 'unknown-address' : 'no-transport', posted);
    if (mailbox.owner.isClosing) return this.drop('stopped', posted);
    if (posted.hops > this.hopsMax) return this.drop('hop-limit', posted);
    if (from.outgoing !== undefined && !this.#allows(from, posted)) return this.drop(from.outgoing.deniedAs ?? 'denied-outgoing', posted);
    const costBytes = posted.costBytes;
    if (!ingress.charge(costBytes)) return this.drop('overflow', posted);
    posted.chargedBytes = costBytes;
    posted.mailbox = mailbox;
    if (this.#isTraced) this.#tell({ kind: 'sent', message: posted });
    mailbox.queue.push(posted);
    mailbox.owner.wake();
  }

  /**
   * Queues a message at which an ingress begins: it came from outside, or a local caller sends it of its own accord. While
   * the ingress sheds load, it may become a dead letter here; what follows from a message that was let in may not.
   * @param from the producer's mailbox: its outgoing control is the flow control
   */
  inject(message: Message, from: Mailbox, ingress: Ingress): void {
    if (!ingress.isShedding || ingress.admits(message.costBytes, this.#isUrgent(message))) return this.post(message, from, ingress);
    if (!message.posted) message.source = from.address;
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

  /** A message was handled: its ingress pays no more. It has no mailbox any more if its worker gave it up. */
  handled(message: Message): void {
    if (this.#isTraced && message.mailbox !== undefined) this.#tell({ kind: 'handled', message });
    message.mailbox = undefined;
    message.ingress.release(message.chargedBytes);
  }

  /** A message that was queued is not handled to its end: a dead letter unless it is one, and its ingress pays no more. */
  discard(reason: DeadLetterReason, message: Message, cause?: unknown): void {
    if (message.mailbox !== undefined) this.drop(reason, message, cause);
    message.ingress.release(message.chargedBytes);
  }

  /** Makes a message a dead letter. One that a handler gives up stays charged until the handler is done. */
  drop(reason: DeadLetterReason, message: Message, cause?: unknown): void {
    message.mailbox = undefined;
    this.#bury(reason, message, cause);
    if (this.#isTraced) this.#tell({ kind: 'dead', reason, message });
    const next = message.onward.isEmpty ? '' : message.onward.next.toString();
    this.#logger.log('debug', 'message.dead', { reason, next, ...(cause !== undefined && errorFields(cause)) });
  }

  /** A worker gives a message up: its own, or one it was about to send. */
  giveUp(reason: DeadLetterReason, message: Message, cause?: unknown): void {
    if (message.posted && message.mailbox === undefined)
      this.#bury(reason, message, cause); // Its trace ended when it was handled.
    else this.drop(reason, message, cause);
  }

  /** See `Context.spent`. */
  spent(message: Message): void {
    const { loan } = message;
    if (loan === undefined) return;
    message.loan = undefined;
    loan.giveBack();
  }

  /** Whoever traces may keep what it sees. */
  #tell(event: TraceEvent): void {
    event.message.loan = undefined;
    this.#tracers.tell(event);
  }

  #bury(reason: DeadLetterReason, message: Message, cause: unknown): void {
    message.loan = undefined; // who hears of dead letters may keep them
    this.deadLetters.add(reason, message, cause);
    const ingress = message.ingress as Ingress | undefined;
    ingress?.lost(reason);
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
          budget -= 1; // A callback that asks to be called again must not keep the turn.
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

  #isUrgent({ onward }: Message): boolean {
    return !onward.isEmpty && this.#mailboxes.get(onward.next.key)?.urgent === true;
  }

  #callQuiet(): void {
    const callbacks = this.#whenQuiet;
    this.#whenQuiet = [];
    for (const callback of callbacks) callback();
  }

  #schedule(): void {
    if (this.#running || this.#scheduled || this.#yielded) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (!this.#yielded) this.run();
    });
  }

  #scheduleAfterTurn(): void {
    if (this.#yielded) return;
    this.#yielded = true;
    this.#clock.yield(() => {
      this.#yielded = false;
      this.run();
    });
  }
}
