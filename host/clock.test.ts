import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';

describe('the clock of this machine', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('a timer calls back once, not before its delay', () => {
    const fired = vi.fn();
    systemClock.setTimer(250, fired);
    vi.advanceTimersByTime(249);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_000);
    expect(fired).toHaveBeenCalledTimes(1);
  });

  test('a delay longer than the host can count is not cut short', () => {
    const fired = vi.fn();
    systemClock.setTimer(2 ** 31 + 5_000, fired);
    vi.advanceTimersByTime(2 ** 31 + 4_999);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledTimes(1);
  });

  test('a cancelled timer never fires, re-armed or not', () => {
    const fired = vi.fn();
    const short = systemClock.setTimer(10, fired);
    const long = systemClock.setTimer(2 ** 31 + 10, fired);
    short.cancel();
    vi.advanceTimersByTime(2 ** 31);
    long.cancel();
    long.cancel();
    vi.advanceTimersByTime(100);
    expect(fired).not.toHaveBeenCalled();
  });

  test('wall time is whole seconds', () => {
    vi.setSystemTime(1_700_000_000_999);
    expect(systemClock.wallSeconds()).toBe(1_700_000_000);
  });
});

test('a yield comes after the callbacks that are already due', async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.yield(() => resolve(void order.push('yield')));
    queueMicrotask(() => order.push('microtask'));
    order.push('now');
  });
  expect(order).toEqual(['now', 'microtask', 'yield']);
});
