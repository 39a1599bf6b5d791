import { allowEveryone } from './access-control.ts';
import type { Address } from './address.ts';
import { RuntimeError } from './errors.ts';
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
  readonly #waiters: Waiter[] = [];

  /** @internal use `node.detached()` */
  constructor(node: Node, router: Router, address: Address, options: MailboxOptions) {
    this.#node = node;
    this.#router = router;
    this.address = address;
    this.#mailbox = {
      address,
      incoming: options.incoming === allowEveryone ? undefined : options.incoming,
      outgoing: options.outgoing,
      urgent: options.urgent ?? false,
      terminal: undefined,
      queue: new Queue(),
      owner: this,
    };
    router.add(this.#mailbox);
  }

  /** Sends with a return route to this mailbox. @returns once there is room: wait for it, and pressure reaches the caller */
  send(to: RouteLike, payload: Uint8Array): Promise<void>;
  send<Request>(to: Destination<Request, unknown>, value: Request): Promise<void>;
  async send(to: RouteLike | Destination<never, unknown>, value: unknown): Promise<void> {
    const { onward, content } = encodeFor(to, value);
    this.#router.post(new Message(onward, Route.empty.prepend(this.address), content), this.#mailbox, this.#node.localIngress);
    await this.#node.localIngress.room();
  }

  /** The next message, oldest first. @throws {RuntimeError} `REQUEST_TIMEOUT`, `REQUEST_ABORTED`, `MAILBOX_CLOSED` */
  receive(options: ReceiveOptions = {}): Promise<Message> {
    if (this.isClosing) return Promise.reject(closed(this.address));
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
    for (const waiter of [...this.#waiters]) waiter.fail(closed(this.address));
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

const closed = (address: Address) =>
  new RuntimeError('MAILBOX_CLOSED', `The mailbox ${address.toString()} was closed while something waited for a message there.`);
const aborted = () => new RuntimeError('REQUEST_ABORTED', 'Waiting for a message was called off by its AbortSignal.');
