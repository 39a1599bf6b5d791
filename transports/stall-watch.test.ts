import { expect, test } from 'vitest';
import { SimulatedClock } from '../simulation/clock.ts';
import type { ConnectionWorker } from './connection.ts';
import { STALLED_MS, StallWatch } from './stall-watch.ts';

function watched(hasProgress = true) {
  const clock = new SimulatedClock();
  const state = { progress: hasProgress ? 1_000 : undefined, cause: undefined as Error | undefined };
  const worker = { context: clock, lose: (cause: Error) => (state.cause = cause) };
  const watch = new StallWatch(worker as unknown as ConnectionWorker, () => state.progress);
  return { clock, state, watch };
}

test.each([true, false])('bytes that do not move for 30 s end the connection (progress known: %s)', (hasProgress) => {
  const { clock, state, watch } = watched(hasProgress);
  watch.began();
  clock.advance(STALLED_MS - 1);
  expect(state.cause).toBeUndefined();
  clock.advance(1);
  expect(state.cause).toMatchObject({ code: 'PEER_STALLED' });
  expect(clock.pendingCount).toBe(0);
});

test('a byte in 25 s is enough', () => {
  const { clock, state, watch } = watched();
  watch.began();
  for (let round = 0; round < 20; round++) {
    clock.advance(25_000);
    state.progress = 999 - round;
  }
  expect(state.cause).toBeUndefined();
  clock.advance(STALLED_MS + 5_000);
  expect(state.cause).toBeDefined();
});

test('each wait has its own 30 s, and no time passes for one between waits', () => {
  const { clock, state, watch } = watched();
  watch.began();
  clock.advance(29_000);
  watch.ended();
  watch.began();
  clock.advance(STALLED_MS - 1);
  expect(state.cause).toBeUndefined();
  watch.ended();
  clock.advance(600_000);
  expect([state.cause, clock.pendingCount]).toEqual([undefined, 0]);
});
