import type { Invariant, Trace, TraceEvent, Violation } from '../trace.ts';

/** For an invariant that may look at anything. */
export const ALL_KINDS = ['node', 'message', 'stream', 'bytes', 'log', 'seal', 'fault', 'note'] as const satisfies TraceEvent['kind'][];

export type Broken = Omit<Violation, 'invariant'>;

/**
 * An invariant that looks at events of these kinds. When it finds nothing but some of them were left out of the trace, it says
 * so: what was not seen is not held.
 */
export function invariant(name: string, kinds: readonly TraceEvent['kind'][], find: (trace: Trace) => Broken | undefined): Invariant {
  return {
    name,
    check: (trace) => {
      const broken = find(trace) ?? unseen(trace, kinds);
      return broken && { invariant: name, ...broken };
    },
  };
}

/** What cannot be judged, for the run had more events than its trace keeps. */
export function unseen({ leftOut = {} }: Trace, kinds: readonly TraceEvent['kind'][]): Broken | undefined {
  for (const kind of kinds) {
    const count = leftOut[kind] ?? 0;
    if (count > 0)
      return { text: `cannot be judged: ${count} events of kind ${kind} were left out of the trace. Give a larger eventsMax.` };
  }
  return undefined;
}
