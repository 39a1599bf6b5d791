import type { Clock, Timer } from '../runtime/clock.ts';
import { TransportError } from '../runtime/errors.ts';
import type { ByteStream, ConnectOptions, HostPort, Network, StreamListener, StreamReader } from '../runtime/network.ts';
import { SimulatedStream, type Wire } from './stream.ts';

/** About what a socket of a real machine holds in its two buffers before the writer has to wait. */
const WINDOW_BYTES = 262_144;
/** A dial that gets no answer is repeated after 1 s, then after twice as long each time, and given up: as Linux does. */
const DIAL_RETRY_MS = 1_000;
const DIAL_MS_MAX = 127_000;
/** Where the numbers start that are given for port 0 and to dialling ends. Source: RFC 6335 §6 */
const FREE_PORTS_FROM = 49_152;
const PORT_MAX = 65_535;

/** Sees each piece of bytes as it sets out, and returns what sets out instead: nothing, something else, or it twice. */
export type Tamper = (bytes: Uint8Array) => readonly Uint8Array[];

export interface SimulatedNetworkOptions {
  readonly clock: Clock;
  /** How long bytes are on the way between two hosts, each way; 0 by default. Within a host it is always 0. */
  readonly latencyMs?: number;
  /** How many bytes of one direction may be on the way or unread before a writer has to wait; 256 KiB by default. */
  readonly windowBytes?: number;
}

interface Listening {
  readonly local: HostPort;
  readonly isLoopback: boolean;
  readonly accept: (stream: ByteStream) => StreamReader | undefined;
}

interface Host {
  readonly name: string;
  readonly listeners: Map<number, Listening>;
  nextPort: number;
}

interface LiveStream {
  readonly stream: SimulatedStream;
  readonly from: string;
  readonly to: string;
}

/**
 * Hosts and the links between them, in memory: no sockets, no time and no chance but those of the clock it is given. With no
 * faults it is a plain memory network.
 *
 * Streams behave as TCP does: what cannot pass now is sent again until it can, so a partition delays and never makes a hole.
 * Only `tamper` changes bytes. A link is named by its two hosts; faults that say "from, to" concern that direction alone.
 */
export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #latencyMs: number;
  readonly #windowBytes: number;
  readonly #hosts = new Map<string, Host>();
  readonly #live = new Map<SimulatedStream, LiveStream>();
  readonly #latencies = new Map<string, number>();
  readonly #tampers = new Map<string, Tamper>();
  readonly #held = new Set<string>();
  readonly #partitioned = new Set<string>();
  readonly #down = new Set<string>();

  constructor({ clock, latencyMs = 0, windowBytes = WINDOW_BYTES }: SimulatedNetworkOptions) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
    this.#windowBytes = windowBytes;
  }

  /** The network as the machine of that name sees it. Others reach it by that name; `localhost` is always oneself. */
  host(name: string): Network {
    const host = this.#hosts.get(name) ?? { name, listeners: new Map<number, Listening>(), nextPort: FREE_PORTS_FROM };
    this.#hosts.set(name, host);
    return {
      connect: (target, makeReader, options) => this.#connect(host, target, makeReader, options),
      listen: (at, accept) => new Promise((resolve) => resolve(this.#listen(host, at, accept))),
    };
  }

  /** How many ends of streams are alive: zero when nothing was left behind. */
  get streamCount(): number {
    return this.#live.size;
  }

  get listenerCount(): number {
    let count = 0;
    for (const host of this.#hosts.values()) count += host.listeners.size;
    return count;
  }

  /** From now on bytes take that long between these two hosts, either way. Those on the way still come first. */
  setLatency(one: string, other: string, ms: number): void {
    this.#latencies.set(direction(one, other), ms).set(direction(other, one), ms);
  }

  /** Nothing passes between the two any more, in silence. */
  partition(one: string, other: string): void {
    this.#partitioned.add(direction(one, other)).add(direction(other, one));
  }

  /** Undoes `partition`: what was under way is sent again. Without names, heals every link and releases every direction. */
  heal(one?: string, other?: string): void {
    if (one === undefined || other === undefined) {
      this.#partitioned.clear();
      this.#held.clear();
    } else {
      this.#partitioned.delete(direction(one, other));
      this.#partitioned.delete(direction(other, one));
    }
    this.#sendAgain();
  }

  /** Stalls one direction; the other still works. */
  hold(from: string, to: string): void {
    this.#held.add(direction(from, to));
  }

  /** Undoes `hold`. */
  release(from: string, to: string): void {
    this.#held.delete(direction(from, to));
    this.#sendAgain();
  }

  /** Cuts every stream between the two: both ends see a reset. New ones can be made. */
  reset(one: string, other: string): void {
    for (const { stream, from, to } of [...this.#live.values()]) {
      if ((from === one && to === other) || (from === other && to === one)) this.#clock.yield(() => stream.lose());
    }
  }

  /** The power of that host fails: its streams and listeners are gone, and nobody is told. Peers are left half-open. */
  crash(name: string): void {
    this.#down.add(name);
    this.#hosts.get(name)?.listeners.clear();
    for (const { stream, from } of [...this.#live.values()]) if (from === name) stream.vanish();
  }

  /** Undoes `crash`: the host answers again, to bytes of streams it has forgotten with a reset. */
  restart(name: string): void {
    this.#down.delete(name);
    this.#sendAgain();
  }

  /** Lets `tamper` see and replace what is sent that way; `undefined` ends it. */
  tamper(from: string, to: string, tamper: Tamper | undefined): void {
    if (tamper === undefined) this.#tampers.delete(direction(from, to));
    else this.#tampers.set(direction(from, to), tamper);
  }

  #isOpen(from: string, to: string): boolean {
    const way = direction(from, to);
    return !(this.#held.has(way) || this.#partitioned.has(way) || this.#down.has(from) || this.#down.has(to));
  }

  #sendAgain(): void {
    for (const { stream } of [...this.#live.values()]) stream.released();
  }

  #later(from: string, to: string, callback: () => void): void {
    const ms = from === to ? 0 : (this.#latencies.get(direction(from, to)) ?? this.#latencyMs);
    if (ms === 0) this.#clock.yield(callback);
    else this.#clock.setTimer(ms, callback);
  }

  #wire(from: string, to: string): Wire {
    const isOpen = () => this.#isOpen(from, to);
    return {
      windowBytes: this.#windowBytes,
      get isOpen() {
        return isOpen();
      },
      later: (callback) => this.#later(from, to, callback),
      soon: (callback) => this.#clock.yield(callback),
      tamper: (bytes) => this.#tampers.get(direction(from, to))?.(bytes) ?? [bytes],
    };
  }

  #listen(host: Host, at: HostPort, accept: Listening['accept']): StreamListener {
    const isLoopback = isLoopbackName(at.host);
    if (!isLoopback && !isAnyAddress(at.host) && at.host !== host.name)
      throw new TransportError('LISTEN_FAILED', `Cannot listen at ${at.host}:${at.port}: ${host.name} has no such address.`);
    const port = at.port === 0 ? freePort(host) : at.port;
    if (host.listeners.has(port))
      throw new TransportError('LISTEN_FAILED', `Cannot listen at ${at.host}:${at.port}: this port of ${host.name} is taken.`);
    const listening = { local: { host: at.host, port }, isLoopback, accept };
    host.listeners.set(port, listening);
    return {
      local: listening.local,
      close: () => {
        if (host.listeners.get(port) === listening) host.listeners.delete(port);
        return Promise.resolve();
      },
    };
  }

  #connect(
    from: Host,
    target: HostPort,
    makeReader: (stream: ByteStream) => StreamReader,
    { timeoutMs = DIAL_MS_MAX, signal }: ConnectOptions = {},
  ): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      const where = `${target.host}:${target.port}`;
      const to = isLoopbackName(target.host) ? from : this.#hosts.get(target.host);
      const timers: Timer[] = [];
      let dialling: SimulatedStream | undefined;
      let isOver = false;

      const settle = () => {
        isOver = true;
        for (const timer of timers) timer.cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (code: ConnectCode, text: string) => {
        if (isOver) return;
        settle();
        dialling?.vanish(); // an answer that still comes finds nobody, and is answered by a reset
        reject(new TransportError(code, text, { cause: signal?.reason }));
      };
      const onAbort = () => {
        fail('CONNECT_ABORTED', `The attempt to connect to ${where} was called off.`);
      };
      const dial = (peer: Host, patienceMs: number) => {
        timers.push(this.#clock.setTimer(patienceMs, () => dial(peer, patienceMs * 2)));
        this.#later(from.name, peer.name, () => {
          if (isOver || dialling !== undefined || !this.#isOpen(from.name, peer.name)) return;
          dialling = this.#knock(from, peer, target.port, onAnswer);
          if (dialling !== undefined) for (const timer of timers.splice(1)) timer.cancel();
          else this.#later(peer.name, from.name, () => fail('CONNECT_REFUSED', `Nothing accepts connections at ${where}.`));
        });
      };
      const onAnswer = (stream: SimulatedStream) => {
        settle();
        try {
          stream.open(makeReader(stream));
          resolve(stream);
        } catch (cause) {
          stream.reset();
          reject(cause instanceof Error ? cause : new TypeError('thrown by the reader', { cause }));
        }
      };

      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      signal?.addEventListener('abort', onAbort);
      timers.push(this.#clock.setTimer(timeoutMs, () => fail('CONNECT_TIMEOUT', `${where} did not answer in time.`)));
      if (to === undefined) this.#clock.yield(() => fail('NAME_UNKNOWN', `No host of this simulation is called ${target.host}.`));
      else dial(to, DIAL_RETRY_MS);
    });
  }

  /** A dial has reached the host. @returns the dialling end, or `undefined` when nobody listens */
  #knock(from: Host, to: Host, port: number, onAnswer: (stream: SimulatedStream) => void): SimulatedStream | undefined {
    const listening = to.listeners.get(port);
    if (listening === undefined || (listening.isLoopback && from !== to)) return undefined;
    const ends = SimulatedStream.pair(
      { host: from.name, port: freePort(from) },
      { host: to.name, port },
      this.#wire(from.name, to.name),
      this.#wire(to.name, from.name),
      (gone) => this.#live.delete(gone),
    );
    const [dialling, accepting] = ends;
    this.#live.set(dialling, { stream: dialling, from: from.name, to: to.name });
    this.#live.set(accepting, { stream: accepting, from: to.name, to: from.name });
    dialling.onAnswer(() => onAnswer(dialling));
    accepting.answer();
    const reader = listening.accept(accepting);
    if (reader === undefined) accepting.reset();
    else accepting.open(reader);
    return dialling;
  }
}

type ConnectCode = 'CONNECT_REFUSED' | 'CONNECT_TIMEOUT' | 'CONNECT_ABORTED' | 'NAME_UNKNOWN';

/** A network of one machine, in memory: with the clock of the host it needs no virtual time. */
export function memoryNetwork(clock: Clock): Network {
  return new SimulatedNetwork({ clock }).host('localhost');
}

const direction = (from: string, to: string) => `${from} -> ${to}`;
const isLoopbackName = (host: string) => host === 'localhost' || host === '127.0.0.1' || host === '::1';
const isAnyAddress = (host: string) => host === '0.0.0.0' || host === '::';

function freePort(host: Host): number {
  while (host.listeners.has(host.nextPort)) nextPort(host);
  return nextPort(host);
}

function nextPort(host: Host): number {
  const port = host.nextPort;
  host.nextPort = port === PORT_MAX ? FREE_PORTS_FROM : port + 1;
  return port;
}
