import type { Clock } from '../runtime/clock.ts';
import type { LogLevel } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { Duration } from './duration.ts';
import type { Fault } from './faults.ts';
import type { HostOptions } from './machine.ts';
import type { Trace } from './trace.ts';
import type { NodeProgram } from './world-node.ts';

export type Named = string | { readonly name: string };
export const nameOf = (named: Named) => (typeof named === 'string' ? named : named.name);

/** A node of a world of either kind. What only a simulation can do with one is in `WorldNode`. */
export interface AnyNode<Result = unknown> {
  readonly name: string;
  readonly isUp: boolean;
  /** What the program of its present life returned. Rejects with what it threw. */
  readonly ready: Promise<Result>;
  /** What is on its disk now. */
  readonly storage: ReadonlyMap<string, unknown>;
  /** Stops it in order: nothing may be left behind. */
  stop(): Promise<void>;
}

export interface AnyNodeOptions<Settings = unknown> {
  /** What its machine is like, as others see it: behind NAT, a name that resolves late. */
  readonly host?: HostOptions;
  /** What its program is given as `home.settings`, at each start. For real processes: data that structured cloning keeps. */
  readonly settings?: Settings;
}

export interface UntilOptions {
  /** How long it is given; 10 minutes by default, and 1 minute of a real world. */
  readonly within?: Duration;
}

export interface SettleOptions extends UntilOptions {
  /** Without anything sent for so long, the world has settled; 1 s by default. Give less than the time between two heartbeats. */
  readonly quiet?: Duration;
}

/**
 * What a simulated world and one of real processes both offer: a scenario that asks for no more runs in either. Time is virtual in
 * the one and real in the other.
 */
export interface AnyWorld {
  readonly seed: number;
  readonly clock: Clock;
  /** Chance for the scenario itself. */
  readonly random: Random;
  /** Since the world began. */
  readonly nowMs: number;
  /** What happened so far. */
  readonly trace: Trace;

  /**
   * A node that runs this program from its start, and again after each restart. Started at once; `await node.ready` for what
   * the program returns.
   * @throws {SimulationError} `WORLD` when the name is taken
   */
  node<Result = void>(name: string, program: NodeProgram<Result>, options?: AnyNodeOptions): AnyNode<Result>;
  node<Result, Settings>(
    name: string,
    program: NodeProgram<Result, Settings>,
    options: AnyNodeOptions<Settings> & { readonly settings: Settings },
  ): AnyNode<Result>;
  /** The node of that name. @throws {SimulationError} `WORLD` when there is none */
  get(name: string): AnyNode;

  /** Waits so long. */
  pass(duration: Duration): Promise<void>;
  /** Waits until that time since the beginning, then does it. A time that has passed is now. */
  at<Result>(time: Duration, action: () => Result | Promise<Result>): Promise<Result>;
  /** Waits until it is true, asked whenever something happened. @throws {SimulationError} `NEVER_SETTLED` */
  until(isTrue: () => boolean, options?: UntilOptions): Promise<void>;
  /** Waits until nothing is sent any more. @throws {SimulationError} `NEVER_SETTLED` */
  settled(options?: SettleOptions): Promise<void>;

  /** Makes it happen now, whatever time it says. @throws {SimulationError} `NOT_ON_LOOPBACK` for what real processes cannot suffer */
  apply(fault: Fault): void;
  /** Makes each happen at its time. @throws as `apply`, at once */
  plan(faults: readonly Fault[]): void;
  /** Nothing passes between the two, in silence. */
  partition(one: Named, other: Named): void;
  /** Undoes `partition` and `hold` between the two. */
  heal(one: Named, other: Named): void;
  /** Stalls one direction. */
  hold(from: Named, to: Named): void;
  /** Undoes `hold`. */
  release(from: Named, to: Named): void;
  /** Cuts every stream between the two. */
  reset(one: Named, other: Named): void;
  /** The node stands still for so long, as a process that is stopped by a signal. */
  pause(node: Named, duration: Duration): void;
  crash(node: Named, options?: { readonly losesStorage?: boolean }): void;
  /** Starts a node that crashed or was stopped. @returns what its program returns */
  restart<Result>(node: AnyNode<Result>): Promise<Result>;

  /** Something the scenario wants to see in the trace and in the picture. */
  note(text: string, node?: Named): void;
  /** Ends every node, and tells what each left behind. */
  stop(): Promise<void>;
}

/** What `simulate` needs of a world, beyond what the scenario sees. */
export interface DrivenWorld extends AnyWorld {
  /** Waits for the work. @throws what it throws, and what goes wrong in the world itself */
  drive<Result>(work: Promise<Result>): Promise<Result>;
  /** Ends what is left of it, whatever happened. */
  close(): Promise<void>;
}

/** What a world is told when it is made. */
export interface WorldStart {
  readonly seed: number;
  /** For the trace and for what is printed. */
  readonly scenario?: string;
  /** Keeps payloads and the bytes on links in the trace; false by default. */
  readonly keepBytes?: boolean;
  /** How many events the trace keeps; 1,000,000 by default. What is beyond is counted by kind. */
  readonly eventsMax?: number;
  /** Log lines from this level on are in the trace; `info` by default. */
  readonly logLevel?: LogLevel;
}

/** A kind of world that is not simulated: `loopback()` of `postern/simulation/loopback`. */
export interface WorldKind {
  readonly name: string;
  make(start: WorldStart): DrivenWorld;
}
