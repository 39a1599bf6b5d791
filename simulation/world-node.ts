import type { Logger } from '../runtime/logger.ts';
import { Node, type NodeOptions, type Ports } from '../runtime/node.ts';
import type { Network } from '../runtime/network.ts';
import type { Random } from '../runtime/random.ts';
import type { AnyNode } from './any-world.ts';
import { SimulationError } from './errors.ts';
import type { NodeClock, Skew } from './node-clock.ts';

/** What a node's program is given each time it starts. */
export interface Home<Settings = unknown> extends Ports {
  readonly name: string;
  readonly node: Node;
  /** What outlives a crash: a disk, in the small. Lost only by a crash that says so. */
  readonly storage: Map<string, unknown>;
  /** What the scenario gave to `world.node`. */
  readonly settings: Settings;
  /** Which life this is, counted from 1. */
  readonly life: number;
  /** A crypto provider whose seals are seen in the trace, for the invariant that no nonce is used twice. */
  readonly watched: <Provider extends object>(provider: Provider) => Provider;
  /** Something that is to be seen in the trace and in the picture. */
  readonly note: (text: string) => void;
}

/**
 * What runs on a node, from its start: at the first, and again after each restart. It may return what the scenario works with.
 * One that is to run in a process of its own too is made with `program`.
 */
export type NodeProgram<Result = unknown, Settings = unknown> = (home: Home<Settings>) => Result | Promise<Result>;

/** What a node needs of its world. */
export interface NodePlace {
  readonly network: Network;
  readonly logger: Logger;
  clock(wrong: Skew): NodeClock;
  random(life: number): Random;
  /** Told of a life that begins. @returns how to stop watching */
  begun(home: Home): () => void;
  ended(home: Home, what: 'stopped' | 'crashed', left: { readonly timers: number }): void;
  /** The program of a life that is not over threw. */
  failed(thrown: unknown): void;
  note(text: string): void;
  readonly watched: <Provider extends object>(provider: Provider) => Provider;
}

/** A machine of the world: it starts, crashes and starts again under the same name, and runs its program each time. */
export class WorldNode<Result = unknown> implements AnyNode<Result> {
  readonly name: string;
  readonly storage = new Map<string, unknown>();
  readonly #place: NodePlace;
  readonly #program: NodeProgram<Result>;
  readonly #options: Partial<NodeOptions> & { readonly settings?: unknown };
  #life = 0;
  readonly #wrong: Skew = { seconds: 0 };
  #home: (Home & { readonly clock: NodeClock }) | undefined;
  #forget: () => void = () => undefined;
  #running: Promise<Result> = Promise.reject(new Error('not started'));

  constructor(
    name: string,
    program: NodeProgram<Result>,
    place: NodePlace,
    options: Partial<NodeOptions> & { readonly settings?: unknown },
  ) {
    this.name = name;
    this.#program = program;
    this.#place = place;
    this.#options = options;
    this.#running.catch(() => undefined);
  }

  get isUp(): boolean {
    return this.#home !== undefined;
  }

  /** The node of its present life. @throws {SimulationError} `WORLD` while it is down */
  get node(): Node {
    return this.#mustBeUp().node;
  }

  /** The ports of its present life, for what is made beside the node: `createIdentity({ ...bank.home })`. @throws as `node` */
  get home(): Home {
    return this.#mustBeUp();
  }

  /** What the program of its present life returned. Rejects with what it threw. */
  get ready(): Promise<Result> {
    return this.#running;
  }

  /** Starts it, its program first. @throws {SimulationError} `WORLD` when it is up */
  start(): Promise<Result> {
    if (this.#home !== undefined) throw new SimulationError('WORLD', `${this.name} is up already.`);
    this.#life += 1;
    const clock = this.#place.clock(this.#wrong);
    const { logger, network } = this.#place;
    const ports = { clock, random: this.#place.random(this.#life), network, logger };
    const node = new Node({ ...ports, name: this.name, ...this.#options });
    const home: Home & { readonly clock: NodeClock } = {
      ...ports,
      name: this.name,
      node,
      storage: this.storage,
      settings: this.#options.settings,
      life: this.#life,
      note: (text: string) => {
        if (this.#home === home) this.#place.note(text);
      },
      watched: <Provider extends object>(provider: Provider) => this.#place.watched(provider),
    };
    this.#home = home;
    this.#forget = this.#place.begun(home);
    this.#running = new Promise((resolve) => resolve(this.#program(home)));
    this.#running.catch((thrown: unknown) => {
      if (this.#home === home) this.#place.failed(thrown);
    });
    return this.#running;
  }

  /** Stops it in order: nothing may be left behind. */
  async stop(): Promise<void> {
    const home = this.#mustBeUp();
    await home.node.stop();
    if (this.#home !== home) return; // it crashed meanwhile
    this.#home = undefined;
    this.#forget();
    this.#place.ended(home, 'stopped', { timers: home.clock.timerCount });
  }

  /** Its power fails. Does nothing while it is down. */
  crash({ losesStorage = false }: { readonly losesStorage?: boolean } = {}): void {
    const home = this.#home;
    if (home === undefined) return;
    this.#home = undefined;
    this.#forget();
    home.clock.die();
    if (losesStorage) this.storage.clear();
    this.#place.ended(home, 'crashed', { timers: 0 });
  }

  pause(): void {
    this.#home?.clock.pause();
  }

  resume(): void {
    this.#home?.clock.resume();
  }

  /** Its wall clock jumps, and stays so wrong in later lives. */
  skewClock(seconds: number): void {
    this.#wrong.seconds += seconds;
  }

  #mustBeUp(): Home & { readonly clock: NodeClock } {
    if (this.#home === undefined) throw new SimulationError('WORLD', `${this.name} is down: start it first.`);
    return this.#home;
  }
}
