import { expect, test } from 'vitest';
import { handled, nodeEvent, traceOf } from '../../property-tests/histories.ts';
import type { Fault } from '../faults.ts';
import type { TraceEvent } from '../trace.ts';
import { backAfterFaults } from './reconnection.ts';

const link = { one: 'bank', other: 'relay' };
const partition = (atMs: number): Fault => ({ kind: 'partition', atMs, ...link });
const heal = (atMs: number): Fault => ({ kind: 'heal', atMs, one: 'relay', other: 'bank' });
const hold = (atMs: number): Fault => ({ kind: 'hold', atMs, from: 'bank', to: 'relay' });
const back = (atMs: number): TraceEvent => ({ kind: 'note', atMs, text: 'back' });

/** Faults and other events, as they happened. */
function broken(...happened: (Fault | TraceEvent)[]) {
  const isEvent = (one: Fault | TraceEvent): one is TraceEvent => ['note', 'node', 'message'].includes(one.kind);
  const events = happened.map((one): TraceEvent => (isEvent(one) ? one : { kind: 'fault', atMs: one.atMs, fault: one }));
  return backAfterFaults({ withinMs: 100, sign: 'back' }).check(traceOf(events));
}

test('after the last heal it works again in time', () => {
  expect(broken(partition(0), heal(50), back(150), back(900))).toBeUndefined();
  expect(broken(partition(0), heal(50), partition(60), heal(500), back(510))).toBeUndefined();
  expect(broken(partition(0), back(10), heal(50), back(151))).toEqual({
    invariant: 'reconnection after heal',
    text: 'nothing was wrong from 50 ms on, and within 100 ms there was no sign that it works again.',
    at: 2,
  });
});

test('a sign between two faults is none', () => {
  expect(broken(partition(0), heal(50), back(60), partition(70), heal(80), back(300))).toMatchObject({ at: 4 });
  expect(broken(partition(0), back(50), heal(50))).toMatchObject({ at: 2 });
});

test('a run that ends too early has shown nothing, and says so', () => {
  expect(broken(partition(0), heal(50), { ...handled(1), atMs: 90 })?.text).toContain('The run ended at 90 ms: let it run longer.');
});

test('where something is wrong to the end, or nothing ever was, nothing is expected', () => {
  expect(broken(back(0))).toBeUndefined();
  expect(broken(heal(10))).toBeUndefined();
  expect(broken(partition(0), heal(50), partition(60))).toBeUndefined();
  expect(broken(partition(0), hold(0), { kind: 'release', atMs: 10, from: 'bank', to: 'relay' })).toBeUndefined();
  expect(broken({ kind: 'crash', atMs: 0, node: 'bank' }, nodeEvent('crashed'))).toBeUndefined();
  expect(broken({ kind: 'skewClock', atMs: 0, node: 'bank', seconds: 3_600 })).toBeUndefined();
});

test('each fault has its end: a heal undoes holds too, a pause lasts, a reset and an edit are over at once', () => {
  const ends: [Fault[], number][] = [
    [[hold(0), { kind: 'release', atMs: 20, from: 'bank', to: 'relay' }], 20],
    [[hold(0), heal(30)], 30],
    [[{ kind: 'pause', atMs: 10, node: 'bank', forMs: 30 }], 40],
    [[{ kind: 'reset', atMs: 15, ...link }], 15],
    [[{ kind: 'corrupt', atMs: 25, from: 'bank', to: 'relay', pieces: 1 }], 25],
    [[{ kind: 'pause', atMs: 0, node: 'bank', forMs: 500 }, partition(10), heal(20)], 500],
    [
      [
        { kind: 'crash', atMs: 0, node: 'bank' },
        { kind: 'restart', atMs: 35, node: 'bank' },
      ],
      35,
    ],
  ];
  for (const [faults, fromMs] of ends) {
    expect(broken(...faults, back(fromMs + 100))).toBeUndefined();
    expect(broken(...faults, back(fromMs + 101))?.text).toContain(`from ${fromMs} ms on`);
  }
  expect(broken({ kind: 'pause', atMs: 10, node: 'bank', forMs: 30 }, back(39))).toBeDefined();
});

test('a node that starts again without a fault is up again', () => {
  expect(broken(nodeEvent('crashed'), nodeEvent('started', { life: 2, atMs: 40 }), back(140))).toBeUndefined();
  expect(broken(nodeEvent('crashed'), nodeEvent('started', { life: 2, atMs: 40 }), back(141))).toMatchObject({ at: 1 });
});

test('the sign may be any event', () => {
  const answered = backAfterFaults({ withinMs: 100, sign: (event) => event.kind === 'message' && event.destination === '0#echo' });
  const faults = [partition(0), heal(50)].map((fault): TraceEvent => ({ kind: 'fault', atMs: fault.atMs, fault }));
  expect(answered.check(traceOf([...faults, handled(1, { atMs: 60 })]))).toBeUndefined();
  expect(answered.check(traceOf([...faults, handled(1, { atMs: 60, destination: '0#hop' }), back(400)]))).toMatchObject({ at: 1 });
});
