import type { Fault } from '../faults.ts';
import type { Trace, TraceEvent } from '../trace.ts';

/** A time in which a node lived, or in which a fault lasted, as indices into the events. Without an end it lasts. */
export interface Span {
  readonly nodes: readonly string[];
  readonly from: number;
  readonly to?: number;
}

/** What belongs together in a trace. */
export interface Story {
  /** Both ways: the arrival of a sent piece, what became of a sent message. */
  readonly partner: ReadonlyMap<number, number>;
  /** Sent pieces that never arrive. Unknown, so empty, when the trace itself left pieces out. */
  readonly lost: ReadonlySet<number>;
  readonly lives: readonly Span[];
  readonly troubles: readonly Span[];
}

export function storyOf(trace: Trace): Story {
  const { partner, lost } = partners(trace);
  return { partner, lost, lives: lives(trace), troubles: troubles(trace.events) };
}

function partners({ events, leftOut }: Trace): Pick<Story, 'partner' | 'lost'> {
  const partner = new Map<number, number>();
  const begun = new Map<string, number>();
  const unarrived = new Set<number>();
  events.forEach((event, at) => {
    if (event.kind !== 'bytes' && event.kind !== 'message') return;
    const key = event.kind === 'bytes' ? `piece ${event.piece}` : `message ${event.message}`;
    if (event.what === 'sent') {
      begun.set(key, at);
      if (event.kind === 'bytes') unarrived.add(at);
      return;
    }
    const start = begun.get(key);
    if (start === undefined) return;
    unarrived.delete(start);
    partner.set(at, start);
    // What was duplicated arrives more than once: the first is its arrival.
    if (!partner.has(start)) partner.set(start, at);
  });
  return { partner, lost: leftOut?.['bytes'] === undefined ? unarrived : new Set() };
}

function lives({ events, nodes }: Trace): readonly Span[] {
  const open = new Map<string, number>();
  const ended: Span[] = [];
  const known = new Set<string>();
  events.forEach((event, at) => {
    if (event.kind !== 'node') return;
    const from = open.get(event.node);
    known.add(event.node);
    if (event.what === 'started') {
      open.set(event.node, at);
      return;
    }
    if (from === undefined) return;
    ended.push({ nodes: [event.node], from, to: at });
    open.delete(event.node);
  });
  const lasting = [...open].map(([node, from]) => ({ nodes: [node], from }));
  const silent = nodes.filter((node) => !known.has(node)).map((node) => ({ nodes: [node], from: 0 }));
  return [...ended, ...lasting, ...silent];
}

function troubles(events: readonly TraceEvent[]): readonly Span[] {
  const faults = events.flatMap((event, at) => (event.kind === 'fault' ? [{ fault: event.fault, at, atMs: event.atMs }] : []));
  return faults.flatMap(({ fault, at, atMs }) => {
    const span = (nodes: readonly string[], to: number | undefined): Span[] => [{ nodes, from: at, ...(to !== undefined && { to }) }];
    const undoneAt = (undoes: (later: Fault) => boolean) => faults.find((later) => later.at > at && undoes(later.fault))?.at;
    const heals = (one: string, other: string) => (later: Fault) => later.kind === 'heal' && isSame([later.one, later.other], [one, other]);
    switch (fault.kind) {
      case 'partition':
        return span([fault.one, fault.other], undoneAt(heals(fault.one, fault.other)));
      case 'hold': {
        const releases = (later: Fault) => later.kind === 'release' && later.from === fault.from && later.to === fault.to;
        return span(
          [fault.from, fault.to],
          undoneAt((later) => releases(later) || heals(fault.from, fault.to)(later)),
        );
      }
      case 'pause': {
        const end = events.findIndex((event, index) => index > at && event.atMs >= atMs + fault.forMs);
        return span([fault.node], end === -1 ? undefined : end);
      }
      default:
        return [];
    }
  });
}

const isSame = ([a, b]: readonly string[], [c, d]: readonly string[]) => (a === c && b === d) || (a === d && b === c);
