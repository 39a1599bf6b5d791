import type { Fault } from './faults.ts';
import type { LogEvent, MessageEvent, Trace, TraceEvent } from './trace.ts';

/** What a trace tells of one node. */
export interface NodeState {
  readonly isUp: boolean;
  /** 0 before its first start. */
  readonly life: number;
  /** It stands still until then. */
  readonly pausedUntilMs?: number;
  /** How far its wall clock is off. */
  readonly skewSeconds: number;
  /** Messages in its mailboxes, by their number: the address each waits at, or is handled at. */
  readonly waiting: ReadonlyMap<number, string>;
  /** Ends of open secure channels, by address: the peer's identifier. As the node logs them, at level `info`. */
  readonly channels: ReadonlyMap<string, string>;
  /** Relays, by address: the identifier of who registered it, empty without one. As the node logs them, at level `info`. */
  readonly relays: ReadonlyMap<string, string>;
}

/** An open stream. Bytes are those that set out and those that arrived. */
export interface StreamState {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly there: { readonly sent: number; readonly arrived: number };
  readonly back: { readonly sent: number; readonly arrived: number };
}

/** A world between two events, as far as its trace tells. Nothing of it changes later. */
export interface WorldState {
  /** Of the last event. */
  readonly atMs: number;
  /** How many events have happened. */
  readonly events: number;
  readonly nodes: ReadonlyMap<string, NodeState>;
  /** Those that are open, by number. One whose host crashed is open until the other end knows. */
  readonly streams: ReadonlyMap<number, StreamState>;
  /** What is between nodes now: `partition bank, relay`, `hold bank -> relay`. */
  readonly cuts: ReadonlySet<string>;
}

const DOWN: NodeState = { isUp: false, life: 0, skewSeconds: 0, waiting: new Map(), channels: new Map(), relays: new Map() };
const NO_BYTES = { sent: 0, arrived: 0 };

/** The world before anything has happened. */
export function stateBefore({ nodes }: Pick<Trace, 'nodes'>): WorldState {
  return { atMs: 0, events: 0, nodes: new Map(nodes.map((name) => [name, DOWN])), streams: new Map(), cuts: new Set() };
}

/**
 * The state after one more event. A pure function: the same events give the same states, be they of a run or out of a file, with bytes or
 * without. What does not change is shared with the state before.
 */
export function stateAfter(state: WorldState, event: TraceEvent): WorldState {
  return { ...state, ...changeOf(state, event), atMs: event.atMs, events: state.events + 1 };
}

/** The states of a run, one after each of its events. */
export function* states(trace: Trace): Generator<WorldState, undefined> {
  let state = stateBefore(trace);
  for (const event of trace.events) {
    state = stateAfter(state, event);
    yield state;
  }
}

type Change = Partial<Pick<WorldState, 'nodes' | 'streams' | 'cuts'>>;

function changeOf(state: WorldState, event: TraceEvent): Change {
  switch (event.kind) {
    case 'node':
      return withNode(state, event.node, (node) => ({
        ...DOWN,
        skewSeconds: node.skewSeconds,
        isUp: event.what === 'started',
        life: event.life,
      }));
    case 'message':
      return withNode(state, event.node, (node) => ({ ...node, waiting: waitingAfter(node, event) }));
    case 'log':
      return withNode(state, event.node, (node) => ({ ...node, ...logged(node, event) }));
    case 'stream': {
      const { stream, from, to, port, what } = event;
      return {
        streams:
          what === 'opened'
            ? withEntry(state.streams, stream, { from, to, port, there: NO_BYTES, back: NO_BYTES })
            : without(state.streams, stream),
      };
    }
    case 'bytes': {
      const { stream, from, what, count } = event;
      const known = state.streams.get(stream);
      if (known === undefined) return {}; // It came after the end.
      const way = from === known.from ? 'there' : 'back';
      return { streams: withEntry(state.streams, stream, { ...known, [way]: { ...known[way], [what]: known[way][what] + count } }) };
    }
    case 'fault':
      return faulted(state, event.fault);
    case 'seal':
    case 'note':
      return {};
  }
}

function waitingAfter({ waiting }: NodeState, { what, message, destination }: MessageEvent): NodeState['waiting'] {
  return what === 'sent' ? withEntry(waiting, message, destination) : without(waiting, message);
}

function logged({ channels, relays }: NodeState, { event, fields }: LogEvent): Partial<NodeState> {
  const [address, relay, peer] = [String(fields['address']), String(fields['relay']), String(fields['peer'] ?? '')];
  switch (event) {
    case 'channel.open':
      return { channels: withEntry(channels, address, peer) };
    case 'channel.ended':
      return { channels: without(channels, address) };
    case 'relay.registered':
      return { relays: withEntry(relays, relay, peer) };
    case 'relay.removed':
      return { relays: without(relays, relay) };
    default:
      return {};
  }
}

function faulted(state: WorldState, fault: Fault): Change {
  const { cuts } = state;
  switch (fault.kind) {
    case 'partition':
      return { cuts: new Set([...cuts, partitionOf(fault)]) };
    case 'hold':
      return { cuts: new Set([...cuts, holdOf(fault.from, fault.to)]) };
    case 'release':
      return { cuts: lifted(cuts, holdOf(fault.from, fault.to)) };
    case 'heal':
      return { cuts: lifted(cuts, partitionOf(fault), holdOf(fault.one, fault.other), holdOf(fault.other, fault.one)) };
    case 'pause': {
      const untilMs = fault.atMs + fault.forMs;
      return withNode(state, fault.node, (node) => ({ ...node, pausedUntilMs: Math.max(untilMs, node.pausedUntilMs ?? 0) }));
    }
    case 'skewClock':
      return withNode(state, fault.node, (node) => ({ ...node, skewSeconds: node.skewSeconds + fault.seconds }));
    default:
      return {};
  }
}

const partitionOf = ({ one, other }: { readonly one: string; readonly other: string }) => `partition ${[one, other].sort().join(', ')}`;
const holdOf = (from: string, to: string) => `hold ${from} -> ${to}`;
const lifted = (cuts: ReadonlySet<string>, ...gone: readonly string[]) => new Set([...cuts].filter((cut) => !gone.includes(cut)));

function withNode({ nodes }: WorldState, name: string, change: (node: NodeState) => NodeState): Change {
  return { nodes: withEntry(nodes, name, change(nodes.get(name) ?? DOWN)) };
}

function withEntry<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key, value: Value): ReadonlyMap<Key, Value> {
  return new Map(map).set(key, value);
}

function without<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): ReadonlyMap<Key, Value> {
  if (!map.has(key)) return map;
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
