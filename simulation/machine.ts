import { TransportError } from '../runtime/errors.ts';
import type { ByteStream, HostPort, StreamListener, StreamReader } from '../runtime/network.ts';

/** Where the numbers start that are given for port 0 and to dialling ends. Source: RFC 6335 §6 */
const FREE_PORTS_FROM = 49_152;
const PORT_MAX = 65_535;

/** What a host is like, as others see it. */
export interface HostOptions {
  /** It can dial out, and no dial to it gets an answer. Of datagrams only those come in from where it sent one to. False by default. */
  readonly isBehindNat?: boolean;
  /** How long others take to resolve its name; 0 by default. */
  readonly nameTakesMs?: number;
  /** Its name leads to a dead address first: those who connect find out after 250 ms, and try the other. */
  readonly nameAlsoLeadsTo?: 'dead';
}

export interface Listening {
  readonly local: HostPort;
  readonly isLoopback: boolean;
  readonly accept: (stream: ByteStream) => StreamReader | undefined;
}

/** What a host has in it of the network: what its system keeps, and whether its process runs. */
export class Machine {
  readonly name: string;
  options: HostOptions = {};
  isDown = false;
  readonly listeners = new Map<number, Listening>();
  /** Takes a datagram, by port. */
  readonly sockets = new Map<number, (bytes: Uint8Array, from: HostPort) => void>();
  /** Where it sent datagrams to, as `holeText`: from there they come in, NAT or not. */
  readonly holes = new Set<string>();
  /** For each dial under way: how to forget it. */
  readonly dials = new Set<() => void>();
  /** What its process has not been told yet, since it stands still. */
  #untold: (() => void)[] | undefined;
  #nextPort = FREE_PORTS_FROM;

  constructor(name: string) {
    this.name = name;
  }

  get isAwake(): boolean {
    return this.#untold === undefined;
  }

  /** Tells its process something: now, or once it goes on. */
  tell(callback: () => void): void {
    if (this.#untold === undefined) callback();
    else this.#untold.push(callback);
  }

  pause(): void {
    this.#untold ??= [];
  }

  /** @returns what its process has to be told, in order */
  resume(): readonly (() => void)[] {
    const untold = this.#untold ?? [];
    this.#untold = undefined;
    return untold;
  }

  /** Everything it had is gone; of what it dialled nobody hears any more. */
  crash(): void {
    this.isDown = true;
    this.#untold = undefined;
    this.listeners.clear();
    this.sockets.clear();
    this.holes.clear();
    for (const forget of [...this.dials]) forget();
  }

  /** @throws {TransportError} `LISTEN_FAILED` */
  listen(at: HostPort, accept: Listening['accept']): StreamListener {
    const isLoopback = isLoopbackName(at.host);
    if (!isLoopback && !isAnyAddress(at.host) && at.host !== this.name)
      throw new TransportError('LISTEN_FAILED', `Cannot listen at ${at.host}:${at.port}: ${this.name} has no such address.`);
    const port = at.port === 0 ? this.freePort() : at.port;
    if (this.listeners.has(port))
      throw new TransportError('LISTEN_FAILED', `Cannot listen at ${at.host}:${at.port}: this port of ${this.name} is taken.`);
    const listening = { local: { host: at.host, port }, isLoopback, accept };
    this.listeners.set(port, listening);
    return {
      local: listening.local,
      close: () => {
        if (this.listeners.get(port) === listening) this.listeners.delete(port);
        return Promise.resolve();
      },
    };
  }

  freePort(): number {
    while (this.listeners.has(this.#nextPort) || this.sockets.has(this.#nextPort)) this.#takePort();
    return this.#takePort();
  }

  #takePort(): number {
    const port = this.#nextPort;
    this.#nextPort = port === PORT_MAX ? FREE_PORTS_FROM : port + 1;
    return port;
  }
}

export const isLoopbackName = (host: string) => host === 'localhost' || host === '127.0.0.1' || host === '::1';
const isAnyAddress = (host: string) => host === '0.0.0.0' || host === '::';
