import { type Address, type AddressLike, toAddress } from './address.ts';
import type { Clock, Timer } from './clock.ts';
import type { Context, SendOptions } from './context.ts';
import type { DeadLetterReason } from './dead-letter.ts';
import { RuntimeError } from './errors.ts';
import { Ingress, type IngressOptions } from './ingress.ts';
import { Listeners } from './listeners.ts';
import { errorFields } from './logger.ts';
import { type Mailbox, type MailboxOwner, Queue } from './mailbox.ts';
import { Message } from './message.ts';
import type { Node, RequestOptions, WatchListener } from './node.ts';
import { isPromise } from './promise.ts';
import { type Destination, encodeFor } from './protocol.ts';
import { Route, type RouteLike } from './route.ts';
import type { Router, Runnable } from './router.ts';
import type { MailboxOptions, OnFailure, StartOptions, Worker, WorkerSource } from './worker.ts';

// Where a worker stands. Numbers, for they are compared at every message.
/** `onStart` is not done. */
const STARTING = 0;
/** Waits for a message. */
const IDLE = 1;
/** In the router's line, which only `run` leaves: nothing stands there twice. */
const READY = 2;
/** A handler's promise is pending. */
const BUSY = 3;
/** It failed and has stopped, and is started anew when its back-off is over. */
const PAUSED = 4;
/** `onStop` is not done. */
const STOPPING = 5;
const STOPPED = 6;

const NO_TIMER: Timer = { cancel: () => undefined };

/**
 * A worker in its place: its mailboxes, its queue, and the context it is given. One object per worker, so that a hundred
 * thousand idle ones fit in memory. What fails is noted by `#fail` and acted on by `#rest`, when nothing of the worker runs.
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
  /** `onStart` was called and did not throw: `onStop` is due. */
  #hasBegun = false;
  #restartIsDue = false;
  #current: Message | undefined;
  /** Who pays for what it sends of its own accord. */
  #own: Ingress | undefined;
  #timers: Set<Timer> | undefined;
  #ingresses: Set<Ingress> | undefined;
  #watchers: Listeners<{ readonly address: Address; readonly cause: unknown }> | undefined;
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
      published: undefined,
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
      this.#startWorker('stop');
    } catch (thrown) {
      this.#state = STOPPED;
      this.isClosing = true;
      this.#closePorts();
      for (const mailbox of added) this.#router.remove(mailbox);
      this.#discardQueued();
      throw thrown;
    }
  }

  wake(): void {
    if (this.#state !== IDLE) return;
    this.#state = READY;
    this.#router.ready(this);
  }

  run(budget: number): number {
    if (this.#state !== READY) return 0; // It was ended while it stood in line.
    let handled = 0;
    while (handled < budget && !this.#restartIsDue) {
      const message = this.queue.shift();
      if (message === undefined) break;
      handled += 1;
      const pending = this.#handle(message);
      if (pending === undefined) continue;
      this.#state = BUSY;
      this.#finishLater(pending, message);
      return handled;
    }
    this.#rest();
    return handled;
  }

  send<Request>(
    to: RouteLike | Destination<Request, unknown>,
    payload: Uint8Array | readonly Uint8Array[] | Request,
    options?: SendOptions,
  ): void {
    const from = this.#mailboxOf(options?.from);
    const { onward, content } = encodeFor(to, payload);
    this.#post(new Message(onward, Route.empty.prepend(from.address), content), from);
  }

  reply(to: Message, payload: Uint8Array | readonly Uint8Array[], options?: SendOptions): void {
    const from = this.#mailboxOf(options?.from);
    this.#post(new Message(to.returnRoute, Route.empty.prepend(from.address), payload), from);
  }

  forward(message: Message, options?: SendOptions): void {
    this.#post(message, this.#mailboxOf(options?.from));
  }

  hasRoom(next: Address, costBytes: number): boolean {
    const mailbox = this.#router.get(next);
    if (mailbox === undefined || mailbox.owner.isClosing) return false;
    return this.#payer.admits(costBytes, this.#current !== undefined || mailbox.urgent);
  }

  giveUp(message: Message, reason: DeadLetterReason, cause?: unknown): void {
    this.#router.giveUp(reason, message, cause);
  }

  spent(message: Message): void {
    this.#router.spent(message);
  }

  inject(message: Message, ingress: Ingress, options?: SendOptions): void {
    this.#router.inject(message, this.#mailboxOf(options?.from), ingress);
  }

  request<Request, Reply>(
    to: RouteLike | Destination<Request, Reply>,
    value: Uint8Array | Request,
    options: RequestOptions = {},
  ): Promise<Message & Reply> {
    const payer = { ingress: this.#payer, outgoing: this.#primary.outgoing };
    return this.node.requestFor(payer, to, value, options) as Promise<Message & Reply>;
  }

  start(address: AddressLike, worker: WorkerSource, options?: StartOptions): Address {
    return this.node.start(address, worker, options);
  }

  stop(address?: AddressLike): void {
    if (address === undefined) void this.close();
    else this.node.stopWorker(address).catch(() => undefined); // Gone is as good as stopped.
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (this.#state === STOPPED) return NO_TIMER;
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
    this.#try(callback);
    this.#router.run();
  }

  ingress(options: Omit<IngressOptions, 'clock'>): Ingress {
    const { onFull, onRoom } = options;
    const made = new Ingress({
      limits: this.node.limits.ingress,
      ...options,
      ...(onFull && { onFull: () => this.#try(onFull) }),
      ...(onRoom && { onRoom: () => this.#try(onRoom) }),
      clock: this.clock,
    });
    if (this.#state === STOPPED) made.close();
    else (this.#ingresses ??= new Set()).add(made);
    return made;
  }

  whenQuiet(callback: () => void): void {
    this.#router.whenQuiet(() => {
      if (this.#state !== STOPPED) this.#try(callback);
    });
  }

  /** @returns how to stop watching */
  watch(listener: WatchListener): () => void {
    return (this.#watchers ??= new Listeners((thrown) => this.#logFailure(thrown))).add(listener);
  }

  /** Takes no further message, handles those that wait, then ends. @returns a promise for the end; the same one when called again */
  close(): Promise<void> {
    if (this.#stopped !== undefined) return this.#stopped.promise;
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.#stopped = { promise, resolve };
    this.isClosing = true;
    if (this.#state === STOPPED) resolve();
    else if (this.#state === PAUSED) this.#end();
    else this.wake();
    return promise;
  }

  /** Ends at once, whatever it is doing: the deadline of a node's stop has passed. */
  abort(): void {
    if (this.#state === STOPPED) return;
    this.isClosing = true;
    try {
      this.#callOnStop()?.catch((thrown: unknown) => this.#logFailure(thrown));
    } catch (thrown) {
      this.#logFailure(thrown);
    }
    this.#end();
  }

  get #payer(): Ingress {
    return this.#current?.ingress ?? (this.#own ??= this.ingress({}));
  }

  #post(message: Message, from: Mailbox): void {
    if (this.#current === undefined) this.#router.inject(message, from, this.#payer);
    else this.#router.post(message, from, this.#current.ingress);
  }

  #mailboxOf(address: Address | undefined): Mailbox {
    if (address === undefined) return this.#primary;
    for (const mailbox of this.mailboxes) if (mailbox.address.key === address.key) return mailbox;
    throw new RuntimeError('ADDRESS_NOT_OURS', `A worker sends only from its own addresses; ${address.toString()} is not one of them.`);
  }

  #try(callback: () => void): void {
    try {
      callback();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #startWorker(onFailure: OnFailure): void {
    this.#state = STARTING;
    const starting: unknown = this.#worker.onStart?.(this);
    this.#hasBegun = true;
    if (!isPromise(starting)) return this.#rest();
    Promise.resolve(starting).then(
      () => {
        if (this.#state === STARTING) this.#rest();
      },
      (thrown: unknown) => {
        if (this.#state !== STARTING) return this.#logFailure(thrown);
        this.#fail(thrown, onFailure);
        this.#rest();
      },
    );
  }

  #handle(message: Message): PromiseLike<unknown> | undefined {
    if (!this.#router.mayHandle(message)) {
      this.#router.discard('denied-incoming', message);
      return undefined;
    }
    this.#current = message;
    try {
      const pending: unknown = this.#worker.onMessage(message, this);
      if (pending !== undefined && isPromise(pending)) return pending;
      this.#router.handled(message);
    } catch (thrown) {
      this.#router.discard('failed', message, thrown);
      this.#fail(thrown);
    }
    this.#current = undefined;
    return undefined;
  }

  #finishLater(pending: PromiseLike<unknown>, message: Message): void {
    Promise.resolve(pending).then(
      () => {
        if (this.#current !== message) return;
        this.#router.handled(message);
        this.#current = undefined;
        this.#rest();
      },
      (thrown: unknown) => {
        if (this.#current !== message) return this.#logFailure(thrown);
        this.#router.discard('failed', message, thrown);
        this.#current = undefined;
        this.#fail(thrown);
        this.#rest();
      },
    );
  }

  /** Nothing of the worker runs: it waits for a message, for its turn, or takes the next step of stopping. */
  #rest(): void {
    if (this.#restartIsDue) {
      this.#restartIsDue = false;
      this.#sayGoodbye();
    } else if (this.queue.count > 0) {
      this.#state = READY;
      this.#router.ready(this);
    } else if (this.isClosing) {
      this.#sayGoodbye();
    } else {
      this.#state = IDLE;
    }
  }

  #sayGoodbye(): void {
    this.#state = STOPPING;
    let pending: Promise<unknown> | undefined;
    try {
      pending = this.#callOnStop();
    } catch (thrown) {
      this.#logFailure(thrown);
    }
    if (pending === undefined) return this.#saidGoodbye();
    pending.then(
      () => this.#saidGoodbye(),
      (thrown: unknown) => {
        this.#logFailure(thrown);
        this.#saidGoodbye();
      },
    );
  }

  #callOnStop(): Promise<unknown> | undefined {
    if (!this.#hasBegun) return undefined;
    this.#hasBegun = false;
    const pending: unknown = this.#worker.onStop?.(this);
    return isPromise(pending) ? Promise.resolve(pending) : undefined;
  }

  #saidGoodbye(): void {
    if (this.#state !== STOPPING) return;
    if (this.isClosing || typeof this.#onFailure === 'string') return this.#end();
    this.#closePorts();
    this.#state = PAUSED;
    this.setTimer(this.#onFailure.restart.backoffMs, () => this.#startAnew());
  }

  #startAnew(): void {
    this.#state = STARTING;
    try {
      if (typeof this.#source === 'function') this.#worker = this.#source();
      this.#startWorker(this.#onFailure);
    } catch (thrown) {
      this.#fail(thrown);
      this.#rest();
    }
  }

  #end(): void {
    this.#state = STOPPED;
    const unfinished = this.#current;
    this.#current = undefined;
    if (unfinished !== undefined) this.#router.discard('stopped', unfinished);
    this.#closePorts();
    for (const mailbox of this.mailboxes) this.#router.remove(mailbox);
    this.#discardQueued();
    this.node.ended(this);
    this.#watchers?.tell({ address: this.address, cause: this.#cause });
    this.#stopped?.resolve();
  }

  #closePorts(): void {
    for (const timer of this.#timers ?? []) timer.cancel();
    for (const ingress of this.#ingresses ?? []) ingress.close();
    this.#timers = undefined;
    this.#ingresses = undefined;
    this.#own = undefined;
  }

  /** Notes what a failure leads to. Whoever calls this while the worker runs calls `#rest` when it does not run any more. */
  #fail(thrown: unknown, policy: OnFailure = this.#onFailure): void {
    this.#logFailure(thrown);
    if (policy === 'continue' || this.#state >= PAUSED) return;
    if (policy !== 'stop' && this.#mayRestart(policy.restart)) {
      this.#restartIsDue = true;
    } else {
      this.#cause ??= thrown;
      this.isClosing = true;
      this.#discardQueued();
    }
    if (this.#state === IDLE) this.#rest();
  }

  #mayRestart({ limit, withinMs }: { readonly limit: number; readonly withinMs: number }): boolean {
    if (this.isClosing) return false;
    const now = this.clock.monotonicMs();
    this.#failures = [...(this.#failures ?? []).filter((at) => at > now - withinMs), now];
    return this.#failures.length <= limit;
  }

  #discardQueued(): void {
    for (let message = this.queue.shift(); message !== undefined; message = this.queue.shift()) {
      this.#router.discard('stopped', message);
    }
  }

  #logFailure(thrown: unknown): void {
    this.node.logger.log('warn', 'worker.failed', { address: this.address.toString(), ...errorFields(thrown) });
  }
}
