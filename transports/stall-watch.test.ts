import { expect, test } from 'vitest';
import { allowEveryone } from '../runtime/access-control.ts';
import { route } from '../runtime/route.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { simulate } from '../simulation/simulate.ts';
import type { ConnectionWorker } from './connection.ts';
import { STALLED_MS, StallWatch } from './stall-watch.ts';
import { tcp } from './tcp.ts';

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

test('what creeps over a slow link moves, though no write is done with for 30 s', async () => {
  const COUNT = 400;
  await simulate({ seed: 1, replays: false }, async (world) => {
    const [one, other] = world.nodes('one', 'other');
    world.link(one, other, { bandwidthBytesPerSecond: 1_500 });
    const listener = await other.node.listen(tcp(), '0.0.0.0:4000');
    let arrived = 0;
    other.node.start('sink', { onMessage: () => void (arrived += 1) });
    other.node.publish('sink', { on: listener, allow: allowEveryone });
    const connection = await one.node.connect(tcp(), 'other:4000');
    for (let index = 0; index < COUNT; index++) void one.node.send(route(connection, 'sink'), new Uint8Array(1_024));
    await world.until(() => arrived === COUNT || one.node.connections.size === 0);
    expect(arrived).toBe(COUNT);
    expect(world.nowMs).toBeGreaterThan(6 * STALLED_MS);
  });
});
