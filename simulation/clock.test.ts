import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimulatedClock } from './clock.ts';

describe('virtual time', () => {
  test('callbacks come in the order of their time, and of their making where the time is the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ delayMs: fc.integer({ min: -1, max: 20 }), isCancelled: fc.boolean() }), { maxLength: 60 }),
        (timers) => {
          const clock = new SimulatedClock();
          const fired: { index: number; atMs: number }[] = [];
          const made = timers.map(({ delayMs }, index) => clock.setTimer(delayMs, () => fired.push({ index, atMs: clock.monotonicMs() })));
          timers.forEach(({ isCancelled }, index) => isCancelled && made[index]!.cancel());
          const expected = timers
            .map(({ delayMs, isCancelled }, index) => ({ index, atMs: Math.max(0, delayMs), isCancelled }))
            .filter(({ isCancelled }) => !isCancelled)
            .sort((left, right) => left.atMs - right.atMs || left.index - right.index)
            .map(({ index, atMs }) => ({ index, atMs }));
          expect(clock.pendingCount).toBe(expected.length);
          clock.advance(20);
          expect(fired).toEqual(expected);
          expect([clock.pendingCount, clock.monotonicMs()]).toEqual([0, 20]);
        },
      ),
    );
  });

  test('advance stops at its time: not before what is due, not after', () => {
    const clock = new SimulatedClock();
    const fired: number[] = [];
    for (const at of [10, 11]) clock.setTimer(at, () => fired.push(at));
    clock.advance(10);
    expect(fired).toEqual([10]);
    clock.advance(1);
    expect(fired).toEqual([10, 11]);
  });

  test('a cancelled timer moves no time', async () => {
    const clock = new SimulatedClock();
    clock.setTimer(30_000, () => expect.unreachable('cancelled')).cancel();
    clock.setTimer(5, () => undefined);
    await clock.runUntilQuiet();
    expect(clock.monotonicMs()).toBe(5);
  });

  test('promises settle between two callbacks', async () => {
    const clock = new SimulatedClock();
    const order: string[] = [];
    const chain = async () => {
      for (let link = 0; link < 50; link++) await Promise.resolve();
      order.push('promise');
    };
    clock.setTimer(1, () => void chain());
    clock.setTimer(1, () => order.push('second'));
    await clock.run({ untilMs: 1 });
    expect(order).toEqual(['promise', 'second']);
  });

  test('a livelock is a failure that says where', async () => {
    const clock = new SimulatedClock();
    const again = () => clock.yield(again);
    clock.setTimer(7, again);
    const expected = expect.objectContaining({
      code: 'STEP_LIMIT',
      message: expect.stringContaining('at 7 ms 1 callbacks') as string,
    }) as Error;
    await expect(clock.runUntilQuiet({ stepsMax: 100 })).rejects.toEqual(expected);
    await expect(clock.run({ untilMs: 10, stepsMax: 100 })).rejects.toEqual(expected);
    expect(() => clock.advance(1, { stepsMax: 100 })).toThrow(expected);
  });

  test('runUntil gives the value or the failure, and says when neither can come', async () => {
    const clock = new SimulatedClock();
    const after = (ms: number) => new Promise<number>((resolve) => void clock.setTimer(ms, () => resolve(ms)));
    expect(await clock.runUntil(after(40))).toBe(40);
    expect(clock.monotonicMs()).toBe(40);
    await expect(clock.runUntil(after(1).then(() => Promise.reject(new Error('no'))))).rejects.toThrow('no');
    await expect(clock.runUntil(new Promise(() => undefined))).rejects.toMatchObject({ code: 'NEVER_SETTLED' });
  });
});

test('the wall clock follows virtual time, jumps alone, and is wrong where it is skewed', () => {
  const clock = new SimulatedClock({ epochSeconds: 1_000 });
  const late = clock.skewed(-60);
  clock.advance(2_999);
  expect([clock.wallSeconds(), late.wallSeconds()]).toEqual([1_002, 942]);
  clock.jumpWall(86_400);
  late.jumpWall(-2);
  expect([clock.wallSeconds(), late.wallSeconds(), clock.monotonicMs(), late.monotonicMs()]).toEqual([87_402, 87_340, 2_999, 2_999]);
});
