import { createIdentity, type Identity } from '../identities/identity.ts';
import { everyone } from '../identities/trust.ts';
import { allowEveryone } from '../runtime/access-control.ts';
import type { Context } from '../runtime/context.ts';
import type { Logger } from '../runtime/logger.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Message } from '../runtime/message.ts';
import { Node } from '../runtime/node.ts';
import { type Route, route } from '../runtime/route.ts';
import type { Connection, Listener } from '../runtime/transport.ts';
import type { Worker } from '../runtime/worker.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { seededRandom } from '../simulation/random.ts';
import { tcp } from '../transports/tcp.ts';
import { echo } from '../workers/echo.ts';
import {
  type ChannelListener,
  type ChannelListenerOptions,
  type SecureChannel,
  secureChannel,
  secureChannelListener,
  type SecureChannelOptions,
} from '../workers/secure-channel/secure-channel.ts';

export type Direction = 'there' | 'back';

/** Sees each message on its way, counted from 0 in each direction, and gives back what goes on instead. */
export type Meddle = (message: Message, direction: Direction, index: number) => readonly Message[];

export const untouched: Meddle = (message) => [message];

/** A relay that may do what it likes with what passes. */
export class MeddlingRelay implements Worker {
  meddle: Meddle = untouched;
  readonly counts = { there: 0, back: 0 };
  readonly #far: Connection;
  #context!: Context;

  constructor(far: Connection) {
    this.#far = far;
  }

  onStart(context: Context): void {
    this.#context = context;
  }

  onMessage(message: Message, context: Context): void {
    const onward = message.step(context.address);
    const direction = onward.onward.next.key === this.#far.address.key ? 'there' : 'back';
    for (const passed of this.meddle(onward, direction, this.counts[direction]++)) context.forward(passed);
  }

  /** Sends something of its own. */
  inject(message: Message): void {
    this.#context.enter(() => this.#context.forward(message));
  }
}

/** The message with another payload. */
export const withPayload = (message: Message, payload: Uint8Array) => new Message(message.onward, message.returnRoute, payload);

export interface ChannelWorldOptions {
  readonly seed?: number;
  readonly logger?: Logger;
  readonly latencyMs?: number;
}

/** Alice on `near` and Bob, who listens for channels, on `far`; between them `mid`, with a relay that is not to be trusted. */
export class ChannelWorld {
  readonly clock = new SimulatedClock();
  readonly network: SimulatedNetwork;
  readonly near: Node;
  readonly mid: Node;
  readonly far: Node;
  alice!: Identity;
  bob!: Identity;
  toMid!: Connection;
  toFar!: Connection;
  farListener!: Listener;
  relay!: MeddlingRelay;
  channels!: ChannelListener;
  readonly #logger: Logger;
  #seed: number;

  private constructor({ seed = 1, logger = silentLogger, latencyMs = 1 }: ChannelWorldOptions) {
    this.#seed = seed * 1_000;
    this.#logger = logger;
    this.network = new SimulatedNetwork({ clock: this.clock, latencyMs });
    this.near = this.node('near');
    this.mid = this.node('mid');
    this.far = this.node('far');
  }

  static async make(options: ChannelWorldOptions = {}, listening: Partial<ChannelListenerOptions> = {}): Promise<ChannelWorld> {
    const world = new ChannelWorld(options);
    await world.clock.runUntil(world.#begin(listening));
    return world;
  }

  node(name: string): Node {
    return new Node({
      name,
      clock: this.clock,
      random: seededRandom(this.#seed++),
      network: this.network.host(name),
      logger: this.#logger,
    });
  }

  identity(): Promise<Identity> {
    return createIdentity({ clock: this.clock, random: seededRandom(this.#seed++) });
  }

  async #begin(listening: Partial<ChannelListenerOptions>): Promise<void> {
    this.alice = await this.identity();
    this.bob = await this.identity();
    this.farListener = await this.far.listen(tcp(), '0.0.0.0:4000');
    const midListener = await this.mid.listen(tcp(), '0.0.0.0:4000');
    this.toFar = await this.mid.connect(tcp(), 'far:4000');
    this.relay = new MeddlingRelay(this.toFar);
    this.mid.start('relay', this.relay);
    this.mid.publish('relay', { on: [midListener, this.toFar], allow: allowEveryone });
    this.toMid = await this.near.connect(tcp(), 'mid:4000');
    this.channels = secureChannelListener(this.far, 'api', { identity: this.bob, trust: everyone, on: this.farListener, ...listening });
    this.far.start('echo', echo);
    this.far.publish('echo', { on: this.channels, allow: allowEveryone });
  }

  /** To Bob's listener, past the relay. */
  get way(): Route {
    return route(this.toMid, 'relay', this.toFar, 'api');
  }

  open(options: Partial<SecureChannelOptions> = {}, to: Route = this.way): Promise<SecureChannel> {
    return this.clock.runUntil(secureChannel(this.near, to, { identity: this.alice, trust: everyone, ...options }));
  }

  /** Whether Bob's echo answers through the channel within the time. */
  echoes(channel: { readonly route: Route }, byte = 1, timeoutMs = 1_000): Promise<boolean> {
    const payload = Uint8Array.of(byte);
    const asked = this.near.request(route(channel.route, 'echo'), payload, { timeoutMs });
    return this.clock.runUntil(
      asked.then(
        (answer) => answer.payload[0] === byte,
        () => false,
      ),
    );
  }

  pass(ms: number): Promise<void> {
    return this.clock.run({ untilMs: this.clock.monotonicMs() + ms });
  }

  /** Lets time pass until `isTrue`. @returns how long that took; `msMax` if it did not come true */
  async until(isTrue: () => boolean, msMax: number, stepMs = 50): Promise<number> {
    const start = this.clock.monotonicMs();
    while (!isTrue() && this.clock.monotonicMs() - start < msMax) await this.pass(stepMs);
    return this.clock.monotonicMs() - start;
  }

  async stop(): Promise<void> {
    await this.clock.runUntil(Promise.all([this.near.stop(), this.far.stop(), this.mid.stop()]));
  }
}
