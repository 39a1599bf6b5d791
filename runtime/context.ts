import type { Address, AddressLike } from './address.ts';
import type { Clock, Timer } from './clock.ts';
import type { DeadLetterReason } from './dead-letter.ts';
import type { Ingress, IngressOptions } from './ingress.ts';
import type { Message } from './message.ts';
import type { Node, RequestOptions } from './node.ts';
import type { Destination } from './protocol.ts';
import type { RouteLike } from './route.ts';
import type { StartOptions, WorkerSource } from './worker.ts';

export interface SendOptions {
  /** One of the worker's own addresses to send from: the return route, and whose outgoing control applies. Its primary one by default. */
  readonly from?: Address;
}

/** What a worker can do: send under its own addresses, start and stop others, and use the ports of its node. */
export interface Context {
  /** The worker's primary address. */
  readonly address: Address;
  readonly node: Node;
  readonly clock: Clock;

  /**
   * Sends a new message with a return route to this worker. Nothing is promised about its arrival; what cannot be
   * delivered becomes a dead letter.
   */
  send(to: RouteLike, payload: Uint8Array | readonly Uint8Array[], options?: SendOptions): void;
  send<Request>(to: Destination<Request, unknown>, value: NoInfer<Request>, options?: SendOptions): void;
  /** Answers along the message's return route. */
  reply(to: Message, payload: Uint8Array | readonly Uint8Array[], options?: SendOptions): void;
  /** Passes a message on as it is: see `Message.step` and `Message.rerouted`. */
  forward(message: Message, options?: SendOptions): void;
  /** Whether a message that costs so much (`Message.costBytes`) would be queued at that address, and not become a dead letter. */
  hasRoom(next: Address, costBytes: number): boolean;
  /** Gives a message up: it becomes a dead letter with that reason, and with what was thrown over it. */
  giveUp(message: Message, reason: DeadLetterReason, cause?: unknown): void;
  /**
   * The payload of a message was used up, as by sealing or writing it: memory that was lent with it serves again. Neither its payload
   * nor its routes may be looked at from now on, by anybody. Nothing needs to be said of a message that is kept.
   */
  spent(message: Message): void;
  /**
   * Sends and waits for one answer, which comes to a mailbox of its own: while a handler waits for it, no other message is
   * handled. The worker's primary outgoing control applies.
   * @throws {RuntimeError} `REQUEST_TIMEOUT`, `REQUEST_ABORTED`, `NODE_STOPPED`, `ROUTE_EMPTY`
   */
  request(to: RouteLike, payload: Uint8Array, options?: RequestOptions): Promise<Message>;
  request<Request, Reply>(to: Destination<Request, Reply>, value: NoInfer<Request>, options?: RequestOptions): Promise<Reply>;

  /** Starts another worker on this node. */
  start(address: AddressLike, worker: WorkerSource, options?: StartOptions): Address;
  /**
   * Stops this worker once the messages that wait are handled, or another one of this node; nothing happens when there is
   * none. Does not wait: a handler that waited for its own end would wait for ever.
   */
  stop(address?: AddressLike): void;

  /** A timer that ends with the worker; what it sends is delivered, and what it throws is the worker's failure. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Runs what begins outside a handler (a socket called): its failure is the worker's, and what it sent is delivered before this returns. */
  enter(callback: () => void): void;
  /** A new ingress for what this worker brings into the node. It closes with the worker. */
  ingress(options: Omit<IngressOptions, 'clock'>): Ingress;
  /** Brings a message into the node and charges it to that ingress. */
  inject(message: Message, ingress: Ingress, options?: SendOptions): void;
  /** Calls back once when the node has nothing left to deliver in this turn: the moment to write what was collected. */
  whenQuiet(callback: () => void): void;
}
