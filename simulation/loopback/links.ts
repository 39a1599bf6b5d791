import type { StreamListener } from '../../runtime/network.ts';
import { nodeNetwork } from '../../transports/node-network.ts';
import type { TraceEvent } from '../trace.ts';
import { type Direction, Pipe, type PipeObserver } from './pipe.ts';

const LOOPBACK = '127.0.0.1';

class Way implements Direction {
  readonly from: string;
  readonly to: string;
  isCut = false;
  isHeld = false;

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }

  get isOpen(): boolean {
    return !(this.isCut || this.isHeld);
  }
}

export interface LinksOptions {
  readonly nowMs: () => number;
  readonly keepBytes: boolean;
  readonly record: (event: TraceEvent) => void;
  /** Where a node really listens. */
  readonly realPort: (node: string, port: number) => number | undefined;
}

/** The links between nodes: a TCP proxy on the loopback address for each port that one node dials of another. */
export class Links {
  readonly #options: LinksOptions;
  readonly #ways = new Map<string, Way>();
  readonly #proxies = new Map<string, Promise<StreamListener>>();
  readonly #pipes = new Map<Pipe, { readonly from: string; readonly to: string }>();
  #streamCount = 0;
  #pieceCount = 0;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  way(from: string, to: string): Way {
    const key = JSON.stringify([from, to]);
    const known = this.#ways.get(key) ?? new Way(from, to);
    this.#ways.set(key, known);
    return known;
  }

  /** Whether a dial gets an answer. */
  isOpen(from: string, to: string): boolean {
    return this.way(from, to).isOpen && this.way(to, from).isOpen;
  }

  /** @returns the port of the loopback address that leads to that port of the other */
  async proxy(from: string, to: string, port: number): Promise<number> {
    const key = JSON.stringify([from, to, port]);
    const known = this.#proxies.get(key) ?? this.#listen(from, to, port);
    this.#proxies.set(key, known);
    return (await known).local.port;
  }

  /** Nobody listens there. */
  refused(from: string, to: string, port: number): void {
    this.#tell(++this.#streamCount, { from, to, port }, 'refused');
  }

  /** After ways were opened or closed. */
  flow(): void {
    for (const pipe of [...this.#pipes.keys()]) pipe.flow();
  }

  reset(one: string, other: string): void {
    for (const [pipe, { from, to }] of [...this.#pipes]) if ((from === one && to === other) || (from === other && to === one)) pipe.reset();
  }

  async close(): Promise<void> {
    for (const listener of this.#proxies.values()) await (await listener).close();
    for (const pipe of [...this.#pipes.keys()]) pipe.reset();
  }

  #listen(from: string, to: string, port: number): Promise<StreamListener> {
    return nodeNetwork.listen({ host: LOOPBACK, port: 0 }, (dialling) => {
      const real = this.#options.realPort(to, port);
      if (real === undefined) {
        this.refused(from, to, port);
        return undefined;
      }
      const stream = ++this.#streamCount;
      const pipe: Pipe = new Pipe(
        dialling,
        this.way(from, to),
        this.way(to, from),
        this.#observer(stream, (what) => {
          this.#pipes.delete(pipe);
          this.#tell(stream, { from, to, port }, what);
        }),
      );
      this.#pipes.set(pipe, { from, to });
      nodeNetwork
        .connect({ host: LOOPBACK, port: real }, (accepting) => {
          if (!this.#pipes.has(pipe)) throw new Error('it was cut meanwhile');
          return pipe.accepted(accepting);
        })
        .then(
          () => {
            this.#tell(stream, { from, to, port }, 'opened');
            pipe.flow();
          },
          () => pipe.reset(),
        );
      return pipe.reader;
    });
  }

  #observer(stream: number, onOver: PipeObserver['onOver']): PipeObserver {
    return {
      onOver,
      onPiece: ({ from, to }, bytes) => {
        const piece = ++this.#pieceCount;
        const see = (what: 'sent' | 'arrived') => {
          const { nowMs, keepBytes, record } = this.#options;
          const event = { kind: 'bytes', atMs: nowMs(), stream, from, to, what, piece, count: bytes.length } as const;
          record(keepBytes ? { ...event, bytes } : event);
        };
        see('sent');
        return () => see('arrived');
      },
    };
  }

  #tell(
    stream: number,
    where: { readonly from: string; readonly to: string; readonly port: number },
    what: 'opened' | 'refused' | 'ended' | 'reset',
  ) {
    this.#options.record({ kind: 'stream', atMs: this.#options.nowMs(), stream, ...where, what });
  }
}
