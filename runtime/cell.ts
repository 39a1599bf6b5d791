import { type Address, type AddressLike, toAddress } from './address.ts';
import type { Clock, Timer } from './clock.ts';
import type { Context, SendOptions } from './context.ts';
import type { DeadLetterReason } from './dead-letter.ts';
import { RuntimeError } from './errors.ts';
import { Ingress, type IngressOptions } from './ingress.ts';
import { errorFields } from './logger.ts';
import { type Mailbox, type MailboxOwner, Queue } from './mailbox.ts';
import { Message } from './message.ts';
import type { Node, RequestOptions } from './node.ts';
import { type Destination, encodeFor } from './protocol.ts';
import { Route, type RouteLike } from './route.ts';
import type { Router, Runnable } from './router.ts';
import type { MailboxOptions, OnFailure, StartOptions, Worker, WorkerSource } from './worker.ts';

/** Where a worker stands. Numbers, for they are compared at every message. */
const STARTING = 0;
const IDLE = 1;
const READY = 2;
const BUSY = 3;
const STOPPED = 4;

/**
 * A worker in its place: its mailboxes, its queue, and the context it is given. One object per worker, so that a hundred
 * thousand idle ones fit in memory.
 */
export class Cell implements Context, MailboxOwner, Runnable {
  readonly node: Node;
  readonly mailboxes: readonly Mailbox[];
  readonly queue = new Queue();
  readonly cluster: string | undefined;
  nextReady: Runnable | undefined;
  isClosing = false;
  readonly #router: Router;
  readonly #source: WorkerSource;
  readonly #onFailure: OnFailure;
  #worker: Worker;
  #state = STARTING;
  #current: Message | undefined;
  #timers: Set<Timer> | undefined;
  #ingresses: Set<Ingress> | undefined;
  #failures: number[] | undefined;
  #stopped: { promise: Promise<void>; resolve: () => void } | undefined;
  #cause: unknown;

  constructor(node: Node, router: Router, address: Address, source: WorkerSource, options: StartOptions) {
    this.node = node;
    this.#router = router;
    this.#source = source;
    this.#onFailure = options.onFailure ?? 'continue';
    this.cluster = options.cluster;
    const mailbox = (of: Address, control: MailboxOptions): Mailbox => ({
      address: of,
      incoming: control.incoming,
      outgoing: control.outgoing,
      urgent: control.urgent ?? false,
      terminal: of === address ? options.terminal : undefined,
      queue: this.queue,
      owner: this,
    });
    this.mailboxes = [mailbox(address, options), ...(options.also ?? []).map((other) => mailbox(toAddress(other.address), other))];
    this.#worker = typeof source === 'function' ? source() : source;
  }

  get address(): Address {
    return this.#primary.address;
  }

  get clock(): Clock {
    return this.node.clock;
  }

  get #primary(): Mailbox {
    return this.mailboxes[0] as Mailbox;
  }

  /** Registers the addresses and starts the worker. @throws what a synchronous `onStart` throws; nothing is left then */
  begin(): void {
    const added: Mailbox[] = [];
    try {
      for (const mailbox of this.mailboxes) {
        this.#router.add(mailbox);
        added.push(mailbox);
      }
      const starting = this.#worker.onStart?.(this);
      if (starting === undefined) return this.#rest();
      starting.then(
        () => this.#rest(),
        (thrown: unknown) => this.#fail(thrown, 'stop'),
      );
    } catch (thrown) {
      this.#closePorts();
      for (const mailbox of added) this.#router.remove(mailbox);
      this.#state = STOPPED;
      this.isClosing = true;
      throw thrown;
    }
  }

  wake(): void {
    if (this.#state !== IDLE) return;
    this.#state = READY;
    this.#router.ready(this);
  }

  run(budget: number): number {
    for (let handled = 0; handled < budget; handled++) {
      const message = this.queue.shift();
      if (message === undefined) {
        this.#rest();
        return handled;
      }
      const pending = this.#handle(message);
      if (pending !== undefined) {
        this.#state = BUSY;
        this.#finishLater(pending, message);
        return handled + 1;
      }
      if (this.#state !== READY) return handled + 1;
    }
    this.#rest();
    return budget;
  }

  send<Request>(
    to: RouteLike | Destination<Request, unknown>,
    payload: Uint8Array | readonly Uint8Array[] | Request,
    options?: SendOptions,
  ): void {
    const from = this.#mailboxOf(options?.from);
    const { onward, content } = encodeFor(to, payload);
    this.#router.post(new Message(onward, Route.empty.prepend(from.address), content), from, this.#payer);
  }

  reply(to: Message, payload: Uint8Array | readonly Uint8Array[], options?: SendOptions): void {
    const from = this.#mailboxOf(options?.from);
    this.#router.post(new Message(to.returnRoute, Route.empty.prepend(from.address), payload), from, this.#payer);
  }

  forward(message: Message, options?: SendOptions): void {
    this.#router.post(message, this.#mailboxOf(options?.from), this.#payer);
  }

  hasRoom(next: Address, payloadBytes: number): boolean {
    return this.#router.isOpen(next) && this.#payer.admits(payloadBytes, true);
  }

  giveUp(message: Message, reason: DeadLetterReason): void {
    this.#router.drop(reason, message);
  }

  inject(message: Message, ingress: Ingress, options?: SendOptions): void {
    this.#router.inject(message, this.#mailboxOf(options?.from), ingress);
  }

  request<Request, Reply>(
    to: RouteLike | Destination<Request, Reply>,
    value: Uint8Array | Request,
    options?: RequestOptions,
  ): Promise<Message & Reply> {
    return this.node.request(to as Destination<Request, Reply>, value as Request, options) as Promise<Message & Reply>;
  }

  start(address: AddressLike, worker: WorkerSource, options?: StartOptions): Address {
    return this.node.start(address, worker, options);
  }

  stop(address?: AddressLike): void {
    if (address === undefined) void this.close();
    else void this.node.stopWorker(address);
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timers = (this.#timers ??= new Set());
    const timer = this.clock.setTimer(delayMs, () => {
      timers.delete(handle);
      this.enter(callback);
    });
    const handle: Timer = {
      cancel: () => {
        timers.delete(handle);
        timer.cancel();
      },
    };
    timers.add(handle);
    return handle;
  }

  enter(callback: () => void): void {
    if (this.#state === STOPPED) return;
    try {
      callback();
    } catch (thrown) {
      this.#fail(thrown);
    }
    this.#router.run();
  }

  ingress(options: Omit<IngressOptions, 'clock'>): Ingress {
    const made = new Ingress({ limits: this.node.limits.ingress, ...options, clock: this.clock });
    (this.#ingresses ??= new Set()).add(made);
    return made;
  }

  whenQuiet(callback: () => void): void {
    this.#router.whenQuiet(() => {
      if (this.#state === STOPPED) return;
      try {
        callback();
      } catch (thrown) {
        this.#fail(thrown);
      }
    });
  }

  /** Takes no further message, handles those that wait, then ends. @returns a promise for the end; the same one when called again */
  close(): Promise<void> {
    if (this.#stopped !== undefined) return this.#stopped.promise;
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.#stopped = { promise, resolve };
    if (this.#state === STOPPED) {
      resolve();
      return promise;
    }
    this.isClosing = true;
    if (this.#state === IDLE) {
      this.#state = READY;
      this.#router.ready(this);
    }
    return promise;
  }

  /** Ends at once, whatever it is doing: the deadline of a node's stop has passed. */
  abort(): void {
    if (this.#state === STOPPED) return;
    this.isClosing = true;
    this.#end();
  }

  get #payer(): Ingress {
    return this.#current?.ingress ?? this.node.localIngress;
  }

  #mailboxOf(address: Address | undefined): Mailbox {
    if (address === undefined) return this.#primary;
    for (const mailbox of this.mailboxes) if (mailbox.address.key === address.key) return mailbox;
    throw new RuntimeError('ADDRESS_NOT_OURS', `A worker sends only from its own addresses; ${address.toString()} is not one of them.`);
  }

  #handle(message: Message): Promise<void> | undefined {
    if (!this.#router.mayHandle(message)) {
      this.#router.discard('denied-incoming', message);
      return undefined;
    }
    this.#current = message;
    try {
      const pending = this.#worker.onMessage(message, this);
      if (pending !== undefined) return pending;
      this.#router.handled(message);
    } catch (thrown) {
      this.#router.discard('failed', message);
      this.#fail(thrown);
    }
    this.#current = undefined;
    return undefined;
  }

  #finishLater(pending: Promise<void>, message: Message): void {
    const finish = () => {
      this.#current = undefined;
      if (this.#state === BUSY) this.#rest();
    };
    pending.then(
      () => {
        this.#router.handled(message);
        finish();
      },
      (thrown: unknown) => {
        this.#router.discard('failed', message);
        this.#fail(thrown);
        finish();
      },
    );
  }

  /** Nothing to do until a message comes, or the next step of stopping. */
  #rest(): void {
    if (this.#state === STOPPED) return;
    if (this.queue.count > 0) {
      this.#state = READY;
      this.#router.ready(this);
    } else if (this.isClosing) {
      this.#sayGoodbye();
    } else {
      this.#state = IDLE;
    }
  }

  #sayGoodbye(): void {
    this.#state = BUSY;
    try {
      const pending = this.#worker.onStop?.(this);
      if (pending === undefined) return this.#end();
      pending.then(
        () => this.#end(),
        (thrown: unknown) => {
          this.#logFailure(thrown);
          this.#end();
        },
      );
    } catch (thrown) {
      this.#logFailure(thrown);
      this.#end();
    }
  }

  #end(): void {
    if (this.#state === STOPPED) return;
    this.#state = STOPPED;
    this.#closePorts();
    for (const mailbox of this.mailboxes) this.#router.remove(mailbox);
    this.#discardQueued();
    this.node.ended(this, this.#cause);
    this.#stopped?.resolve();
  }

  #closePorts(): void {
    for (const timer of this.#timers ?? []) timer.cancel();
    for (const ingress of this.#ingresses ?? []) ingress.close();
  }

  #fail(thrown: unknown, policy: OnFailure = this.#onFailure): void {
    this.#logFailure(thrown);
    if (policy === 'continue') return;
    if (policy !== 'stop') {
      const now = this.clock.monotonicMs();
      const { limit, withinMs, backoffMs } = policy.restart;
      this.#failures = [...(this.#failures ?? []).filter((at) => at > now - withinMs), now];
      if (this.#failures.length <= limit) return this.#restartAfter(backoffMs);
    }
    this.#cause = thrown;
    this.isClosing = true;
    this.#discardQueued();
    if (this.#state === STARTING) this.#sayGoodbye();
    else void this.close();
  }

  #discardQueued(): void {
    for (let message = this.queue.shift(); message !== undefined; message = this.queue.shift()) {
      this.#router.discard('stopped', message);
    }
  }

  #restartAfter(backoffMs: number): void {
    if (this.isClosing) return;
    this.#state = STARTING;
    const begin = () => {
      if (this.isClosing) return this.#rest();
      try {
        this.#worker = typeof this.#source === 'function' ? this.#source() : this.#source;
        const starting = this.#worker.onStart?.(this);
        if (starting === undefined) return this.#rest();
        starting.then(
          () => this.#rest(),
          (thrown: unknown) => this.#fail(thrown),
        );
      } catch (thrown) {
        this.#fail(thrown);
      }
    };
    try {
      const stopping = this.#worker.onStop?.(this);
      this.setTimer(backoffMs, stopping === undefined ? begin : () => void stopping.then(begin, begin));
    } catch (failure) {
      this.#logFailure(failure);
      this.setTimer(backoffMs, begin);
    }
  }

  #logFailure(thrown: unknown): void {
    this.node.logger.log('warn', 'worker.failed', { address: this.address.toString(), ...errorFields(thrown) });
  }
}
