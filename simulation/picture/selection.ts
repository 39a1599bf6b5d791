import type { Trace, TraceEvent } from '../trace.ts';

/** An event's kind counts so many times. */
export type Counts = Readonly<Record<string, number>>;

export interface Selection {
  /** Indices of the events to be shown, in order. */
  readonly shown: readonly number[];
  /** What is not shown, by kind: of the events of the trace, and of those that the trace itself left out. */
  readonly leftOut: Counts;
}

/** What a run is told by, then what may explain it, then the traffic, then what is seldom asked for. */
const rankOf = (event: TraceEvent): number => {
  switch (event.kind) {
    case 'fault':
    case 'node':
    case 'note':
      return 0;
    case 'stream':
      return 1;
    case 'log':
      return event.level === 'warn' || event.level === 'error' ? 1 : 3;
    case 'message':
      return event.what === 'dead' ? 1 : 2;
    case 'bytes':
      return 2;
    case 'seal':
      return 4;
  }
};
const RANKS = [0, 1, 2, 3, 4];

/**
 * At most so many events: faults, lives and what went wrong first, but in no more than half of the room while there is traffic to
 * fill the other half. Of each rank those that are nearest to the broken step; without one, those at the start and at the end.
 */
export function select(trace: Trace, eventsMax: number, focus: number | undefined): Selection {
  const { events } = trace;
  const distance = (at: number) => (focus === undefined ? Math.min(at, events.length - 1 - at) : Math.abs(at - focus));
  const ranked = RANKS.map(() => [] as number[]);
  events.forEach((event, at) => ranked[at === focus ? 0 : rankOf(event)]?.push(at));
  if (events.length > eventsMax) for (const ats of ranked) ats.sort((one, other) => distance(one) - distance(other));
  const [first = [], second = [], ...rest] = ranked;
  const told = [...first, ...second];
  const toldCount = Math.min(told.length, Math.max(Math.ceil(eventsMax / 2), eventsMax - rest.flat().length));
  const shown = [...told.slice(0, toldCount), ...rest.flat()].slice(0, Math.max(1, eventsMax)).sort((one, other) => one - other);
  return { shown, leftOut: countLeftOut(trace, new Set(shown)) };
}

/** Counts by kind what is not shown, beside what the trace itself left out. */
export function countLeftOut({ events, leftOut: unkept = {} }: Trace, shown: ReadonlySet<number>): Counts {
  const counts = new Map(Object.entries(unkept));
  events.forEach(({ kind }, at) => {
    if (!shown.has(at)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  });
  return Object.fromEntries(counts);
}

/** `1200 events are left out: 800 bytes, 400 message`, or nothing when none is. */
export function leftOutText(counts: Counts): string {
  const kinds = Object.entries(counts).filter(([, count]) => count > 0);
  const sum = kinds.reduce((all, [, count]) => all + count, 0);
  if (sum === 0) return '';
  return `${sum} event${sum === 1 ? ' is' : 's are'} left out: ${kinds.map(([kind, count]) => `${count} ${kind}`).join(', ')}`;
}
