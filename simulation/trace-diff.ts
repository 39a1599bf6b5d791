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
    // Written only when they may differ: nearly all are the same, and kept bytes are long in hex.
    if (isSame(one.events[at], other.events[at])) continue;
    const [left, right] = [eventText(one.events[at]), eventText(other.events[at])];
    if (left !== right) return { at, one: left, other: right };
  }
  return undefined;
}

/** Whether two pieces of plain data are the same, properties and their order included. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (one instanceof Uint8Array) {
    return other instanceof Uint8Array && one.length === other.length && one.every((byte, at) => byte === other[at]);
  }
  const [names, others] = [Object.keys(one), Object.keys(other)];
  return (
    names.length === others.length &&
    names.every(
      (name, at) => name === others[at] && isSame((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]),
    )
  );
}
