import type { Address } from './address.ts';
import { RuntimeError } from './errors.ts';
import { Ingress } from './ingress.ts';
import { type Mailbox, type MailboxOwner, Queue } from './mailbox.ts';
import { Message } from './message.ts';
import type { Node } from './node.ts';
import { type Destination, encodeFor } from './protocol.ts';
import { Route, type RouteLike } from './route.ts';
import type { Router } from './router.ts';
import type { MailboxOptions } from './worker.ts';

export interface ReceiveOptions {
  /** How long to wait. Default: 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export const REQUEST_TIMEOUT_MS = 30_000;

interface Waiter {
  take(message: Message): void;
  fail(error: RuntimeError): void;
}

/**
 * A mailbox without a worker, to send from and receive at in straight-line code. It is on the router until it is closed.
 * Source: routing.md 1.1, 1.6.
 */
export class Detached implements MailboxOwner {
  readonly address: Address;
  isClosing = false;
  readonly #node: Node;
  readonly #router: Router;
  readonly #mailbox: Mailbox;
  /** Who pays for what it sends: itself, or whoever it was made for. */
  readonly #ingress: Ingress;
  readonly #own: Ingress | undefined;
  readonly #waiters: Waiter[] = [];

  /** @internal use `node.detached()` */
  constructor(node: Node, router: Router, payer: Ingress | undefined, options: MailboxOptions) {
    this.#node = node;
    this.#router = router;
    this.#ingress = payer ?? new Ingress({ clock: node.clock, limits: node.limits.ingress });
    this.#own = payer === undefined ? this.#ingress : undefined;
    this.address = node.newAddress();
    this.#mailbox = {
      address: this.address,
      incoming: options.incoming,
      outgoing: options.outgoing,
      urgent: options.urgent ?? false,
      published: undefined,
      terminal: undefined,
      queue: new Queue(),
      owner: this,
    };
    router.add(this.#mailbox);
  }

  /**
   * Sends with a return route to this mailbox. Who does not wait and sends on and on loses messages to the bound.
   * @returns once there is room: wait for it, and pressure reaches the caller
   * @throws {RuntimeError} `MAILBOX_CLOSED`, `NODE_STOPPED`
   */
  send(to: RouteLike, payload: Uint8Array): Promise<void>;
  send<Request>(to: Destination<Request, unknown>, value: NoInfer<Request>): Promise<void>;
  async send(to: RouteLike | Destination<never, unknown>, value: unknown): Promise<void> {
    if (this.isClosing) throw this.#closed();
    const { onward, content } = encodeFor(to, value);
    this.post(onward, content);
    await this.#ingress.room();
  }

  /** @internal sends bytes, and waits for nothing */
  post(onward: Route, content: Uint8Array | readonly Uint8Array[]): void {
    this.#router.inject(new Message(onward, Route.empty.prepend(this.address), content), this.#mailbox, this.#ingress);
  }

  /** The next message, oldest first. @throws {RuntimeError} `REQUEST_TIMEOUT`, `REQUEST_ABORTED`, `MAILBOX_CLOSED`, `NODE_STOPPED` */
  receive(options: ReceiveOptions = {}): Promise<Message> {
    if (this.isClosing) return Promise.reject(this.#closed());
    const waiting = this.#take();
    if (waiting !== undefined) return Promise.resolve(waiting);
    const { signal } = options;
    if (signal?.aborted === true) return Promise.reject(aborted());
    const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const settle = () => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
        const index = this.#waiters.indexOf(waiter);
        if (index >= 0) this.#waiters.splice(index, 1);
      };
      const waiter: Waiter = {
        take: (message) => {
          settle();
          resolve(message);
        },
        fail: (error) => {
          settle();
          reject(error);
        },
      };
      const abort = () => waiter.fail(aborted());
      const timer = this.#node.clock.setTimer(timeoutMs, () => {
        waiter.fail(
          new RuntimeError(
            'REQUEST_TIMEOUT',
            `No message came within ${timeoutMs} ms. Nothing tells a sender that an address is unknown or denied: check the route, and what is published there.`,
          ),
        );
      });
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Off the router; what waits is dropped and whoever waits is told. */
  close(): void {
    if (this.isClosing) return;
    this.isClosing = true;
    this.#router.remove(this.#mailbox);
    this.#own?.close();
    for (const waiter of [...this.#waiters]) waiter.fail(this.#closed());
    for (let message = this.#mailbox.queue.shift(); message !== undefined; message = this.#mailbox.queue.shift()) {
      this.#router.discard('stopped', message);
    }
    this.#node.closed(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  wake(): void {
    const waiter = this.#waiters[0];
    if (waiter === undefined) return;
    const message = this.#take();
    if (message !== undefined) waiter.take(message);
  }

  #closed(): RuntimeError {
    if (this.#node.isStopped) return new RuntimeError('NODE_STOPPED', `The node ${this.#node.name} was stopped.`);
    return new RuntimeError(
      'MAILBOX_CLOSED',
      `The mailbox ${this.address.toString()} is closed: nothing is sent or received there any more.`,
    );
  }

  #take(): Message | undefined {
    for (;;) {
      const message = this.#mailbox.queue.shift();
      if (message === undefined) return undefined;
      if (this.#router.mayHandle(message)) {
        this.#router.handled(message);
        return message;
      }
      this.#router.discard('denied-incoming', message);
    }
  }
}

const aborted = () => new RuntimeError('REQUEST_ABORTED', 'Waiting for a message was called off by its AbortSignal.');
