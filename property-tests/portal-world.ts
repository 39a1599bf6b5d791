import { allowEveryone } from '../runtime/access-control.ts';
import type { Address } from '../runtime/address.ts';
import type { Context } from '../runtime/context.ts';
import { type Logger, silentLogger } from '../runtime/logger.ts';
import { Message } from '../runtime/message.ts';
import type { ByteStream, HostPort, Network, StreamReader } from '../runtime/network.ts';
import { Node } from '../runtime/node.ts';
import { type Route, route } from '../runtime/route.ts';
import type { Listener } from '../runtime/transport.ts';
import type { Worker } from '../runtime/worker.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { seededRandom } from '../simulation/random.ts';
import { tcp } from '../transports/tcp.ts';
import { type Inlet, type InletOptions, inlet } from '../workers/portal/inlet.ts';
import { type Outlet, type OutletOptions, outlet } from '../workers/portal/outlet.ts';

export const TARGET_PORT = 5432;

/** A program at one end of a byte stream: writes what it is told, and keeps what it reads. */
export class Program implements StreamReader {
  /** What it read. */
  readonly chunks: Uint8Array[] = [];
  byteCount = 0;
  hasEnd = false;
  wasReset = false;
  stream!: ByteStream;
  onMore: () => void = () => undefined;
  /** Read into again and again: what is kept is a copy, for a view of a byte would keep all of it. */
  readonly #memory = new Uint8Array(65_536);

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get isOver(): boolean {
    return this.hasEnd || this.wasReset;
  }

  buffer(): Uint8Array {
    return this.#memory;
  }

  onBytes(bytes: Uint8Array): void {
    this.chunks.push(bytes.slice());
    this.byteCount += bytes.length;
    this.onMore();
  }

  onEnd(): void {
    this.hasEnd = true;
    this.onMore();
  }

  onReset(): void {
    this.wasReset = true;
    this.onMore();
  }
}

/** Sees each message that passes a relay, counted from 0 in each direction, and gives back what is passed on instead. */
export type Edit = (message: Message, direction: 'there' | 'back', index: number, passOn: (later: Message) => void) => readonly Message[];

/** A relay that may do to messages what it likes: forwards as a hop does, through an editor. */
export class EditingRelay implements Worker {
  edit: Edit = (message) => [message];
  /** Whether what goes to that address next is on its way to the outlet. */
  leadsThere: (next: Address) => boolean = () => true;
  readonly counts = { there: 0, back: 0 };

  onMessage(message: Message, context: Context): void {
    const onward = message.step(context.address);
    const direction = this.leadsThere(onward.onward.next) ? 'there' : 'back';
    const passOn = (later: Message) => context.forward(later);
    for (const passed of this.edit(onward, direction, this.counts[direction]++, passOn)) passOn(passed);
  }
}

/** The message with another payload. */
export const withPayload = (message: Message, payload: Uint8Array) =>
  new Message(message.onward, message.returnRoute, payload, message.localInfo, message.hops, message.flow);

export interface WorldOptions {
  readonly seed?: number;
  readonly latencyMs?: number;
  /** What a socket takes before its writer waits. */
  readonly windowBytes?: number;
  readonly inlet?: Partial<InletOptions>;
  readonly outlet?: Partial<OutletOptions>;
  readonly clock?: SimulatedClock;
  readonly logger?: Logger;
}

/** Three machines: an inlet on `near`, a relay on `mid`, an outlet and its target on `far`; tcp between them, all simulated. */
export class PortalWorld {
  readonly clock: SimulatedClock;
  readonly network: SimulatedNetwork;
  readonly near: Node;
  readonly mid: Node;
  readonly far: Node;
  readonly relay = new EditingRelay();
  readonly nearHost: Network;
  readonly farHost: Network;
  farListener!: Listener;
  inlet!: Inlet;
  outlet!: Outlet;
  #toFar!: Route;
  /** Connections that the target has accepted. */
  readonly targets: Program[] = [];
  onTarget: (program: Program) => void = () => undefined;

  private constructor({
    seed = 1,
    latencyMs = 1,
    windowBytes = 65_536,
    clock = new SimulatedClock(),
    logger = silentLogger,
  }: WorldOptions) {
    this.clock = clock;
    this.network = new SimulatedNetwork({ clock, latencyMs, windowBytes });
    const random = seededRandom(seed);
    const host = (name: string) => this.network.host(name);
    const make = (name: string) => new Node({ name, clock, random, network: host(name), logger });
    this.near = make('near');
    this.mid = make('mid');
    this.far = make('far');
    this.nearHost = host('near');
    this.farHost = host('far');
  }

  static async make(options: WorldOptions = {}): Promise<PortalWorld> {
    const world = new PortalWorld(options);
    await world.clock.runUntil(world.#begin(options));
    return world;
  }

  async #begin(options: WorldOptions): Promise<void> {
    const everyone = { allow: allowEveryone };
    await this.farHost.listen({ host: '127.0.0.1', port: TARGET_PORT }, (stream) => {
      const program = new Program();
      program.stream = stream;
      this.targets.push(program);
      this.onTarget(program);
      return program;
    });
    this.farListener = await this.far.listen(tcp(), '0.0.0.0:4000');
    this.outlet = outlet(this.far, { target: `127.0.0.1:${TARGET_PORT}`, on: this.farListener, ...everyone, ...options.outlet });
    const midListener = await this.mid.listen(tcp(), '0.0.0.0:4000');
    const toFar = await this.mid.connect(tcp(), 'far:4000');
    this.relay.leadsThere = (next) => next.equals(toFar.address);
    this.mid.start('relay', this.relay);
    this.mid.publish('relay', { on: [midListener, toFar], ...everyone });
    const toMid = await this.near.connect(tcp(), 'mid:4000');
    this.#toFar = route(toMid, 'relay', toFar);
    this.inlet = await inlet(this.near, { listen: '127.0.0.1:0', outlet: this.wayTo('outlet'), ...everyone, ...options.inlet });
  }

  /** The way from `near` through the relay to a worker of `far`. */
  wayTo(address: string): Route {
    return route(this.#toFar, address);
  }

  /** A client that connects to the inlet. */
  connect(at: HostPort = this.inlet.local): Promise<Program> {
    const program = new Program();
    const connected = this.nearHost.connect(at, (stream) => {
      program.stream = stream;
      return program;
    });
    return this.clock.runUntil(connected.then(() => program));
  }

  /** Lets that much time pass. */
  run(ms: number): Promise<void> {
    return this.clock.run({ untilMs: this.clock.monotonicMs() + ms });
  }

  /** Runs until `isDone`, or that much time has passed. @returns how long it took */
  async until(isDone: () => boolean, msMax = 60_000): Promise<number> {
    const start = this.clock.monotonicMs();
    await this.clock.run({ untilMs: start }); // what waits for promises only
    while (!isDone() && this.clock.monotonicMs() - start < msMax) {
      if (!this.clock.step(start + msMax)) break;
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    return this.clock.monotonicMs() - start;
  }

  /** Stops all nodes; then only the programs' own sockets are left. */
  async stop(): Promise<void> {
    await this.clock.runUntil(Promise.all([this.near.stop(), this.far.stop(), this.mid.stop()]));
  }
}

/** Bytes that differ everywhere: any splice shows. */
export function pattern(byteCount: number, seed = 7): Uint8Array {
  return seededRandom(seed).bytes(byteCount);
}

export const isPrefix = (part: Uint8Array, whole: Uint8Array) => Buffer.compare(part, whole.subarray(0, part.length)) === 0;
