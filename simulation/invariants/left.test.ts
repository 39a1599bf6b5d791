import { expect, test } from 'vitest';
import { nodeEvent, traceOf } from '../../property-tests/histories.ts';
import { nothingLeft } from './left.ts';

const broken = (...events: Parameters<typeof traceOf>[0]) => nothingLeft.check(traceOf(events))?.text;

test('a node that is stopped leaves nothing, and one that crashes may', () => {
  expect(broken(nodeEvent('started'), nodeEvent('stopped'))).toBeUndefined();
  expect(broken(nodeEvent('crashed', { left: { timers: 3, streams: 1, listeners: 0 } }))).toBeUndefined();
});

test('each thing that is left is named and counted', () => {
  expect(broken(nodeEvent('stopped', { left: { timers: 2, streams: 0, listeners: 1 } }))).toBe('bank left behind: 2 timers, 1 listeners.');
  expect(broken(nodeEvent('stopped', { left: { timers: 0, streams: 1, listeners: 0 } }))).toBe('bank left behind: 1 streams.');
});

test('a trace that does not say what was left is not taken for good', () => {
  const { left: _, ...silent } = nodeEvent('stopped');
  expect(broken(silent)).toContain('cannot be judged');
});
