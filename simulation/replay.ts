import { type Report, type Scenario, simulate, SimulationFailure } from './simulate.ts';
import type { Trace } from './trace.ts';
import { type Difference, firstDifference } from './trace-diff.ts';
import { decodeTrace, encodeTrace } from './trace-file.ts';

/** What came of running a recorded scenario again. */
export interface Replay {
  readonly report: Report;
  /** How it failed, if it did; the recorded run may have failed in the same way. */
  readonly failure?: SimulationFailure;
  /** The first event that is not as it was recorded. Absent when everything happened again. */
  readonly difference?: Difference;
}

/**
 * Runs the scenario of a trace again, under the seed, the faults and the other settings that the trace tells of, and compares event by
 * event, as a file keeps them. Bytes are compared if the trace has any.
 * @param scenario the one that was recorded: a trace says what happened, not what the program was
 * @throws {SimulationError} `TRACE_FILE` for a trace that no file can hold
 */
export async function replay(trace: Trace, { play, invariants = [] }: Pick<Scenario, 'play' | 'invariants'>): Promise<Replay> {
  const { scenario: name, seed, settings } = trace;
  const again = await simulate({ name, seed, ...settings, invariants, replays: false }, play).catch((thrown: unknown) => {
    if (thrown instanceof SimulationFailure) return thrown;
    throw thrown;
  });
  const report = again instanceof SimulationFailure ? again.report : again;
  const difference = differenceOf(trace, report.trace);
  return { report, ...(again instanceof SimulationFailure && { failure: again }), ...(difference !== undefined && { difference }) };
}

function differenceOf(recorded: Trace, again: Trace): Difference | undefined {
  const keepBytes = recorded.events.some(
    (event) => (event.kind === 'message' && event.payload !== undefined) || (event.kind === 'bytes' && event.bytes !== undefined),
  );
  const asWritten = (trace: Trace) => decodeTrace(encodeTrace(trace, { keepBytes }));
  const [one, other] = [asWritten(recorded), asWritten(again)];
  const difference = firstDifference(one, other);
  if (difference !== undefined) return difference;
  // Of what was not kept, only the numbers can be compared.
  const [left, right] = [JSON.stringify(one.leftOut ?? {}), JSON.stringify(other.leftOut ?? {})];
  return left === right ? undefined : { at: one.events.length, one: `left out: ${left}`, other: `left out: ${right}` };
}
