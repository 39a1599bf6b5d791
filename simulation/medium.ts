import type { Clock } from '../runtime/clock.ts';
import { type Random, randomFraction } from '../runtime/random.ts';
import { Link, type LinkOptions } from './link.ts';
import type { Machine } from './machine.ts';
import { seededRandom } from './random.ts';
import type { Flight, Wire } from './stream.ts';
import type { BytesEvent, StreamEvent } from './trace.ts';

/** Is told what happens on a network, as it happens. */
export interface NetworkObserver {
  onStream(event: StreamEvent): void;
  /**
   * A stream's piece sets out or arrives, or a datagram does. A piece that was dropped never arrives, a doubled one twice.
   * Datagrams from one port to another count as one stream, which nobody opens.
   * @param bytes the piece itself: what is to be kept has to be copied
   */
  onBytes(event: BytesEvent, bytes: Uint8Array): void;
}

export interface MediumOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly links: LinkOptions;
  readonly observer: NetworkObserver | undefined;
}

/** What lies between hosts: the links, the time they take, and who watches or tampers. */
export class Medium {
  readonly clock: Clock;
  readonly #random: Random;
  readonly #defaults: LinkOptions;
  readonly #observer: NetworkObserver | undefined;
  readonly #links = new Map<string, Map<string, Link>>();
  #streams = 0;
  #pieces = 0;

  constructor({ clock, random, links, observer }: MediumOptions) {
    this.clock = clock;
    this.#random = random;
    this.#defaults = links;
    this.#observer = observer;
  }

  /** The direction of that link. Each has chance of its own, so that what happens on one changes nothing on another. */
  link(from: string, to: string): Link {
    const links = this.#links.get(from) ?? new Map<string, Link>();
    this.#links.set(from, links);
    let link = links.get(to);
    if (link === undefined) {
      link = new Link(from, to, from === to ? {} : this.#defaults, seededRandom(this.#number()));
      links.set(to, link);
    }
    return link;
  }

  *links(): Iterable<Link> {
    for (const links of this.#links.values()) yield* links.values();
  }

  /** Numbers a stream, or all datagrams from one port to another. */
  nextStream(): number {
    this.#streams += 1;
    return this.#streams;
  }

  /** Calls back so much later, and in any case once the code that runs now is done. */
  after(ms: number, callback: () => void): void {
    if (ms > 0) this.clock.setTimer(ms, callback);
    else this.clock.yield(callback);
  }

  /** Sends something small that is not sent again: the callback may never come. */
  signal(from: Machine, to: Machine, callback: () => void): void {
    const link = this.link(from.name, to.name);
    if (link.losesOne()) return;
    this.after(link.transitMs(this.clock.monotonicMs(), 0), () => {
      if (isOpen(link, from, to)) callback();
    });
  }

  told(event: Omit<StreamEvent, 'kind' | 'atMs'>): void {
    this.#observer?.onStream({ kind: 'stream', atMs: this.clock.monotonicMs(), ...event });
  }

  /** A piece sets out. @returns what really does, once those who tamper have seen it */
  depart(link: Link, stream: number, bytes: Uint8Array): readonly Flight[] {
    this.#pieces += 1;
    const piece = this.#pieces;
    this.#see('sent', link, stream, piece, bytes);
    let flights: readonly Flight[] = [{ bytes, piece, afterMs: 0 }];
    if (link.tampers.length > 0) {
      const context = { stream, from: link.from, to: link.to, seen: link.seen };
      for (const tamper of link.tampers) {
        flights = flights.flatMap((flight) =>
          tamper(flight.bytes, { ...context, piece: flight.piece }).map((instead) =>
            instead instanceof Uint8Array ? { ...flight, bytes: instead } : { ...flight, ...instead },
          ),
        );
      }
    }
    link.remember(stream, bytes);
    return flights;
  }

  arrived(link: Link, stream: number, { bytes, piece }: Flight): void {
    this.#see('arrived', link, stream, piece, bytes);
  }

  /** One direction of a stream. */
  wire(from: Machine, to: Machine, stream: number, windowBytes: number): Wire {
    const link = this.link(from.name, to.name);
    let lastMs = 0;
    return {
      windowBytes,
      get isOpen() {
        return isOpen(link, from, to);
      },
      depart: (bytes) => this.depart(link, stream, bytes),
      arrived: (flight) => this.arrived(link, stream, flight),
      later: (count, afterMs, callback) => {
        const nowMs = this.clock.monotonicMs();
        const ms = Math.max(link.transitMs(nowMs, count) + link.repeatedMs() + afterMs, lastMs - nowMs);
        lastMs = nowMs + ms;
        this.after(ms, callback);
      },
      // Of acknowledgements only the latest counts: none waits for another, or is missed.
      signal: (callback) => this.after(link.transitMs(this.clock.monotonicMs(), 0), callback),
      soon: (callback) => this.clock.yield(callback),
    };
  }

  #see(what: BytesEvent['what'], { from, to }: Link, stream: number, piece: number, bytes: Uint8Array): void {
    if (this.#observer === undefined) return;
    const atMs = this.clock.monotonicMs();
    this.#observer.onBytes({ kind: 'bytes', atMs, stream, from, to, what, piece, count: bytes.length }, bytes);
  }

  #number(): number {
    return Math.floor(randomFraction(this.#random) * 2 ** 32);
  }
}

/** Something that arrives now gets through. */
export const isOpen = (link: Link, from: Machine, to: Machine) => !(link.isHeld || link.isCut || from.isDown || to.isDown);
