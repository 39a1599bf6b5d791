import { expect, test } from 'vitest';
import { SimulatedClock } from '../simulation/clock.ts';
import { HARD_FACTOR, Ingress, STALL_MS } from './ingress.ts';

function small(messages = 4, bytes = 1_000) {
  const clock = new SimulatedClock();
  const calls: string[] = [];
  const ingress = new Ingress({ clock, limits: { messages, bytes }, onFull: () => calls.push('full'), onRoom: () => calls.push('room') });
  const charge = (count: number, size = 1) => Array.from({ length: count }, () => ingress.charge(size));
  const release = (count: number, size = 1) => {
    for (let index = 0; index < count; index++) ingress.release(size);
  };
  return { clock, calls, ingress, charge, release };
}

test('at the limit reading stops, at half of it reading goes on', () => {
  const { calls, ingress, charge, release } = small();
  charge(3);
  expect([ingress.isFull, calls]).toEqual([false, []]);
  charge(1);
  expect([ingress.isFull, calls]).toEqual([true, ['full']]);
  charge(2);
  release(3);
  expect([ingress.messages, ingress.isFull]).toEqual([3, true]);
  release(1);
  expect([ingress.isFull, calls]).toEqual([false, ['full', 'room']]);
});

test('bytes fill it as messages do', () => {
  const { calls, ingress, charge, release } = small();
  charge(1, 1_000);
  expect(ingress.isFull).toBe(true);
  release(1, 1_000);
  expect(calls).toEqual(['full', 'room']);
});

test('above the hard bound nothing is taken, urgent or not, and nothing is counted', () => {
  const { ingress, charge } = small();
  expect(charge(4 * HARD_FACTOR).every(Boolean)).toBe(true);
  expect([ingress.admits(1, true), ingress.charge(1), ingress.messages]).toEqual([false, false, 4 * HARD_FACTOR]);
  expect(small().ingress.charge(1_000 * HARD_FACTOR + 1)).toBe(false);
});

test('a second without one release: it reads on and sheds what exceeds the limit, the urgent excepted', () => {
  const { clock, calls, ingress, charge } = small();
  charge(4);
  clock.advance(STALL_MS - 1);
  expect([ingress.isShedding, ingress.admits(1, false)]).toEqual([false, true]);
  clock.advance(1);
  expect([ingress.isShedding, ingress.isFull, calls]).toEqual([true, false, ['full', 'room']]);
  expect([ingress.admits(1, false), ingress.admits(1, true)]).toEqual([false, true]);
});

test('below the limit again it sheds no more, and the next time it is full it waits again', () => {
  const { clock, calls, ingress, charge, release } = small();
  charge(4);
  clock.advance(STALL_MS);
  release(1);
  expect([ingress.isShedding, ingress.admits(1, false), calls.length]).toEqual([false, true, 2]);
  charge(1);
  expect([ingress.isFull, calls]).toEqual([true, ['full', 'room', 'full']]);
});

test('one release a second is progress: it goes on waiting', () => {
  const { clock, ingress, charge, release } = small(10);
  charge(10);
  for (let second = 0; second < 4; second++) {
    clock.advance(STALL_MS - 1);
    release(1);
    clock.advance(1);
  }
  expect(ingress.isFull).toBe(true);
  clock.advance(STALL_MS);
  expect(ingress.isShedding).toBe(true);
});

test('whoever waits for room gets it by release, by a stall, or by the end', async () => {
  const released = small();
  released.charge(4);
  const byRelease = released.ingress.room();
  released.release(2);
  const stalled = small();
  stalled.charge(4);
  const byStall = stalled.ingress.room();
  stalled.clock.advance(STALL_MS);
  const closed = small();
  closed.charge(4);
  const byEnd = closed.ingress.room();
  closed.ingress.close();
  await expect(Promise.all([byRelease, byStall, byEnd])).resolves.toHaveLength(3);
  expect([released.ingress.room(), stalled.ingress.room(), closed.ingress.room()]).toEqual([undefined, undefined, undefined]);
});

test('closed, it counts on and calls nobody, and no timer is left', () => {
  const { clock, calls, ingress, charge, release } = small();
  charge(3);
  ingress.close();
  charge(4);
  release(7);
  expect([ingress.messages, ingress.bytes, calls, clock.pendingCount]).toEqual([0, 0, [], 0]);
});

test('held, it reads only when it is neither full nor held any more', () => {
  const { calls, ingress, charge, release } = small();
  const letGo = ingress.hold();
  expect([ingress.isPaused, ingress.isFull, calls]).toEqual([true, false, ['full']]);
  charge(4);
  letGo();
  expect([ingress.isPaused, calls]).toEqual([true, ['full']]);
  const again = ingress.hold();
  release(4);
  expect([ingress.isPaused, calls]).toEqual([true, ['full']]);
  again();
  expect([ingress.isPaused, calls]).toEqual([false, ['full', 'room']]);
});

test('one that does not shed waits as long as it takes', () => {
  const clock = new SimulatedClock();
  let room = 0;
  const ingress = new Ingress({ clock, limits: { messages: 2, bytes: 100 }, sheds: false, onRoom: () => (room += 1) });
  ingress.charge(100);
  clock.advance(60_000);
  expect([ingress.isFull, room]).toEqual([true, 0]);
  ingress.release(100);
  expect([ingress.isFull, room]).toEqual([false, 1]);
});

test('losses are told to whoever asked, until they ask no more', () => {
  const { ingress } = small();
  const heard: string[] = [];
  const forget = ingress.onLoss((reason) => heard.push(reason));
  ingress.lost('overflow');
  forget();
  ingress.lost('frame-limit');
  expect(heard).toEqual(['overflow']);
});
