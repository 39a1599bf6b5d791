import { expect, test } from 'vitest';
import { plausibleTrace } from '../traces.fixture.ts';
import { leftOutText, select } from './selection.ts';

const trace = plausibleTrace({ nodes: ['a', 'b', 'c'], messages: 900 });
const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((all, count) => all + count, 0);

test('all of a short trace is shown', () => {
  const { shown, leftOut } = select(trace, trace.events.length, undefined);
  expect(shown).toEqual(trace.events.map((_, at) => at));
  expect(leftOutText(leftOut)).toBe('');
});

test('of a long one faults, lives and the neighbours of the broken step are, and the rest is counted', () => {
  const focus = trace.events.findIndex(({ kind, atMs }) => kind === 'bytes' && atMs > 4_000);
  const { shown, leftOut } = select(trace, 100, focus);
  expect(shown).toHaveLength(100);
  expect(sum(leftOut)).toBe(trace.events.length - 100);
  for (let at = focus - 20; at <= focus + 20; at++) expect(shown).toContain(at);
  trace.events.forEach((event, at) => {
    if (event.kind === 'fault' || event.kind === 'node') expect(shown).toContain(at);
  });
});

test('many faults leave half of the room to the traffic', () => {
  const fault = { kind: 'fault', atMs: 0, fault: { kind: 'restart', atMs: 0, node: 'a' } } as const;
  const events = [...Array.from({ length: 500 }, () => fault), ...trace.events];
  const { shown } = select({ ...trace, events }, 100, undefined);
  expect(shown.filter((at) => events[at]?.kind === 'message' || events[at]?.kind === 'bytes').length).toBeGreaterThanOrEqual(50);
});

test('what the trace itself left out is counted too', () => {
  const { leftOut } = select({ ...trace, leftOut: { bytes: 5 } }, trace.events.length, undefined);
  expect(leftOutText(leftOut)).toBe('5 events are left out: 5 bytes');
  expect(leftOutText({ seal: 1 })).toBe('1 event is left out: 1 seal');
});
