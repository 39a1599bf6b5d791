import type { Address } from './address.ts';
import { concat } from './codec/bare.ts';
import type { Flow } from './flow-control.ts';
import type { Ingress } from './ingress.ts';
import type { Loan } from './loan.ts';
import type { Mailbox } from './mailbox.ts';
import type { Route } from './route.ts';

/**
 * Something a worker of this node says about a message to other workers of this node, such as who sent it. It never leaves
 * the node and is never taken from the wire. Source: routing.md 1.4.
 */
export interface LocalInfo {
  readonly type: string;
  readonly data: Uint8Array;
}

const NO_INFO: readonly LocalInfo[] = [];

/**
 * What moves between mailboxes: where to, the way back, and a payload. Immutable for workers: a step makes a new one.
 * The payload may be several chunks, so that a header can be put before 48 KiB without copying them.
 */
export class Message {
  // Declared, and assigned in the constructor only: defining each field first doubles the cost of making a message.
  /** Where it goes. While a worker handles it, the worker's own address is still first. */
  declare readonly onward: Route;
  /** The way back to whoever sent it; a reply is a new message along it. */
  declare readonly returnRoute: Route;
  declare readonly localInfo: readonly LocalInfo[];
  /** How often it was forwarded inside this node: the guard against loops that add nothing to the return route. */
  declare readonly hops: number;
  /** By which producer it came in from outside; absent for what began on this node. */
  declare readonly flow: Flow | undefined;
  declare readonly payloadBytes: number;
  declare private content: Uint8Array | readonly Uint8Array[];

  // What follows is the router's: set when the message is posted.
  /** The mailbox it was sent from. */
  declare source: Address;
  /** Where it waits or is being handled: kept so that a hop costs one look-up. Undefined before and after. */
  declare mailbox: Mailbox | undefined;
  /** Who pays for it until it is handled. */
  declare ingress: Ingress;
  /** What that one paid: given back as it was taken. */
  declare chargedBytes: number;
  /** Memory of the payload that serves again once it is spent: set by who makes the message. See `Context.spent`. */
  declare loan: Loan | undefined;
  /** The next one in the same mailbox: an idle mailbox holds no memory. */
  declare nextQueued: Message | undefined;

  constructor(
    onward: Route,
    returnRoute: Route,
    content: Uint8Array | readonly Uint8Array[],
    localInfo: readonly LocalInfo[] = NO_INFO,
    hops = 0,
    flow?: Flow,
    payloadBytes = content instanceof Uint8Array ? content.length : total(content),
  ) {
    this.onward = onward;
    this.returnRoute = returnRoute;
    this.content = content;
    this.localInfo = localInfo;
    this.hops = hops;
    this.flow = flow;
    this.payloadBytes = payloadBytes;
    this.source = undefined as never;
    this.mailbox = undefined;
    this.ingress = undefined as never;
    this.chargedBytes = 0;
    this.loan = undefined;
    this.nextQueued = undefined;
  }

  /** It was sent once already: to send it again takes a copy. */
  get posted(): boolean {
    return (this.source as Address | undefined) !== undefined;
  }

  /** What it costs its ingress: the payload and both routes as they stand on the wire, for a route can be the larger part. */
  get costBytes(): number {
    return this.payloadBytes + this.onward.encodedBytes + this.returnRoute.encodedBytes;
  }

  /** The address it was sent to: its first onward hop. @throws {RuntimeError} `ROUTE_EMPTY` for a dead letter without one */
  get destination(): Address {
    return this.onward.next;
  }

  /** The payload in one piece. Not to be changed; it may be a view of a larger buffer, so keep a copy (`slice`) or nothing. */
  get payload(): Uint8Array {
    if (!(this.content instanceof Uint8Array)) this.content = concat(...this.content);
    return this.content;
  }

  /** The payload as it was given: one piece or several. */
  get payloadChunks(): readonly Uint8Array[] {
    return this.content instanceof Uint8Array ? [this.content] : this.content;
  }

  /** One hop on, with the way back going through `through`: what a forwarding worker sends. Source: routing.md 1.5. */
  step(through: Address): Message {
    return new Message(
      this.onward.rest,
      this.returnRoute.prepend(through),
      this.content,
      this.localInfo,
      this.hops + 1,
      this.flow,
      this.payloadBytes,
    );
  }

  /** The same message on another way; the payload, what is known of it and its hop count go along. */
  rerouted(onward: Route, returnRoute: Route = this.returnRoute): Message {
    return new Message(onward, returnRoute, this.content, this.localInfo, this.hops + 1, this.flow, this.payloadBytes);
  }

  /** The same message as it looks to the local workers behind a producer: `info` replaces all that was known. */
  arrived(flow: Flow, info: readonly LocalInfo[]): Message {
    return new Message(this.onward, this.returnRoute, this.content, info, this.hops, flow, this.payloadBytes);
  }

  /** The same message, to be sent once more: that counts as a hop too, or a worker that sends to itself would never end. */
  again(): Message {
    return new Message(this.onward, this.returnRoute, this.content, this.localInfo, this.hops + 1, this.flow, this.payloadBytes);
  }
}

function total(chunks: readonly Uint8Array[]): number {
  let count = 0;
  for (const chunk of chunks) count += chunk.length;
  return count;
}
