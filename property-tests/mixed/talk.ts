import type { ByteStream, HostPort, StreamReader } from '../../runtime/network.ts';
import type { Ends } from '../../simulation/invariants/prefix.ts';
import type { Home } from '../../simulation/world-node.ts';

/** What the service does with a connection; the first byte of a talk says which. */
export const MANNERS = ['echo', 'closes', 'resets', 'deaf', 'swallows'] as const;
export type Manner = (typeof MANNERS)[number];

/** The number of the talk, and its manner. */
const HEAD_BYTES = 5;
/** How long a deaf service reads nothing. */
const DEAF_MS = 3_000;

/** One connection of a client to the service behind the portal, as both ends saw it. */
export class Talk {
  readonly number: number;
  readonly manner: Manner;
  readonly there = { bytesIn: [] as Uint8Array[], bytesOut: [] as Uint8Array[] } satisfies Ends;
  readonly back = { bytesIn: [] as Uint8Array[], bytesOut: [] as Uint8Array[] } satisfies Ends;
  /** How it ended for the client; undefined while it lasts, or when the client's machine crashed. */
  outcome: 'whole' | 'cut' | 'short' | undefined;

  constructor(number: number, manner: Manner) {
    this.number = number;
    this.manner = manner;
  }
}

/** Calls back then, unless the node stops or crashes before. */
export function later({ node, clock }: Home, ms: number, callback: () => void): void {
  const timer = clock.setTimer(ms, () => {
    forget();
    callback();
  });
  const forget = node.onStop(() => timer.cancel());
}

/** Reads into memory of its own and keeps what it reads. */
abstract class Program implements StreamReader {
  protected readonly stream: ByteStream;
  readonly #memory = new Uint8Array(16_384);

  constructor(stream: ByteStream) {
    this.stream = stream;
  }

  buffer(): Uint8Array {
    return this.#memory;
  }

  abstract onBytes(bytes: Uint8Array): void;
  abstract onEnd(): void;
  abstract onReset(): void;
}

/** The private service on the server's machine. */
export async function service(home: Home, talks: ReadonlyMap<number, Talk>): Promise<void> {
  const { node, network } = home;
  const open = new Set<ByteStream>();
  const listener = await network.listen({ host: '127.0.0.1', port: SERVICE_PORT }, (stream) => {
    open.add(stream);
    return new Service(stream, talks, (callback) => later(home, DEAF_MS, callback));
  });
  node.onStop(() => {
    void listener.close();
    for (const stream of open) stream.reset();
  });
}

export const SERVICE_PORT = 5_432;

class Service extends Program {
  readonly #talks: ReadonlyMap<number, Talk>;
  readonly #later: (callback: () => void) => void;
  readonly #head: number[] = [];
  #talk: Talk | undefined;

  constructor(stream: ByteStream, talks: ReadonlyMap<number, Talk>, later: (callback: () => void) => void) {
    super(stream);
    this.#talks = talks;
    this.#later = later;
  }

  onBytes(bytes: Uint8Array): void {
    let copy = bytes.slice();
    let talk = this.#talk;
    if (talk === undefined) {
      const missing = copy.subarray(0, HEAD_BYTES - this.#head.length);
      this.#head.push(...missing);
      if (this.#head.length < HEAD_BYTES) return;
      talk = this.#begin(Uint8Array.from(this.#head));
      copy = copy.subarray(missing.length);
      if (copy.length === 0 || talk === undefined) return;
    }
    talk.there.bytesOut.push(copy);
    if (talk.manner === 'echo') this.#say(copy);
    if (talk.manner === 'resets') this.stream.reset();
  }

  onEnd(): void {
    this.stream.end();
  }

  onReset(): void {
    // The talk tells at the client's end.
  }

  #begin(head: Uint8Array): Talk | undefined {
    const talk = this.#talks.get(new DataView(head.buffer).getUint32(0));
    this.#talk = talk;
    talk?.there.bytesOut.push(head);
    switch (talk?.manner) {
      case 'closes':
        this.stream.end();
        break;
      case 'deaf':
        this.stream.pause();
        this.#later(() => this.stream.resume());
        break;
      default:
        this.#say(Uint8Array.of(1));
    }
    return talk;
  }

  #say(bytes: Uint8Array): void {
    this.#talk?.back.bytesIn.push(bytes);
    this.stream.write([bytes]);
  }
}

/**
 * Talks to the service at that inlet: writes the pieces, one every so often, and ends its direction.
 * @param onOver told how it ended
 */
export function converse(
  home: Home,
  at: HostPort,
  talk: Talk,
  pieces: readonly Uint8Array[],
  {
    gapMs,
    resets,
    onOver,
  }: { readonly gapMs: number; readonly resets: boolean; readonly onOver: (stream: ByteStream | undefined) => void },
): void {
  const head = new Uint8Array(HEAD_BYTES);
  new DataView(head.buffer).setUint32(0, talk.number);
  head[HEAD_BYTES - 1] = MANNERS.indexOf(talk.manner);
  home.network
    .connect(at, (stream) => {
      const customer = new Customer(stream, talk, () => onOver(stream));
      const left = [head, ...pieces];
      const next = (): void => {
        const piece = left.shift();
        if (talk.outcome !== undefined) return;
        if (piece !== undefined) {
          talk.there.bytesIn.push(piece);
          stream.write([piece]);
          later(home, gapMs, next);
        } else if (resets) {
          stream.reset();
          customer.onReset();
        } else stream.end();
      };
      next();
      return customer;
    })
    .catch(() => {
      talk.outcome = 'cut';
      onOver(undefined);
    });
}

class Customer extends Program {
  readonly #talk: Talk;
  readonly #onOver: () => void;

  constructor(stream: ByteStream, talk: Talk, onOver: () => void) {
    super(stream);
    this.#talk = talk;
    this.#onOver = onOver;
  }

  onBytes(bytes: Uint8Array): void {
    this.#talk.back.bytesOut.push(bytes.slice());
  }

  onEnd(): void {
    const { bytesIn, bytesOut } = this.#talk.back;
    // A clean end says that this was all.
    this.#over(total(bytesIn) === total(bytesOut) ? 'whole' : 'short');
    this.stream.end();
  }

  onReset(): void {
    this.#over('cut');
  }

  #over(outcome: 'whole' | 'cut' | 'short'): void {
    if (this.#talk.outcome !== undefined) return;
    this.#talk.outcome = outcome;
    this.#onOver();
  }
}

const total = (pieces: readonly Uint8Array[]) => pieces.reduce((sum, { length }) => sum + length, 0);
