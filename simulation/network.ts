import type { Clock, Timer } from '../runtime/clock.ts';
import { TransportError } from '../runtime/errors.ts';
import type { ByteStream, ConnectOptions, HostPort, Network, StreamReader } from '../runtime/network.ts';
import type { Random } from '../runtime/random.ts';
import { type Datagrams, openDatagrams } from './datagrams.ts';
import type { Tampering } from './faults.ts';
import type { Latency, Link, LinkOptions } from './link.ts';
import { type HostOptions, isLoopbackName, Machine } from './machine.ts';
import { Medium, type NetworkObserver } from './medium.ts';
import { seededRandom } from './random.ts';
import { SimulatedStream, type StreamEnd } from './stream.ts';
import { type Tamper, tampering } from './tampering.ts';

/** About what a socket of a real machine holds in its two buffers before the writer has to wait. */
const WINDOW_BYTES = 262_144;
/** A dial that gets no answer is repeated after 1 s, then after twice as long each time, and given up: as Linux does. */
const DIAL_RETRY_MS = 1_000;
const DIAL_MS_MAX = 127_000;
/** How long an address may be silent before the next one of the name is tried. Source: RFC 8305 §5 */
const NEXT_ADDRESS_MS = 250;

export interface SimulatedNetworkOptions {
  readonly clock: Clock;
  /** What jitter, loss and tampering come from: seed 0 by default, so that they repeat. */
  readonly random?: Random;
  /** How long bytes are on the way between two hosts, each way, unless their link says otherwise; 0 by default. Within a host it is always 0. */
  readonly latencyMs?: Latency;
  /** How many bytes of one direction may be on the way or unread before a writer has to wait; 256 KiB by default. */
  readonly windowBytes?: number;
  /** Is told of every stream and of every piece of bytes. */
  readonly observer?: NetworkObserver;
}

/** The network as one machine sees it. */
export interface SimulatedHost extends Network {
  /**
   * Opens a port for datagrams; 0 lets the simulation choose.
   * @throws {TransportError} `LISTEN_FAILED` when it is taken
   */
  datagrams(port: number): Datagrams;
}

interface LiveStream {
  readonly stream: SimulatedStream;
  readonly from: Machine;
  readonly to: Machine;
}

/**
 * Hosts and the links between them, in memory: no sockets, no time and no chance but those it is given. With no faults it is a
 * plain memory network.
 *
 * Streams behave as TCP does: what cannot pass now is sent again until it can, so a partition delays and never makes a hole.
 * Only tampering changes bytes. A link is named by its two hosts; what says "from, to" concerns that direction alone.
 */
export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #windowBytes: number;
  readonly #medium: Medium;
  readonly #machines = new Map<string, Machine>();
  readonly #live = new Map<SimulatedStream, LiveStream>();

  constructor({ clock, random = seededRandom(0), latencyMs = 0, windowBytes = WINDOW_BYTES, observer }: SimulatedNetworkOptions) {
    this.#clock = clock;
    this.#windowBytes = windowBytes;
    this.#medium = new Medium({ clock, random, links: { latencyMs }, observer });
  }

  /**
   * The network as the machine of that name sees it. Others reach it by that name; `localhost` is always oneself.
   * @param options what it is like from now on; when left out, what it was like before
   */
  host(name: string, options?: HostOptions): SimulatedHost {
    const machine = this.#machine(name);
    if (options !== undefined) machine.options = options;
    return {
      connect: (target, makeReader, connectOptions) => this.#connect(machine, target, makeReader, connectOptions),
      listen: (at, accept) => new Promise((resolve) => resolve(machine.listen(at, accept))),
      datagrams: (port) => openDatagrams(this.#medium, machine, port, (target) => this.#machines.get(target)),
    };
  }

  /** How many ends of streams are alive: zero when nothing was left behind. */
  get streamCount(): number {
    return this.#live.size;
  }

  get listenerCount(): number {
    let count = 0;
    for (const machine of this.#machines.values()) count += machine.listeners.size;
    return count;
  }

  /** What the process of one host still has: what it has closed in both directions, and its system still carries, is none of its. */
  left(name: string): { readonly streams: number; readonly listeners: number } {
    let streams = 0;
    for (const { stream, from } of this.#live.values()) if (from.name === name && !stream.isClosed) streams++;
    return { streams, listeners: this.#machines.get(name)?.listeners.size ?? 0 };
  }

  /**
   * What the link between the two is like from now on, either way. What is on the way still comes first.
   * @throws {RangeError} when a number is out of its range, or both names are the same
   */
  link(one: string, other: string, options: LinkOptions): void {
    this.linkOneWay(one, other, options);
    this.linkOneWay(other, one, options);
  }

  /** What one direction of it is like. @throws as `link` */
  linkOneWay(from: string, to: string, options: LinkOptions): void {
    if (from === to) throw new RangeError(`A link joins two hosts: name another one than ${from}.`);
    this.#medium.link(from, to).set(options);
  }

  /** From now on bytes take that long between these two hosts, either way. Those on the way still come first. */
  setLatency(one: string, other: string, latencyMs: Latency): void {
    this.link(one, other, { latencyMs });
  }

  /** Nothing passes between the two any more, in silence. */
  partition(one: string, other: string): void {
    this.partitionOneWay(one, other);
    this.partitionOneWay(other, one);
  }

  /** Nothing passes that way any more. Acknowledgements do not either: what goes the other way fills its window and stops. */
  partitionOneWay(from: string, to: string): void {
    this.#medium.link(from, to).isCut = true;
  }

  /** Undoes every partition of the two: what was under way is sent again. Without names, heals every link and releases every direction. */
  heal(one?: string, other?: string): void {
    if (one === undefined || other === undefined) for (const link of this.#medium.links()) release(link).isCut = false;
    else for (const link of [this.#medium.link(one, other), this.#medium.link(other, one)]) link.isCut = false;
    this.#sendAgain();
  }

  /** Stalls one direction; the other still works, as far as it gets without acknowledgements. */
  hold(from: string, to: string): void {
    this.#medium.link(from, to).isHeld = true;
  }

  /** Undoes `hold`. */
  release(from: string, to: string): void {
    release(this.#medium.link(from, to));
    this.#sendAgain();
  }

  /** Cuts every stream between the two: both ends see a reset. New ones can be made. */
  reset(one: string, other: string): void {
    for (const { stream, from, to } of [...this.#live.values()]) {
      if ((from.name === one && to.name === other) || (from.name === other && to.name === one)) this.#clock.yield(() => stream.lose());
    }
  }

  /**
   * The process of that host stands still, as when it is stopped by a signal: it is told nothing. Its system lives on, takes
   * connections in its name, and what comes for it until the windows are full. Its clock is for others to stop.
   */
  pause(name: string): void {
    this.#machine(name).pause();
  }

  /** Undoes `pause`: the process is told everything, in order. */
  resume(name: string): void {
    const machine = this.#machine(name);
    if (machine.isAwake) return;
    for (const callback of machine.resume()) {
      this.#clock.yield(() => {
        if (!machine.isDown) machine.tell(callback);
      });
    }
    for (const { stream, from } of [...this.#live.values()]) if (from === machine) stream.awoken();
  }

  /** The power of that host fails: its streams and listeners are gone, and nobody is told. Peers are left half-open. */
  crash(name: string): void {
    const machine = this.#machine(name);
    machine.crash();
    for (const { stream, from } of [...this.#live.values()]) if (from === machine) stream.vanish();
  }

  /** Undoes `crash`: the host answers again, to bytes of streams it has forgotten with a reset. */
  restart(name: string): void {
    this.#machine(name).isDown = false;
    this.#sendAgain();
  }

  /** Lets `tamper` see and replace what is sent that way, instead of all who did until now; `undefined` ends it. */
  tamper(from: string, to: string, tamper: Tamper | undefined): void {
    this.#medium.link(from, to).tampers = tamper === undefined ? [] : [tamper];
  }

  /** The next so many pieces of bytes that way suffer, after what others do to them already. */
  tamperNext(from: string, to: string, kind: Tampering, pieces: number): void {
    const link = this.#medium.link(from, to);
    const onSpent = () => {
      link.tampers = link.tampers.filter((other) => other !== next);
    };
    const next = tampering(kind, link.random, { pieces, onSpent });
    if (pieces > 0) link.tampers = [...link.tampers, next];
  }

  #machine(name: string): Machine {
    let machine = this.#machines.get(name);
    if (machine === undefined) {
      machine = new Machine(name);
      this.#machines.set(name, machine);
    }
    return machine;
  }

  #sendAgain(): void {
    for (const { stream } of [...this.#live.values()]) stream.released();
  }

  #connect(
    from: Machine,
    target: HostPort,
    makeReader: (stream: ByteStream) => StreamReader,
    { timeoutMs = DIAL_MS_MAX, signal }: ConnectOptions = {},
  ): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      const where = `${target.host}:${target.port}`;
      const to = isLoopbackName(target.host) ? from : this.#machines.get(target.host);
      const timers: Timer[] = [];
      let dialling: SimulatedStream | undefined;
      let isOver = false;

      const settle = () => {
        isOver = true;
        for (const timer of timers) timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        from.dials.delete(settle);
      };
      const fail = (code: ConnectCode, text: string) => {
        if (isOver) return;
        settle();
        dialling?.vanish(); // an answer that still comes finds nobody, and is answered by a reset
        reject(new TransportError(code, text, { cause: signal?.reason }));
      };
      const failOnceAwake = (code: ConnectCode, text: string) => {
        from.tell(() => {
          fail(code, text);
        });
      };
      const onAbort = () => {
        fail('CONNECT_ABORTED', `The attempt to connect to ${where} was called off.`);
      };
      const dial = (peer: Machine, patienceMs: number) => {
        timers.push(this.#clock.setTimer(patienceMs, () => dial(peer, patienceMs * 2)));
        this.#medium.signal(from, peer, () => {
          if (isOver || (peer.options.isBehindNat === true && peer !== from)) return;
          if (dialling?.isForsaken === false) return; // its answer is on the way
          dialling?.vanish();
          dialling = this.#knock(from, peer, target.port, onAnswer);
          if (dialling === undefined)
            this.#medium.signal(peer, from, () => failOnceAwake('CONNECT_REFUSED', `Nothing accepts connections at ${where}.`));
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
      from.dials.add(settle); // after a crash nobody is there to hear how it went
      timers.push(this.#clock.setTimer(timeoutMs, () => failOnceAwake('CONNECT_TIMEOUT', `${where} did not answer in time.`)));
      if (to === undefined) {
        this.#clock.yield(() => failOnceAwake('NAME_UNKNOWN', `No host of this simulation is called ${target.host}.`));
        return;
      }
      const searchMs = to === from ? 0 : nameMs(to.options);
      if (searchMs === 0) dial(to, DIAL_RETRY_MS);
      else timers.push(this.#clock.setTimer(searchMs, () => dial(to, DIAL_RETRY_MS)));
    });
  }

  /** A dial has reached the host. @returns the dialling end, or `undefined` when nobody listens */
  #knock(from: Machine, to: Machine, port: number, onAnswer: (stream: SimulatedStream) => void): SimulatedStream | undefined {
    const number = this.#medium.nextStream();
    const story = { stream: number, from: from.name, to: to.name, port };
    const listening = to.listeners.get(port);
    if (listening === undefined || (listening.isLoopback && from !== to)) {
      this.#medium.told({ ...story, what: 'refused' });
      return undefined;
    }
    const links = [this.#medium.link(from.name, to.name), this.#medium.link(to.name, from.name)];
    let isOver = false;
    const [dialling, accepting] = SimulatedStream.pair(
      endOf(from, from.freePort()),
      endOf(to, port),
      this.#medium.wire(from, to, number, this.#windowBytes),
      this.#medium.wire(to, from, number, this.#windowBytes),
      {
        onGone: (gone) => {
          this.#live.delete(gone);
          for (const link of links) link.live.delete(number);
        },
        onOver: (what) => {
          if (!isOver) this.#medium.told({ ...story, what });
          isOver = true;
        },
      },
    );
    this.#live.set(dialling, { stream: dialling, from, to });
    this.#live.set(accepting, { stream: accepting, from: to, to: from });
    for (const link of links) link.live.add(number);
    this.#medium.told({ ...story, what: 'opened' });
    dialling.onAnswer(() => onAnswer(dialling));
    accepting.answer();
    to.tell(() => {
      if (accepting.isGone) return;
      const reader = listening.accept(accepting);
      if (reader === undefined) accepting.reset();
      else accepting.open(reader);
    });
    return dialling;
  }
}

type ConnectCode = 'CONNECT_REFUSED' | 'CONNECT_TIMEOUT' | 'CONNECT_ABORTED' | 'NAME_UNKNOWN';

/** A network of one machine, in memory: with the clock of the host it needs no virtual time. */
export function memoryNetwork(clock: Clock): Network {
  return new SimulatedNetwork({ clock }).host('localhost');
}

/** How long it takes until the address that answers is tried. */
const nameMs = ({ nameTakesMs = 0, nameAlsoLeadsTo }: HostOptions) => nameTakesMs + (nameAlsoLeadsTo === 'dead' ? NEXT_ADDRESS_MS : 0);

const endOf = (machine: Machine, port: number): StreamEnd => ({ address: { host: machine.name, port }, process: machine });

function release(link: Link): Link {
  link.isHeld = false;
  for (const arrive of link.stalled.splice(0)) arrive();
  return link;
}
