import fc from 'fast-check';
import { PosternError } from '../runtime/errors.ts';
import type { AnyWorld, WorldKind } from './any-world.ts';
import { type Fault, faultText } from './faults.ts';
import type { Invariant, RunSettings, Trace, Violation } from './trace.ts';
import { firstDifference } from './trace-diff.ts';
import { World, type WorldOptions } from './world.ts';

/** What a scenario does in its world. */
export type Play = (world: World) => unknown;

/** The same, of a scenario that runs in a world of either kind. */
export type PlayAnywhere = (world: AnyWorld) => unknown;

/** A scenario as a module exports it: what the command `simulate` runs. */
export interface Scenario {
  readonly name: string;
  readonly play: Play;
  /** What goes wrong: a list, or a generator of lists, one for each seed. */
  readonly faults?: readonly Fault[] | fc.Arbitrary<readonly Fault[]>;
  /** What must hold in every run. */
  readonly invariants?: readonly Invariant[];
  readonly keepBytes?: boolean;
}

export interface SimulateOptions extends Partial<Omit<WorldOptions, 'scenario'>> {
  /** For the trace and the command that reproduces a failure. */
  readonly name?: string;
  readonly faults?: readonly Fault[];
  readonly invariants?: readonly Invariant[];
  /** Runs a second time and compares: true by default. What really happens never does so twice: another kind of world runs once. */
  readonly replays?: boolean;
  /** The file that a failure is reproduced with. */
  readonly file?: string;
  /** Simulated when left out; else `loopback()` of `postern/simulation/loopback`: real processes. */
  readonly world?: WorldKind;
}

/** What came of a run. */
export interface Report {
  readonly seed: number;
  readonly trace: Trace;
  /** Virtual time it took; of a real world, real time. */
  readonly virtualMs: number;
  readonly faults: readonly Fault[];
}

/** A run that failed, with all it takes to see why and to see it again. */
export class SimulationFailure extends PosternError<'SIMULATION_FAILED'> {
  readonly report: Report;
  /** What is broken; undefined when the scenario itself threw: see `cause`. */
  readonly violation: Violation | undefined;
  /** A line for the shell that fails in the same way. */
  readonly command: string;

  constructor(report: Report, violation: Violation | undefined, command: string, cause: unknown) {
    const what = violation === undefined ? textOf(cause) : `${violation.invariant}: ${violation.text}`;
    const faults =
      report.faults.length === 0 ? [] : [`faults: ${report.faults.map((fault) => `${fault.atMs} ms ${faultText(fault)}`).join('; ')}`];
    super('SIMULATION_FAILED', [what, `seed ${report.seed}`, ...faults, `again: ${command}`].join('\n'), { cause });
    this.report = report;
    this.violation = violation;
    this.command = command;
  }
}

/**
 * Runs a scenario under a seed, with the code that production runs: only clock, randomness, network and logger are simulated.
 * Runs it twice, unless told otherwise, and compares what happened.
 * @throws {SimulationFailure} when it throws, breaks an invariant, or does not do the same twice
 */
export async function simulate(options: SimulateOptions & { readonly world?: undefined }, play: Play): Promise<Report>;
export async function simulate(options: SimulateOptions, play: PlayAnywhere): Promise<Report>;
export async function simulate(options: SimulateOptions, play: Play): Promise<Report> {
  const seed = options.seed ?? freshSeed();
  const report = await runOnce({ ...options, seed }, play);
  if (options.replays === false || options.world !== undefined) return report;
  const again = await runOnce({ ...options, seed }, play);
  const difference = firstDifference(report.trace, again.trace);
  if (difference === undefined) return report;
  const text = `event ${difference.at} was ${difference.one} and then ${difference.other}. Something asks for the time, for chance or for an order outside of the world.`;
  throw failed(report, { invariant: 'the same seed does the same', text, at: difference.at }, options);
}

export interface ExploreOptions extends Omit<SimulateOptions, 'seed' | 'faults' | 'replays' | 'world'> {
  /** From which seeds and faults are drawn. */
  readonly seed?: number;
  /** How many runs; 100 by default. */
  readonly runs?: number;
  readonly faults?: fc.Arbitrary<readonly Fault[]>;
  /** One run in so many is done twice; 20 by default. Source: decisions.md C4 */
  readonly replayOneIn?: number;
  /** Told of each run that held. */
  readonly onRun?: (report: Report) => void;
}

/**
 * Runs a scenario under many seeds, each with faults of its own. A failure is shrunk: to the fewest and simplest faults that
 * still break it.
 * @throws {SimulationFailure} the shrunk one
 */
export async function explore(options: ExploreOptions, play: Play): Promise<{ readonly runs: number; readonly seed: number }> {
  const { runs = 100, replayOneIn = 20, onRun, faults = fc.constant([]), ...rest } = options;
  const seed = options.seed ?? freshSeed();
  let count = 0;
  const property = fc.asyncProperty(fc.noShrink(fc.nat(2 ** 31 - 1)), faults, async (runSeed, planned) => {
    const report = await simulate({ ...rest, seed: runSeed, faults: planned, replays: count++ % replayOneIn === 0 }, play);
    onRun?.(report);
  });
  const found = await fc.check(property, { seed, numRuns: runs });
  if (found.failed) {
    if (found.errorInstance instanceof Error) throw found.errorInstance;
    throw new Error('The run failed without an error.');
  }
  return { runs: found.numRuns, seed };
}

async function runOnce(options: SimulateOptions & { readonly seed: number }, play: Play): Promise<Report> {
  const { name, faults = [], invariants = [] } = options;
  const start = { ...options, ...(name !== undefined && { scenario: name }) };
  const world = options.world?.make(start) ?? new World(start);
  const wrong = await outcomeOf(async () => {
    world.plan(faults);
    await world.drive(
      (async () => {
        await (play as PlayAnywhere)(world); // of another kind only by the second signature of `simulate`
        await world.stop();
      })(),
    );
  });
  await world.close();
  const report: Report = { seed: options.seed, trace: { ...world.trace, settings: settingsOf(options) }, virtualMs: world.nowMs, faults };
  // What broke first says more than what it led to.
  const violation = firstViolation(report.trace, invariants);
  if (wrong !== undefined || violation !== undefined) throw failed(report, violation, options, wrong?.thrown);
  return report;
}

function settingsOf({ faults = [], keepBytes, eventsMax, logLevel, eventsAtOnceMax, stepsMax }: SimulateOptions): RunSettings {
  const given = Object.entries({ keepBytes, eventsMax, logLevel, eventsAtOnceMax, stepsMax }).filter(([, value]) => value !== undefined);
  return { faults, ...(Object.fromEntries(given) as Omit<RunSettings, 'faults'>) };
}

async function outcomeOf(work: () => Promise<void>): Promise<{ readonly thrown: unknown } | undefined> {
  try {
    await work();
    return undefined;
  } catch (thrown) {
    return { thrown };
  }
}

function firstViolation(trace: Trace, invariants: readonly Invariant[]): Violation | undefined {
  for (const invariant of invariants) {
    const violation = invariant.check(trace);
    if (violation !== undefined) return violation;
  }
  return undefined;
}

function failed(
  report: Report,
  violation: Violation | undefined,
  { file = 'SCENARIO.ts', world }: SimulateOptions,
  cause?: unknown,
): SimulationFailure {
  const where = world === undefined ? '' : ` --world ${world.name}`;
  const faults = report.faults.length === 0 ? '' : ` --faults '${JSON.stringify(report.faults).replaceAll("'", String.raw`'\''`)}'`;
  return new SimulationFailure(report, violation, `npm run simulate -- ${file} --seed ${report.seed}${where}${faults}`, cause);
}

const textOf = (thrown: unknown) =>
  thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : 'Something that is no error was thrown.';

/** Of a run that nobody gave one: it is printed with a failure. */
const freshSeed = () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) >>> 1;
