import fc from 'fast-check';
import type { LogEvent, MessageEvent, NodeEvent, SealEvent, Trace, TraceEvent } from '../simulation/trace.ts';

/** Traces for the tests of invariants: by hand, and by a rule that holds all of them. */
export const traceOf = (events: readonly TraceEvent[], more: Partial<Trace> = {}): Trace => ({
  version: 1,
  scenario: 'by hand',
  seed: 1,
  nodes: ['bank', 'relay'],
  events,
  ...more,
});

type Fields<Event> = Partial<Omit<Event, 'kind'>>;

const message = (what: MessageEvent['what'], number: number, fields: Fields<MessageEvent>): MessageEvent => ({
  kind: 'message',
  atMs: 0,
  node: 'bank',
  life: 1,
  what,
  message: number,
  source: '0#app',
  destination: '0#echo',
  onward: '0#echo',
  returnRoute: '0#app',
  payloadBytes: 1,
  hops: 0,
  isFromAfar: false,
  ...fields,
});
export const sent = (number: number, fields: Fields<MessageEvent> = {}) => message('sent', number, fields);
export const handled = (number: number, fields: Fields<MessageEvent> = {}) => message('handled', number, fields);
export const dead = (number: number, fields: Fields<MessageEvent> = {}) => message('dead', number, { reason: 'stopped', ...fields });

export const nodeEvent = (what: NodeEvent['what'], fields: Fields<NodeEvent> = {}): NodeEvent => ({
  kind: 'node',
  atMs: 0,
  node: 'bank',
  what,
  life: 1,
  ...(what === 'stopped' && { left: { timers: 0, streams: 0, listeners: 0 } }),
  ...fields,
});

export const logged = (event: string, fields: LogEvent['fields'], { atMs = 0, node = 'relay' } = {}): LogEvent => ({
  kind: 'log',
  atMs,
  node,
  level: 'info',
  event,
  fields,
});

export const sealed = (keyHash: string, nonce: number, fields: Fields<SealEvent> = {}): SealEvent => ({
  kind: 'seal',
  atMs: 0,
  node: 'bank',
  keyHash,
  nonce: nonce.toString(16).padStart(24, '0'),
  ...fields,
});

/** How many messages an address of a generated history holds at most. */
export const QUEUE_COUNT_MAX = 4;

const NODES = ['bank', 'relay'] as const;
const WORKERS = ['0#app', '0#echo', '0#hop'] as const;

interface Step {
  readonly act: 'send' | 'take' | 'kill' | 'crash' | 'seal';
  readonly node: (typeof NODES)[number];
  readonly source: (typeof WORKERS)[number];
  readonly destination: (typeof WORKERS)[number];
  readonly afterMs: number;
}

/** Two messages of one pair that are handled and two seals under one key, so that in every history there is something to break. */
const BEGINNING: readonly Step[] = (['send', 'send', 'take', 'take', 'seal', 'seal'] as const).map((act) => ({
  act,
  node: 'bank',
  source: '0#app',
  destination: '0#echo',
  afterMs: 0,
}));

/**
 * Histories of two nodes with bounded first-in-first-out queues, of dead letters, seals under counters, crashes, a note `back`
 * and an orderly end. They hold by construction. Shrinks towards two messages that are handled.
 */
export function histories(): fc.Arbitrary<Trace> {
  const step = fc.record({
    act: fc.constantFrom<Step['act'][]>('send', 'send', 'send', 'take', 'take', 'kill', 'seal', 'crash'),
    node: fc.constantFrom(...NODES),
    source: fc.constantFrom(...WORKERS),
    destination: fc.constantFrom(...WORKERS),
    afterMs: fc.nat({ max: 50 }),
  });
  return fc.array(step, { maxLength: 60 }).map((steps) => traceOf(play([...BEGINNING, ...steps])));
}

function play(steps: readonly Step[]): readonly TraceEvent[] {
  const events: TraceEvent[] = NODES.map((node) => nodeEvent('started', { node }));
  const lives = new Map<string, number>(NODES.map((node) => [node, 1]));
  const queues = new Map<string, MessageEvent[]>();
  let [atMs, count, seals] = [0, 0, 0];
  for (const { act, node, source, destination, afterMs } of steps) {
    atMs += afterMs;
    const life = lives.get(node) ?? 1;
    const place = `${node} ${life} ${destination}`;
    const queue = queues.get(place) ?? [];
    queues.set(place, queue);
    switch (act) {
      case 'send': {
        const posted = sent(++count, { atMs, node, life, source, destination });
        if (queue.length >= QUEUE_COUNT_MAX) {
          events.push({ ...posted, what: 'dead', reason: 'overflow' });
          break;
        }
        queue.push(posted);
        events.push(posted);
        break;
      }
      case 'take':
      case 'kill': {
        const first = queue.shift();
        if (first !== undefined)
          events.push({ ...first, atMs, ...(act === 'take' ? { what: 'handled' } : { what: 'dead', reason: 'failed' }) });
        break;
      }
      case 'seal':
        events.push(sealed(`key of ${node}`, ++seals, { atMs, node }));
        break;
      case 'crash':
        lives.set(node, life + 1);
        events.push(nodeEvent('crashed', { atMs, node, life }), nodeEvent('started', { atMs, node, life: life + 1 }));
        break;
    }
  }
  events.push({ kind: 'note', atMs, text: 'back' });
  for (const node of NODES) events.push(nodeEvent('stopped', { atMs, node, life: lives.get(node) ?? 1 }));
  return events;
}
