import { Address, type AddressLike, address, toAddress } from './address.ts';
import { cborHeadBytes, headEnd, readCborHead, writeCborHead } from './codec/cbor-head.ts';
import { CodecError, RuntimeError } from './errors.ts';

/** A route on the wire holds at most this many addresses, each with a value of at most this many bytes. Source: reliability.md 2.3. */
export const ROUTE_ADDRESSES_MAX = 32;
export const ADDRESS_BYTES_MAX = 255;

/** The end of a route that is still as it came: `count` encoded addresses at `bytes[start, end)`, already checked. */
class Encoded {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly count: number;

  constructor(bytes: Uint8Array, start: number, end: number, count: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.count = count;
  }
}

/**
 * An ordered list of addresses, immutable. It is a linked list: taking a step and prepending an address cost the same
 * whatever its length. The end of a route that came from the wire stays encoded until somebody looks at it, so a relay
 * that only needs the next hop never decodes the rest. Source: routing.md 1.3; performance.md 3.
 */
export class Route implements Iterable<Address> {
  static readonly empty = new Route(undefined, undefined, 0, 0);

  // Declared, and assigned in the constructor only: defining each field first doubles the cost of a step.
  declare private head: Address | undefined;
  declare private tail: Route | Encoded | undefined;
  declare readonly length: number;
  /** What its addresses take on the wire, kept so that sizing a message costs no walk. */
  declare private readonly addressesBytes: number;

  private constructor(head: Address | undefined, tail: Route | Encoded | undefined, length: number, addressesBytes: number) {
    this.head = head;
    this.tail = tail;
    this.length = length;
    this.addressesBytes = addressesBytes;
  }

  static of(addresses: readonly AddressLike[]): Route {
    let route = Route.empty;
    for (let index = addresses.length - 1; index >= 0; index--) route = route.prepend(toAddress(addresses[index] ?? ''));
    return route;
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** The first address. @throws {RuntimeError} `ROUTE_EMPTY` */
  get next(): Address {
    return this.head ?? this.#decodeHead();
  }

  /** Everything after the first address. @throws {RuntimeError} `ROUTE_EMPTY` */
  get rest(): Route {
    if (this.head === undefined) this.#decodeHead();
    const tail = this.tail;
    if (tail instanceof Route) return tail;
    if (tail === undefined || tail.count === 0) return Route.empty;
    const rest = new Route(undefined, tail, tail.count, tail.end - tail.start);
    this.tail = rest;
    return rest;
  }

  /** The last address: whom a message is for, or whom it came from. @throws {RuntimeError} `ROUTE_EMPTY` */
  get recipient(): Address {
    if (this.length === 0) throw emptyRoute();
    let last = this.next;
    for (const hop of this) last = hop;
    return last;
  }

  prepend(first: Address): Route {
    return new Route(first, this.length === 0 ? undefined : this, this.length + 1, first.cbor.length + this.addressesBytes);
  }

  /** This route, then the other. */
  concat(other: Route): Route {
    let joined = other;
    for (const hop of [...this].reverse()) joined = joined.prepend(hop);
    return joined;
  }

  /** This route without its last address. @throws {RuntimeError} `ROUTE_EMPTY` */
  get withoutLast(): Route {
    if (this.length === 0) throw emptyRoute();
    return Route.of([...this].slice(0, -1));
  }

  /** The same route, holding on to no bytes of the frame it came in: what a worker that keeps a route must keep. */
  owned(): Route {
    return Route.of([...this]);
  }

  *[Symbol.iterator](): IterableIterator<Address> {
    let route: Route = this; // eslint-disable-line @typescript-eslint/no-this-alias -- the cursor starts here and moves on
    while (route.length > 0) {
      yield route.next;
      route = route.rest;
    }
  }

  equals(other: Route): boolean {
    if (this.length !== other.length) return false;
    const others = other[Symbol.iterator]();
    for (const hop of this) if (!hop.equals(others.next().value as Address)) return false;
    return true;
  }

  /** `0#hop => 0#echo`, as people read and write it. */
  toString(): string {
    let written = '';
    let route: Route = this; // eslint-disable-line @typescript-eslint/no-this-alias -- the cursor starts here and moves on
    for (; route.length > 0; route = route.rest) written += (written === '' ? '' : ' => ') + route.next.toString();
    return written;
  }

  toJSON(): string {
    return this.toString();
  }

  /** How many bytes `write` needs. */
  get encodedBytes(): number {
    return cborHeadBytes(this.length) + this.addressesBytes;
  }

  /** Writes the wire form at `position`. @returns the position after it */
  write(target: Uint8Array, position: number): number {
    let at = writeCborHead(target, position, 0x80, this.length);
    let route: Route | Encoded | undefined = this.length === 0 ? undefined : this;
    while (route instanceof Route) {
      const head: Address | undefined = route.head;
      // A loop beats `set` below some hundred bytes, and addresses are that short.
      if (head !== undefined) {
        const bytes = head.cbor;
        for (let from = 0; from < bytes.length; from++) target[at++] = bytes[from] ?? 0;
      }
      route = route.tail;
    }
    if (route === undefined) return at;
    for (let from = route.start; from < route.end; from++) target[at++] = route.bytes[from] ?? 0;
    return at;
  }

  /**
   * Reads a route at `position`, checks all of it, and decodes none: the bytes must not change while the route is used.
   * @returns the route; `routeEnd` then tells where it ended
   * @throws {CodecError} for anything but a definite array of `[type, bytes]` in shortest form, or over the limits
   */
  static read(bytes: Uint8Array, position: number, addressesMax: number = ROUTE_ADDRESSES_MAX): Route {
    const count = readCborHead(bytes, position, 0x80, 'A route is an array of addresses.');
    if (count > addressesMax)
      throw new CodecError('CODEC_LIMIT', `A route holds at most ${addressesMax} addresses; this one claims ${count}.`);
    const start = headEnd;
    let at = start;
    for (let index = 0; index < count; index++) at = skipAddress(bytes, at);
    routeEnd = at;
    return count === 0 ? Route.empty : new Route(undefined, new Encoded(bytes, start, at, count), count, at - start);
  }

  #decodeHead(): Address {
    const tail = this.tail;
    if (!(tail instanceof Encoded)) throw emptyRoute();
    // The bytes were checked by `read`: `82`, the type in one or two bytes, the head of a byte string, the value.
    let at = tail.start + 1;
    let type = tail.bytes[at++] ?? 0;
    if (type === 24) type = tail.bytes[at++] ?? 0;
    const valueBytes = readCborHead(tail.bytes, at, 0x40, '');
    const valueStart = headEnd;
    const end = valueStart + valueBytes;
    const head = Address.shared(type, tail.bytes, valueStart, end);
    this.head = head;
    this.tail = tail.count === 1 ? undefined : new Encoded(tail.bytes, end, tail.end, tail.count - 1);
    return head;
  }
}

/** Where the route that `Route.read` read last ended: a second result without an object per message. */
export let routeEnd = 0;

const emptyRoute = () => new RuntimeError('ROUTE_EMPTY', 'This route is empty: there is nobody to send to. Give it at least one address.');

/** What can stand in a route: an address or its text, another route, or anything that has an address, such as a connection. */
export type RoutePart = AddressLike | Route | { readonly address: Address };
/** A whole route, or the one thing it leads to. A text is one address; `parseRoute` reads several. */
export type RouteLike = RoutePart;

/** Composes a route of its parts in order: `route(connection, 'hop', 'echo')`. */
export function route(...parts: readonly RoutePart[]): Route {
  let built = Route.empty;
  for (const part of [...parts].reverse()) {
    if (part instanceof Route) built = part.concat(built);
    else built = built.prepend(typeof part === 'string' || part instanceof Address ? toAddress(part) : part.address);
  }
  return built;
}

export function toRoute(like: RouteLike): Route {
  return like instanceof Route ? like : route(like);
}

/**
 * Reads `hop => 1#127.0.0.1:4000 => echo`; the empty text is the empty route.
 * @throws {RuntimeError} `ROUTE_TEXT` naming the part that is no address
 */
export function parseRoute(text: string): Route {
  if (text.trim() === '') return Route.empty;
  return Route.of(
    text.split('=>').map((part) => {
      const name = part.trim();
      if (name === '') throw new RuntimeError('ROUTE_TEXT', `A route is ADDRESS => ADDRESS; one part is empty in: ${text}`);
      try {
        return address(name);
      } catch (cause) {
        throw new RuntimeError('ROUTE_TEXT', `A route is ADDRESS => ADDRESS; '${name}' is not an address.`, { cause });
      }
    }),
  );
}

function skipAddress(bytes: Uint8Array, position: number): number {
  if (bytes[position] !== 0x82) throw new CodecError('CODEC_TYPE', 'An address is an array of a type and bytes.');
  const type = readCborHead(bytes, position + 1, 0x00, 'The type of an address is a number.');
  if (type > 255) throw new CodecError('CODEC_LIMIT', 'The type of an address is at most 255.');
  const valueBytes = readCborHead(bytes, headEnd, 0x40, 'The value of an address is a byte string.');
  if (valueBytes > ADDRESS_BYTES_MAX)
    throw new CodecError('CODEC_LIMIT', `The value of an address has at most ${ADDRESS_BYTES_MAX} bytes.`);
  const end = headEnd + valueBytes;
  if (end > bytes.length) throw new CodecError('CODEC_TRUNCATED', 'An address ends before its last byte.');
  return end;
}
