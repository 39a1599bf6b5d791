import fc from 'fast-check';
import type { LogLevel } from '../runtime/logger.ts';
import type { Fault } from './faults.ts';
import type { RunSettings, Trace, TraceEvent } from './trace.ts';

const TAMPERINGS = ['drop', 'duplicate', 'reorder', 'delay', 'corrupt', 'truncate', 'splice', 'replay'] as const;

/** Any trace that has the right form, hostile texts included; what it tells need not make sense. */
export function traces(): fc.Arbitrary<Trace> {
  const text = fc.string({ unit: 'binary', maxLength: 12 });
  const count = fc.nat();
  const atMs = fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e9, noNaN: true, noDefaultInfinity: true }).map(Math.abs));
  const bytes = fc.uint8Array({ maxLength: 20 });
  const event = (kind: TraceEvent['kind'], rest: object, optional: object = {}) => {
    const required = Object.keys({ kind, atMs, ...rest });
    const model = { kind: fc.constant(kind), atMs, ...rest, ...optional };
    return fc.record(model, { requiredKeys: required as never, noNullPrototype: true }) as unknown as fc.Arbitrary<TraceEvent>;
  };
  const events = fc.oneof(
    event(
      'node',
      { node: text, what: fc.constantFrom('started', 'stopped', 'crashed'), life: count },
      {
        left: fc.record({ timers: count, streams: count, listeners: count }, { noNullPrototype: true }),
      },
    ),
    event(
      'message',
      {
        ...{ node: text, life: count, what: fc.constantFrom('sent', 'handled', 'dead'), message: count, source: text, destination: text },
        ...{ onward: text, returnRoute: text, payloadBytes: count, hops: count, isFromAfar: fc.boolean() },
      },
      { reason: fc.constantFrom('overflow', 'hop-limit'), payload: bytes },
    ),
    event('stream', { stream: count, from: text, to: text, port: count, what: fc.constantFrom('opened', 'refused', 'ended', 'reset') }),
    event('bytes', { stream: count, from: text, to: text, what: fc.constantFrom('sent', 'arrived'), piece: count, count }, { bytes }),
    event('log', {
      ...{ node: text, level: fc.constantFrom('debug', 'info', 'warn', 'error'), event: text },
      fields: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(text, count, fc.boolean()), { maxKeys: 3, noNullPrototype: true }),
    }),
    event('seal', { node: text, keyHash: text, nonce: text }),
    event('fault', { fault: faults(text) }),
    event('note', { text }, { node: text }),
  );
  return fc.record(
    {
      ...{ version: fc.constant(1 as const), scenario: text, seed: count, nodes: fc.array(text, { maxLength: 4 }) },
      ...{ events: fc.array(events, { maxLength: 12 }), leftOut: fc.constant({ bytes: 3 }) },
      settings: settings(text),
    },
    { requiredKeys: ['version', 'scenario', 'seed', 'nodes', 'events'], noNullPrototype: true },
  );
}

function settings(text: fc.Arbitrary<string>): fc.Arbitrary<RunSettings> {
  return fc.record(
    {
      ...{ faults: fc.array(faults(text), { maxLength: 3 }), keepBytes: fc.boolean(), eventsMax: fc.nat(), stepsMax: fc.nat() },
      ...{ eventsAtOnceMax: fc.nat(), logLevel: fc.constantFrom<LogLevel>('debug', 'info', 'warn', 'error') },
    },
    { requiredKeys: ['faults'], noNullPrototype: true },
  );
}

function faults(text: fc.Arbitrary<string>): fc.Arbitrary<Fault> {
  const atMs = fc.nat();
  const record = (model: object) => fc.record(model, { noNullPrototype: true }) as unknown as fc.Arbitrary<Fault>;
  return fc.oneof(
    record({ kind: fc.constantFrom('partition', 'heal', 'reset'), atMs, one: text, other: text }),
    record({ kind: fc.constantFrom('hold', 'release'), atMs, from: text, to: text }),
    record({ kind: fc.constantFrom(...TAMPERINGS), atMs, from: text, to: text, pieces: fc.nat() }),
    record({ kind: fc.constant('pause'), atMs, node: text, forMs: fc.nat() }),
    record({ kind: fc.constant('crash'), atMs, node: text, losesStorage: fc.boolean() }),
    record({ kind: fc.constant('restart'), atMs, node: text }),
    record({ kind: fc.constant('skewClock'), atMs, node: text, seconds: fc.integer() }),
  );
}

export interface PlausibleOptions {
  readonly nodes: readonly string[];
  /** How many messages pass from the first node to the last, through all others. */
  readonly messages: number;
  /** What stands in log lines. */
  readonly logText?: string;
}

/** A trace as a run would leave it: messages along a line of nodes, with a crash, a partition and a lost piece on the way. */
export function plausibleTrace({ nodes, messages, logText = 'hello' }: PlausibleOptions): Trace {
  const events: TraceEvent[] = [];
  const pending: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  let nowMs = 0;
  const at = (atMs: number, run: () => void) => void pending.push({ atMs, order: pending.length, run });
  const happened = (event: TraceEvent) => void events.push(event);
  const [middle = '', last = ''] = [nodes[nodes.length >> 1], nodes.at(-1)];
  let [message, piece] = [0, 0];
  const lives = new Map(nodes.map((node) => [node, 1]));
  let [isPartitioned, isCrashed] = [false, false];

  const hop = (index: number, request: number): void => {
    const [node = '', next] = [nodes[index], nodes[index + 1]];
    const isLost = next === last && isPartitioned;
    const route = nodes.slice(index + 1).map((_, hops) => `1#tcp-${index + hops}`);
    const number = ++message;
    const said = {
      ...({
        kind: 'message',
        node,
        life: lives.get(node) ?? 1,
        message: number,
        source: index === 0 ? '0#app' : `1#tcp-${index - 1}`,
      } as const),
      ...{ destination: route[0] ?? '0#echo', onward: [...route, '0#echo'].join(' => '), returnRoute: `0#app-${request}` },
      ...{ payloadBytes: 12 + request, hops: index, isFromAfar: index > 0 },
    };
    happened({ ...said, atMs: nowMs, what: 'sent' });
    if (next === undefined) {
      at(nowMs + 1, () =>
        happened({
          ...said,
          atMs: nowMs,
          what: request % 40 === 39 ? 'dead' : 'handled',
          ...(request % 40 === 39 && { reason: 'overflow' as const }),
        }),
      );
      return;
    }
    happened({ ...said, atMs: nowMs, what: 'handled' });
    const bytes = { kind: 'bytes', stream: index + 1, from: node, to: next, piece: ++piece, count: 64 + request } as const;
    happened({ ...bytes, atMs: nowMs, what: 'sent' });
    if (isLost) return;
    at(nowMs + 15 + (request % 3) * 10, () => {
      if (next === middle && isCrashed) return;
      happened({ ...bytes, atMs: nowMs, what: 'arrived' });
      hop(index + 1, request);
    });
  };

  for (const node of nodes) happened({ kind: 'node', atMs: 0, node, what: 'started', life: 1 });
  nodes.slice(1).forEach((to, index) => {
    const from = nodes[index] ?? '';
    at(2, () => happened({ kind: 'stream', atMs: nowMs, stream: index + 1, from, to, port: 4_000, what: 'opened' }));
  });
  const everyMs = 30;
  const hops = Math.max(1, nodes.length);
  const requests = Math.ceil(messages / hops);
  for (let request = 0; request < requests; request++) at(10 + request * everyMs, () => hop(0, request));
  const endMs = 200 + requests * everyMs;
  const log = (level: LogLevel, node: string) =>
    happened({ kind: 'log', atMs: nowMs, node, level, event: 'session.lost', fields: { reason: logText } });
  const fault = (planned: Fault) => at(planned.atMs, () => happened({ kind: 'fault', atMs: nowMs, fault: planned }));
  const [early, late] = [Math.round(endMs * 0.3), Math.round(endMs * 0.45)];
  const before = nodes.at(-2) ?? '';
  fault({ kind: 'partition', atMs: early, one: before, other: last });
  at(early, () => (isPartitioned = true));
  at(early + 40, () => log('warn', before));
  fault({ kind: 'heal', atMs: late, one: before, other: last });
  at(late, () => (isPartitioned = false));
  fault({ kind: 'pause', atMs: late + 40, node: nodes[0] ?? '', forMs: 60 });
  const crashMs = Math.round(endMs * 0.6);
  fault({ kind: 'crash', atMs: crashMs, node: middle });
  at(crashMs, () => (isCrashed = true));
  at(crashMs, () =>
    happened({ kind: 'node', atMs: nowMs, node: middle, what: 'crashed', life: 1, left: { timers: 0, streams: 0, listeners: 0 } }),
  );
  fault({ kind: 'restart', atMs: crashMs + 50, node: middle });
  at(crashMs + 50, () => {
    lives.set(middle, 2);
    isCrashed = false;
    happened({ kind: 'node', atMs: nowMs, node: middle, what: 'started', life: 2 });
  });
  at(endMs, () => happened({ kind: 'note', atMs: nowMs, text: `all ${requests} requests were made` }));
  at(endMs + 1, () => nodes.forEach((node) => happened({ kind: 'node', atMs: nowMs, node, what: 'stopped', life: lives.get(node) ?? 1 })));

  while (pending.length > 0) {
    pending.sort((one, other) => one.atMs - other.atMs || one.order - other.order);
    const next = pending.shift();
    nowMs = next?.atMs ?? nowMs;
    next?.run();
  }
  return { version: 1, scenario: 'a line of nodes', seed: 7, nodes, events };
}
