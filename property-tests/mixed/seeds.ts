import fc from 'fast-check';
import type { Fault } from '../../simulation/faults.ts';
import { type Report, simulate, SimulationFailure } from '../../simulation/simulate.ts';
import { Coverage } from './coverage.ts';
import { faultsFor, faultsOf, planOf } from './plan.ts';
import { scenario } from './scenario.ts';

/** One seed in so many runs twice, and has to do the same. Source: decisions.md C4 */
const REPLAY_ONE_IN = 20;
/** How long a failure is made smaller, at most. */
const SHRINK_MS = 60_000;

/** What came of many seeds; plain data, since it crosses processes. */
export interface Tried {
  readonly runs: number;
  /** Each with all it takes to see it again. */
  readonly failures: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly virtualMs: number;
  readonly events: number;
  readonly cpuMs: number;
}

/** Runs the scenario under that seed, with the faults it draws. @throws {SimulationFailure} the shrunk one */
export async function trySeed(seed: number): Promise<Report> {
  const plan = planOf(seed);
  try {
    return await play(seed, faultsOf(plan), seed % REPLAY_ONE_IN === 0);
  } catch (failure) {
    if (!(failure instanceof SimulationFailure)) throw failure;
    const property = fc.asyncProperty(faultsFor(plan), async (faults) => {
      await play(seed, faults, false);
    });
    const shrunk = await fc.check(property, { seed, numRuns: 1, interruptAfterTimeLimit: SHRINK_MS });
    throw shrunk.errorInstance instanceof SimulationFailure ? shrunk.errorInstance : failure;
  }
}

/** Runs that many seeds from the first on. */
export async function trySeeds(first: number, count: number, goesOn: () => boolean = () => true): Promise<Tried> {
  const coverage = new Coverage();
  const failures: string[] = [];
  let [runs, virtualMs, events] = [0, 0, 0];
  const before = process.cpuUsage();
  for (; runs < count && goesOn(); runs++) {
    try {
      const report = await trySeed(first + runs);
      virtualMs += report.virtualMs;
      events += report.trace.events.length;
      coverage.add(report.trace);
    } catch (failure) {
      failures.push(failure instanceof Error ? failure.message : String(failure));
    }
  }
  const { user, system } = process.cpuUsage(before);
  return { runs, failures, counts: coverage.counts, virtualMs, events, cpuMs: (user + system) / 1_000 };
}

function play(seed: number, faults: readonly Fault[], replays: boolean): Promise<Report> {
  const { name, invariants = [], keepBytes = false } = scenario;
  return simulate({ seed, faults, replays, name, invariants, keepBytes, file: 'property-tests/mixed/scenario.ts' }, scenario.play);
}
