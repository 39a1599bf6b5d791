import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Trace, TraceEvent } from '../trace.ts';
import { plausibleTrace, traces } from '../traces.fixture.ts';
import { toMermaid } from './mermaid.ts';

const bytes = { kind: 'bytes', stream: 1, from: 'bank', to: 'relay', piece: 1, count: 64 } as const;
const traceOf = (...events: TraceEvent[]): Trace => ({ version: 1, scenario: 'demo', seed: 7, nodes: ['bank', 'relay'], events });
const linesOf = (text: string) => text.trimEnd().split('\n');

test('nodes are participants, pieces and messages are arrows, faults and lives are notes', () => {
  const message = {
    ...({ kind: 'message', node: 'relay', life: 1, message: 4, source: '0#app', destination: '0#hop', onward: '0#hop => 0#echo' } as const),
    ...{ returnRoute: '0#app', payloadBytes: 12, hops: 1, isFromAfar: false },
  };
  const trace = traceOf(
    { kind: 'node', atMs: 0, node: 'bank', what: 'started', life: 1 },
    { kind: 'fault', atMs: 5, fault: { kind: 'partition', atMs: 5, one: 'bank', other: 'relay' } },
    { ...bytes, atMs: 10, what: 'sent' },
    { ...bytes, atMs: 25, what: 'arrived' },
    { ...message, atMs: 25, what: 'sent' },
    { ...message, atMs: 26, what: 'dead', reason: 'overflow' },
    { ...bytes, atMs: 30, what: 'sent', piece: 2 },
    { kind: 'seal', atMs: 30, node: 'bank', keyHash: 'ab', nonce: '00' },
  );
  expect(linesOf(toMermaid(trace))).toEqual([
    'sequenceDiagram',
    '  participant n0 as bank',
    '  participant n1 as relay',
    '  Note over n0,n1: demo, seed 7. 1 event is left out#58; 1 seal',
    '  Note over n0: 0.000 s started, life 1',
    '  Note over n0,n1: ⚡ 0.005 s partition bank, relay',
    '  n0->>n1: 0.025 s piece 1, 64 B',
    '  n1->>n1: 0.025 s #35;4 0#35;app to 0#35;hop =#62; 0#35;echo, 12 B',
    '  n1-xn1: 0.026 s #35;4 dead#58; overflow, for 0#35;hop',
    '  n0-xn1: 0.030 s piece 2 sent, 64 B, and never arrives',
  ]);
});

test('the broken step is marked, and its kind is drawn even when it is not asked for', () => {
  const trace = traceOf({ kind: 'note', atMs: 0, text: 'begin' }, { kind: 'seal', atMs: 1, node: 'bank', keyHash: 'ab', nonce: '00' });
  const text = toMermaid(trace, { violation: { invariant: 'no nonce twice', text: 'it is; so', at: 1 } });
  expect(text).toContain('Note over n0: ✗ no nonce twice#58; it is#59; so');
  expect(text).toMatch(/rect rgba\([^)]*\)\n {4}Note over n0: 0\.001 s seals.*\n {4}Note over n0: ✗ here#58; no nonce twice\n {2}end/);
});

test('what it leaves out it says, in all and in place', () => {
  const trace = plausibleTrace({ nodes: ['a', 'b', 'c'], messages: 500 });
  const text = toMermaid(trace, { eventsMax: 100 });
  const told = [...text.matchAll(/… (\d+) left out/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  expect(told).toBe(trace.events.length - 100);
  expect(text).toContain(`${told} events are left out#58;`);
  expect(linesOf(text).length).toBeLessThan(220);
});

test('a trace without events or nodes is still a diagram', () => {
  expect(toMermaid({ ...traceOf(), nodes: [] })).toBe('sequenceDiagram\n  participant n0 as nobody\n  Note over n0: demo, seed 7\n');
});

describe('what the trace holds never becomes a part of the diagram', () => {
  const grammar =
    /^(sequenceDiagram| {2}participant n\d+ as TEXT| {2,4}Note over n\d+(,n\d+)?: TEXT| {2,4}n\d+-?->?>?x?n\d+: TEXT| {2}rect rgba\(220, 38, 38, 0\.25\)| {2}end)$/;
  const text = String.raw`(?:[\p{L}\p{N} .,()_=…→✗⚡-]|#\d+;)+`;
  const line = new RegExp(grammar.source.replaceAll('TEXT', text), 'u');

  test('any trace', () => {
    fc.assert(
      fc.property(traces(), fc.nat(11), (trace, at) => {
        const drawn = toMermaid(trace, { violation: { invariant: 'i\nend', text: 't;%%', at } });
        for (const each of linesOf(drawn)) expect(each).toMatch(line);
      }),
    );
  });

  test('hostile names', () => {
    const evil = 'x\nparticipant y; loop %%{init: {}}%% <img src=x> #35; end';
    const drawn = toMermaid({ ...traceOf({ kind: 'note', atMs: 0, text: evil, node: evil }), nodes: [evil] });
    expect(drawn).toContain('participant n0 as x participant y#59; loop #37;#37;#123;init#58;');
    for (const each of linesOf(drawn)) expect(each).toMatch(line);
  });
});
