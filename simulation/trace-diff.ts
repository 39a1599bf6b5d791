import { hex } from '../runtime/random.ts';
import type { Trace, TraceEvent } from './trace.ts';

/** Where two traces part. */
export interface Difference {
  /** Index of the first event that differs. */
  readonly at: number;
  readonly one: string;
  readonly other: string;
}

/** One line per event that says all of it: two events are the same when their lines are. */
export function eventText(event: TraceEvent | undefined): string {
  if (event === undefined) return '(no event)';
  return JSON.stringify(event, (_, value: unknown) => (value instanceof Uint8Array ? hex(value) : value));
}

/** @returns the first difference, or undefined when the same happened in both */
export function firstDifference(one: Trace, other: Trace): Difference | undefined {
  const count = Math.max(one.events.length, other.events.length);
  for (let at = 0; at < count; at++) {
    const [left, right] = [eventText(one.events[at]), eventText(other.events[at])];
    if (left !== right) return { at, one: left, other: right };
  }
  return undefined;
}
