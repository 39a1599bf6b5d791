import type { AccessControl } from './access-control.ts';
import type { AddressLike } from './address.ts';
import type { Context } from './context.ts';
import type { Message } from './message.ts';

/**
 * What is behind an address. It handles one message at a time, to the end: when a handler returns a promise, the next
 * message waits for it; when it returns nothing, nothing is awaited. A worker that throws loses that message and lives on,
 * unless it was started with another `onFailure`. Source: routing.md 1.1, 1.7
 */
export interface Worker {
  /**
   * Called once, before the first message; messages that come meanwhile wait. When it throws, so does `start`; when its
   * promise is rejected, the worker stops.
   */
  onStart?(context: Context): void | Promise<void>;
  /** @param message its own address is still first on the onward route. It may be kept; the bytes of its payload may not. */
  onMessage(message: Message, context: Context): void | Promise<void>;
  /**
   * Called once, after the last message, also when the promise of `onStart` was rejected; not when `onStart` threw. Its
   * addresses are still its own, so it may say goodbye. When the deadline of the node's stop has passed, nobody waits for
   * it: what must let go of a socket then watches its own end.
   */
  onStop?(context: Context): void | Promise<void>;
}

/** One address of a worker and who may use it. */
export interface MailboxOptions {
  /** Who may send to it; everyone of this node by default. What comes from outside needs `publish` too. */
  readonly incoming?: AccessControl;
  /** What may be sent from it; anything by default. */
  readonly outgoing?: AccessControl;
  /** Its messages are not shed while their ingress sheds load: a reply that is waited for, a window, an end. */
  readonly urgent?: boolean;
}

/** Marks an address behind which another node is: a connection's sender or an encryptor. Source: routing.md 1.7. */
export interface Terminal {
  /** Who is there, when that is proved: the identifier of a secure channel's peer. */
  readonly peer?: string;
}

/** What to do when a worker throws. Default: `continue`. */
export type OnFailure =
  /** The message is lost and logged; the next one is handled. */
  | 'continue'
  /** The worker stops; whoever watches it is told the cause. */
  | 'stop'
  /**
   * It is stopped, and after `backoffMs` started anew (its factory is called again). Its timers and ingresses end; its
   * messages wait. When more than `limit` failures come within `withinMs`, it stops.
   */
  | { readonly restart: { readonly limit: number; readonly withinMs: number; readonly backoffMs: number } };

export interface StartOptions extends MailboxOptions {
  /** Further addresses of the same worker, served from the same mailbox. */
  readonly also?: readonly (MailboxOptions & { readonly address: AddressLike })[];
  readonly terminal?: Terminal;
  readonly onFailure?: OnFailure;
  /** Workers of a cluster stop after those of none, and clusters in reverse order of their first worker: transports last. */
  readonly cluster?: string;
}

/** A worker, or how to make one: a factory lets a restart begin from a clean state. */
export type WorkerSource = Worker | (() => Worker);
