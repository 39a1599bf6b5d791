import type { Fault } from '../faults.ts';
import type { Invariant, TraceEvent } from '../trace.ts';
import { ALL_KINDS, type Broken, invariant, unseen } from './invariant.ts';

export interface BackOptions {
  /** How long it may take in virtual time. Source of 60,000: reliability.md R-B1 */
  readonly withinMs: number;
  /**
   * What shows that all works again: the text of a note, or an event. Choose what happens again and again while things work, such
   * as an answer: a connection may outlive a short partition, and then says nothing of it.
   */
  readonly sign: string | ((event: TraceEvent) => boolean);
}

/**
 * Once nothing is wrong any more, it works again within so long. Nothing is wrong after the last heal, release or restart that
 * undid something, the last reset and tampering, and the end of the last pause. Where a partition, a hold or a crash lasts to
 * the end, nothing is expected.
 */
export function backAfterFaults({ withinMs, sign }: BackOptions): Invariant {
  const isSign = typeof sign === 'string' ? (event: TraceEvent) => event.kind === 'note' && event.text === sign : sign;
  return invariant('reconnection after heal', ALL_KINDS, (trace): Broken | undefined => {
    const { events } = trace;
    const calm = calmOf(events);
    if (calm === undefined) return undefined;
    const untilMs = calm.fromMs + withinMs;
    const isBack = events.some((event, at) => at > calm.at && event.atMs >= calm.fromMs && event.atMs <= untilMs && isSign(event));
    if (isBack) return undefined;
    const hidden = unseen(trace, ALL_KINDS);
    if (hidden !== undefined) return hidden;
    const endMs = events.at(-1)?.atMs ?? 0;
    const after = `nothing was wrong from ${calm.fromMs} ms on, and within ${withinMs} ms there was no sign that it works again`;
    const early = endMs < untilMs ? `. The run ended at ${endMs} ms: let it run longer.` : '.';
    return { text: after + early, at: calm.at };
  });
}

/** From when on, and from which event on, nothing is wrong any more; undefined when nothing was, or something still is. */
function calmOf(events: readonly TraceEvent[]): { readonly at: number; readonly fromMs: number } | undefined {
  const troubles = new Set<string>();
  let calm: { readonly at: number; readonly fromMs: number } | undefined;
  for (const [at, event] of events.entries()) {
    const endMs = event.kind === 'fault' ? endOf(event.fault, troubles) : event.kind === 'node' ? endOfLife(event, troubles) : undefined;
    if (endMs !== undefined && endMs >= (calm?.fromMs ?? 0)) calm = { at, fromMs: endMs };
  }
  return troubles.size === 0 ? calm : undefined;
}

/** Notes a trouble that begins. @returns when a trouble is over, if this ends one */
function endOf(fault: Fault, troubles: Set<string>): number | undefined {
  const undone = (...names: string[]) => (names.filter((name) => troubles.delete(name)).length > 0 ? fault.atMs : undefined);
  switch (fault.kind) {
    case 'partition':
      troubles.add(partitionOf(fault));
      return undefined;
    case 'hold':
      troubles.add(holdOf(fault.from, fault.to));
      return undefined;
    case 'crash':
      troubles.add(crashOf(fault.node));
      return undefined;
    case 'heal':
      return undone(partitionOf(fault), holdOf(fault.one, fault.other), holdOf(fault.other, fault.one));
    case 'release':
      return undone(holdOf(fault.from, fault.to));
    case 'restart':
      return undone(crashOf(fault.node));
    case 'pause':
      return fault.atMs + fault.forMs;
    case 'skewClock': // Never undone: whatever it hinders, it hinders for good.
      return undefined;
    default:
      return fault.atMs;
  }
}

/** A node may crash and start by a word of the scenario, without a fault. */
function endOfLife({ node, what, atMs }: Extract<TraceEvent, { kind: 'node' }>, troubles: Set<string>): number | undefined {
  if (what === 'crashed') troubles.add(crashOf(node));
  return what === 'started' && troubles.delete(crashOf(node)) ? atMs : undefined;
}

const partitionOf = ({ one, other }: { readonly one: string; readonly other: string }) =>
  JSON.stringify(['partition', ...[one, other].sort()]);
const holdOf = (from: string, to: string) => JSON.stringify(['hold', from, to]);
const crashOf = (node: string) => JSON.stringify(['crash', node]);
