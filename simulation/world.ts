import type { NodeOptions } from '../runtime/node.ts';
import type { Random } from '../runtime/random.ts';
import {
  type AnyNodeOptions,
  type DrivenWorld,
  type Named,
  nameOf,
  type SettleOptions,
  type UntilOptions,
  type WorldStart,
} from './any-world.ts';
import { SimulatedClock } from './clock.ts';
import { type Duration, durationMs } from './duration.ts';
import { SimulationError } from './errors.ts';
import type { Fault, Tampering } from './faults.ts';
import type { LinkOptions } from './link.ts';
import { SimulatedNetwork } from './network.ts';
import { NodeClock } from './node-clock.ts';
import { seededRandom } from './random.ts';
import { Recorder } from './recorder.ts';
import type { Trace } from './trace.ts';
import { type NodePlace, type NodeProgram, WorldNode } from './world-node.ts';

/** Events at one moment of virtual time that no honest program makes. */
const EVENTS_AT_ONCE_MAX = 1_000_000;
/** Callbacks that a run may take: some minutes of a real machine. */
const STEPS_MAX = 2_000_000;
/** Nothing was sent for so long: all that was to happen has happened, but for signs of life. */
const QUIET_MS = 1_000;
/** How long a world is given to settle. */
const SETTLE_MS = 600_000;
const EVENTS_MAX = 1_000_000;

export interface WorldOptions extends WorldStart {
  /** How many events may happen at one moment of virtual time before that counts as a livelock; 1,000,000 by default. */
  readonly eventsAtOnceMax?: number;
  /** How many callbacks a run may take before it counts as one that goes round in circles; 2,000,000 by default. */
  readonly stepsMax?: number;
}

export interface WorldNodeOptions<Settings = unknown> extends Partial<NodeOptions>, AnyNodeOptions<Settings> {}

/**
 * Nodes, the links between them and virtual time. Time moves by itself whenever everything that runs has come to a halt, so a
 * scenario awaits what it would await anywhere else.
 */
export class World implements DrivenWorld {
  readonly seed: number;
  readonly clock = new SimulatedClock();
  /** Chance for the scenario itself. */
  readonly random: Random;
  readonly network: SimulatedNetwork;
  readonly #recorder: Recorder;
  readonly #nodes = new Map<string, WorldNode>();
  readonly #stepsMax: number;
  readonly #eventsAtOnceMax: number;
  /** What `until` waits for. */
  readonly #awaited = new Set<{ readonly isTrue: () => boolean; readonly over: () => void }>();
  /** Until when a node stands still: one pause may lie over another. */
  readonly #pausedUntilMs = new Map<string, number>();
  #failure: Error | undefined;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.#stepsMax = options.stepsMax ?? STEPS_MAX;
    this.#eventsAtOnceMax = options.eventsAtOnceMax ?? EVENTS_AT_ONCE_MAX;
    this.random = seededRandom(seedOf(options.seed, 'the scenario'));
    this.#recorder = new Recorder({
      scenario: options.scenario ?? '',
      seed: options.seed,
      nowMs: () => this.clock.monotonicMs(),
      keepBytes: options.keepBytes ?? false,
      eventsMax: options.eventsMax ?? EVENTS_MAX,
      logLevel: options.logLevel ?? 'info',
    });
    this.network = new SimulatedNetwork({
      clock: this.clock,
      random: seededRandom(seedOf(options.seed, 'the network')),
      observer: this.#recorder.network,
    });
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** What happened so far. */
  get trace(): Trace {
    return this.#recorder.trace;
  }

  /**
   * A node that runs this program from its start, and again after each restart. Started at once; `await node.ready` for what
   * the program returns.
   * @throws {SimulationError} `WORLD` when the name is taken
   */
  node<Result = void>(name: string, program?: NodeProgram<Result>, options?: WorldNodeOptions): WorldNode<Result>;
  node<Result, Settings>(
    name: string,
    program: NodeProgram<Result, Settings>,
    options: WorldNodeOptions<Settings> & { readonly settings: Settings },
  ): WorldNode<Result>;
  node(name: string, program: NodeProgram = () => undefined, options: WorldNodeOptions = {}): WorldNode {
    if (this.#nodes.has(name)) throw new SimulationError('WORLD', `There is a node called ${name} already.`);
    const node = new WorldNode(name, program, this.#placeOf(name, options), options);
    this.#nodes.set(name, node);
    this.#recorder.knowsNode(name);
    void node.start();
    return node;
  }

  /** Nodes without a program: the scenario tells each what to do. */
  nodes<const Names extends readonly string[]>(...names: Names): { [Index in keyof Names]: WorldNode<void> } {
    return names.map((name) => this.node(name)) as { [Index in keyof Names]: WorldNode<void> };
  }

  /** The node of that name. @throws {SimulationError} `WORLD` when there is none */
  get(name: string): WorldNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new SimulationError('WORLD', `No node of this world is called ${name}.`);
    return node;
  }

  /**
   * What the link between two nodes is like from now on, either way: ideal until said otherwise.
   * @throws {RangeError} when a number is out of its range
   */
  link(one: Named, other: Named, options: LinkOptions): void {
    this.network.link(nameOf(one), nameOf(other), options);
  }

  /** Waits so long. */
  pass(duration: Duration): Promise<void> {
    return new Promise((resolve) => this.clock.setTimer(durationMs(duration), resolve));
  }

  /** Waits until that time since the beginning, then does it. A time that has passed is now. */
  async at<Result>(time: Duration, action: () => Result | Promise<Result>): Promise<Result> {
    await this.pass(Math.max(0, durationMs(time) - this.nowMs));
    return action();
  }

  /** Waits until it is true, asked after every step. @throws {SimulationError} `NEVER_SETTLED` after `within`, 10 minutes by default */
  async until(isTrue: () => boolean, { within = SETTLE_MS }: UntilOptions = {}): Promise<void> {
    if (isTrue()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = this.clock.setTimer(durationMs(within), () => {
        this.#awaited.delete(awaited);
        reject(new SimulationError('NEVER_SETTLED', `What was waited for did not happen within ${durationMs(within)} ms of virtual time.`));
      });
      const awaited = {
        isTrue,
        over: () => {
          timer.cancel();
          resolve();
        },
      };
      this.#awaited.add(awaited);
    });
  }

  /** Waits until nothing is sent any more. @throws {SimulationError} `NEVER_SETTLED` */
  async settled({ quiet = QUIET_MS, within = SETTLE_MS }: SettleOptions = {}): Promise<void> {
    const [quietMs, deadlineMs] = [durationMs(quiet), this.nowMs + durationMs(within)];
    for (let sinceMs = this.nowMs; ; sinceMs = Math.max(sinceMs, this.#recorder.activeAtMs)) {
      const leftMs = Math.max(sinceMs, this.#recorder.activeAtMs) + quietMs - this.nowMs;
      if (leftMs <= 0) return;
      if (this.nowMs + leftMs > deadlineMs) {
        throw new SimulationError(
          'NEVER_SETTLED',
          `Something was still sent every ${quietMs} ms after ${durationMs(within)} ms of virtual time: ${this.#recorder.busiest()}.`,
        );
      }
      await this.pass(leftMs);
    }
  }

  /** Makes it happen now, whatever time it says. */
  apply(fault: Fault): void {
    const now = { ...fault, atMs: this.nowMs };
    this.#recorder.record({ kind: 'fault', atMs: this.nowMs, fault: now });
    this.#inflict(now);
  }

  /** Makes each happen at its time. */
  plan(faults: readonly Fault[]): void {
    for (const fault of faults) this.clock.setTimer(Math.max(0, fault.atMs - this.nowMs), () => this.apply(fault));
  }

  /** Nothing passes between the two, in silence. */
  partition(one: Named, other: Named): void {
    this.apply({ kind: 'partition', atMs: this.nowMs, one: nameOf(one), other: nameOf(other) });
  }

  /** Undoes `partition` and `hold` between the two. */
  heal(one: Named, other: Named): void {
    this.apply({ kind: 'heal', atMs: this.nowMs, one: nameOf(one), other: nameOf(other) });
  }

  /** Stalls one direction. */
  hold(from: Named, to: Named): void {
    this.apply({ kind: 'hold', atMs: this.nowMs, from: nameOf(from), to: nameOf(to) });
  }

  /** Undoes `hold`. */
  release(from: Named, to: Named): void {
    this.apply({ kind: 'release', atMs: this.nowMs, from: nameOf(from), to: nameOf(to) });
  }

  /** Cuts every stream between the two. */
  reset(one: Named, other: Named): void {
    this.apply({ kind: 'reset', atMs: this.nowMs, one: nameOf(one), other: nameOf(other) });
  }

  /** What the next pieces of bytes that way suffer. */
  tamper(from: Named, to: Named, kind: Tampering, pieces = 1): void {
    this.apply({ kind, atMs: this.nowMs, from: nameOf(from), to: nameOf(to), pieces });
  }

  /** The node stands still for so long, as a process that is stopped by a signal. */
  pause(node: Named, duration: Duration): void {
    this.apply({ kind: 'pause', atMs: this.nowMs, node: nameOf(node), forMs: durationMs(duration) });
  }

  crash(node: Named, options: { readonly losesStorage?: boolean } = {}): void {
    this.apply({ kind: 'crash', atMs: this.nowMs, node: nameOf(node), ...options });
  }

  /** Starts a node that crashed or was stopped. @returns what its program returns */
  restart<Result>(node: WorldNode<Result>): Promise<Result> {
    this.apply({ kind: 'restart', atMs: this.nowMs, node: node.name });
    return node.ready;
  }

  /** The node's wall clock jumps by so many seconds. */
  skewClock(node: Named, seconds: number): void {
    this.apply({ kind: 'skewClock', atMs: this.nowMs, node: nameOf(node), seconds });
  }

  /** Something the scenario wants to see in the trace and in the picture. */
  note(text: string, node?: Named): void {
    this.#recorder.record({ kind: 'note', atMs: this.nowMs, text, ...(node !== undefined && { node: nameOf(node) }) });
  }

  /** Ends every node, and tells what each left behind. */
  async stop(): Promise<void> {
    for (const node of [...this.#nodes.values()].reverse()) if (node.isUp) await node.stop();
  }

  /**
   * Lets time pass for as long as `work` takes.
   * @throws what it throws; {SimulationError} `NEVER_SETTLED` when nothing is left that could settle it, `LIVELOCK`, `STEP_LIMIT`
   */
  async drive<Result>(work: Promise<Result>): Promise<Result> {
    const wait = { isOver: false };
    const over = () => void (wait.isOver = true);
    work.then(over, over);
    for (let steps = 0; ; steps++) {
      await settledPromises();
      this.#askAwaited();
      if (wait.isOver || this.#failure !== undefined) break;
      if (this.#recorder.atOnce > this.#eventsAtOnceMax) {
        throw new SimulationError('LIVELOCK', `Time stands still at ${this.nowMs} ms: ${this.#recorder.busiest()} go round in circles.`);
      }
      if (steps >= this.#stepsMax) {
        throw new SimulationError(
          'STEP_LIMIT',
          `${this.#stepsMax} steps did not suffice, at ${this.nowMs} ms: ${this.#recorder.busiest()}.`,
        );
      }
      if (!this.clock.step())
        throw new SimulationError('NEVER_SETTLED', `At ${this.nowMs} ms nothing is left that could settle what the scenario waits for.`);
    }
    if (this.#failure !== undefined) throw this.#failure;
    return work;
  }

  /** Nothing of it is outside of memory. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #askAwaited(): void {
    for (const awaited of this.#awaited) {
      if (!awaited.isTrue()) continue;
      this.#awaited.delete(awaited);
      awaited.over();
    }
  }

  #inflict(fault: Fault): void {
    switch (fault.kind) {
      case 'partition':
        return this.network.partition(fault.one, fault.other);
      case 'heal':
        this.network.release(fault.one, fault.other);
        this.network.release(fault.other, fault.one);
        return this.network.heal(fault.one, fault.other);
      case 'hold':
        return this.network.hold(fault.from, fault.to);
      case 'release':
        return this.network.release(fault.from, fault.to);
      case 'reset':
        return this.network.reset(fault.one, fault.other);
      case 'pause': {
        const node = this.get(fault.node);
        node.pause();
        this.network.pause(fault.node);
        const untilMs = Math.max(this.nowMs + fault.forMs, this.#pausedUntilMs.get(fault.node) ?? 0);
        this.#pausedUntilMs.set(fault.node, untilMs);
        this.clock.setTimer(fault.forMs, () => {
          if (this.nowMs < untilMs || this.#pausedUntilMs.get(fault.node) !== untilMs) return; // another pause ends it
          node.resume();
          this.network.resume(fault.node);
        });
        return;
      }
      case 'crash':
        this.get(fault.node).crash(fault);
        this.#pausedUntilMs.delete(fault.node);
        return this.network.crash(fault.node);
      case 'restart': {
        const node = this.get(fault.node);
        if (node.isUp) return;
        this.network.restart(fault.node);
        void node.start();
        return;
      }
      case 'skewClock':
        return this.get(fault.node).skewClock(fault.seconds);
      default:
        return this.network.tamperNext(fault.from, fault.to, fault.kind, fault.pieces);
    }
  }

  #placeOf(name: string, { host }: WorldNodeOptions): NodePlace {
    const recorder = this.#recorder;
    return {
      network: this.network.host(name, host),
      logger: recorder.logger(name),
      clock: (wrong) => new NodeClock(this.clock, wrong),
      random: (life) => seededRandom(seedOf(this.seed, `${name} ${life}`)),
      begun: ({ node, life }) => {
        recorder.record({ kind: 'node', atMs: this.nowMs, node: name, what: 'started', life });
        return recorder.watch(node, life);
      },
      ended: ({ life }, what, { timers }) => {
        const left = { timers, ...this.network.left(name) };
        recorder.record({ kind: 'node', atMs: this.nowMs, node: name, what, life, ...(what === 'stopped' && { left }) });
      },
      failed: (thrown) => {
        const text = `The program of ${name} threw at ${this.nowMs} ms: ${thrown instanceof Error ? thrown.message : 'what is no error'}`;
        this.#failure ??= new SimulationError('PROGRAM_FAILED', text, { cause: thrown });
      },
      note: (text) => this.note(text, name),
      watched: (provider) => recorder.sealing(provider, name),
    };
  }
}

/** A seed of its own for each that draws, so that one more draw here changes nothing there. FNV-1a. */
function seedOf(seed: number, whose: string): number {
  let mixed = 0x811c_9dc5 ^ seed;
  for (const character of whose) mixed = Math.imul(mixed ^ (character.codePointAt(0) ?? 0), 0x0100_0193);
  return mixed >>> 0;
}

/** An immediate comes after every promise that needs no outside event, however long their chain. */
const settledPromises = () => new Promise<void>((resolve) => void setImmediate(resolve));
