import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { address } from './address.ts';
import { FlowControls } from './flow-control.ts';
import { Message } from './message.ts';
import { route } from './route.ts';

const listener = address('listener');
const [F1, F2, F3] = [{ id: 'F1', spawnerId: 'L' }, { id: 'F2', spawnerId: 'L' }, { id: 'F3' }];
const producers = { R1: F1, R2: F2, R3: F3 };
const senders = { R1: 'S1', R2: 'S2', R3: 'S3' };
type Producer = keyof typeof producers;

let flows: FlowControls;

beforeEach(() => {
  flows = new FlowControls();
  flows.addSpawner(listener, 'L');
  for (const name of ['R1', 'R2', 'R3'] as const) flows.addProducer(address(name), producers[name], [address(senders[name])]);
});

const passes = (from: Producer, ...onward: string[]) =>
  flows.controlOf(producers[from]).allows(new Message(route(...onward), route('S'), new Uint8Array(0)));

// Source: routing.md 2.5
describe('two accepted connections and an outgoing one', () => {
  test.each<{ consumers: [string, string][]; from: Producer; onward: string[]; result: boolean }>([
    { consumers: [], from: 'R1', onward: ['echo'], result: false },
    { consumers: [['echo', 'L']], from: 'R1', onward: ['echo'], result: true },
    { consumers: [['echo', 'L']], from: 'R2', onward: ['echo'], result: true },
    { consumers: [['echo', 'L']], from: 'R3', onward: ['echo'], result: false },
    { consumers: [['x', 'F1']], from: 'R1', onward: ['x'], result: true },
    { consumers: [['x', 'F1']], from: 'R2', onward: ['x'], result: false },
    { consumers: [['echo', 'L']], from: 'R1', onward: ['echo', 'secret'], result: true },
    { consumers: [['echo', 'L']], from: 'R1', onward: ['secret', 'echo'], result: false },
    { consumers: [], from: 'R1', onward: ['S2'], result: false },
    { consumers: [['S2', 'F1']], from: 'R1', onward: ['S2'], result: true },
    { consumers: [['S2', 'F1']], from: 'R2', onward: ['S2'], result: false },
  ])('$consumers: $from to $onward is $result', ({ consumers, from, onward, result }) => {
    for (const [consumer, flow] of consumers) flows.addConsumer(address(consumer), flow);
    expect(passes(from, ...onward)).toBe(result);
  });
});

test('a producer is found by its own address, the flow of answers by its sender too', () => {
  expect(flows.ofProducer(address('R1'))).toBe(F1);
  expect(flows.ofProducer(address('S1'))).toBeUndefined();
  expect([flows.ofAnswersThrough(address('S1')), flows.ofAnswersThrough(address('R1'))]).toEqual([F1, F1]);
  expect(flows.ofAnswersThrough(address('echo'))).toBeUndefined();
});

test('a consumer can wait for its producer, and adding it twice is adding it once', () => {
  for (let time = 0; time < 2; time++) flows.addConsumer(address('early'), 'later');
  flows.addProducer(address('R4'), { id: 'later' });
  expect(flows.mayDeliver({ id: 'later' }, address('early'))).toBe(true);
  expect(flows.consumedBy(address('early'))).toEqual(['later']);
  flows.remove(address('early'));
  expect(flows.mayDeliver({ id: 'later' }, address('early'))).toBe(false);
});

test('a producer that is added anew keeps the consumers of a flow that goes on', () => {
  flows.addConsumer(address('x'), 'F3');
  flows.addProducer(address('R3'), F3, [address('S4')]);
  expect(passes('R3', 'x')).toBe(true);
  expect([flows.ofAnswersThrough(address('S3')), flows.ofAnswersThrough(address('S4'))]).toEqual([undefined, F3]);
  flows.addConsumer(address('y'), 'L');
  flows.addSpawner(listener, 'L');
  expect(passes('R1', 'y')).toBe(true);
});

// Source: routing.md 2.4
test('the consumers of a flow go with the last that names it', () => {
  flows.addConsumer(address('echo'), 'L');
  flows.addConsumer(address('x'), 'F1');
  flows.remove(address('R1'));
  expect(flows.consumedBy(address('x'))).toEqual([]);
  flows.remove(listener);
  expect(passes('R2', 'echo')).toBe(true);
  flows.remove(address('R2'));
  expect(flows.consumedBy(address('echo'))).toEqual([]);
});

test('a flow that something stands for outlives its producers', () => {
  flows.addSpawner(address('session'), 'F3');
  flows.addConsumer(address('x'), 'F3');
  flows.remove(address('R3'));
  flows.addProducer(address('R5'), F3);
  expect(passes('R3', 'x')).toBe(true);
});

test('after every address was removed nothing is left, in whatever order', () => {
  const names = ['a', 'b', 'c', 'd'];
  const flow = fc.constantFrom('F', 'G', 'H');
  const name = fc.constantFrom(...names);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('consumer' as const), name, flow }),
    fc.record({ kind: fc.constant('spawner' as const), name, flow }),
    fc.record({ kind: fc.constant('producer' as const), name, flow, spawner: fc.option(flow, { nil: undefined }), other: name }),
    fc.record({ kind: fc.constant('remove' as const), name }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.shuffledSubarray(names, { minLength: names.length }), (steps, order) => {
      const all = new FlowControls();
      for (const each of steps) {
        const at = address(each.name);
        if (each.kind === 'consumer') all.addConsumer(at, each.flow);
        else if (each.kind === 'spawner') all.addSpawner(at, each.flow);
        else if (each.kind === 'producer') all.addProducer(at, { id: each.flow, spawnerId: each.spawner }, [address(each.other)]);
        else all.remove(at);
      }
      for (const each of order) all.remove(address(each));
      expect(all.isEmpty).toBe(true);
    }),
  );
});
