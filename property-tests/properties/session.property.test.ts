import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { route } from '../../runtime/route.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedNetwork } from '../../simulation/network.ts';
import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { pauseMs } from '../../workers/session/back-off.ts';
import { connectionSession } from '../../workers/session/connection-session.ts';
import { maintain } from '../../workers/session/session.ts';

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a pause is at least half of 0.25 s doubled, at most all of it, and never above its cap', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000 }), fc.boolean(), fraction, (failures, isNeeded, chance) => {
      const pause = pauseMs(failures, isNeeded, chance);
      const whole = failures === 0 ? 0 : Math.min(isNeeded ? 2_000 : 30_000, 125 * 2 ** failures);
      expect(pause).toBeGreaterThanOrEqual(whole / 2);
      expect(pause).toBeLessThanOrEqual(whole);
    }),
  );
});

test('a session never waits less while it is idle, nor less after more failures by the same chance', () => {
  fc.assert(
    fc.property(fc.nat(40), fraction, (failures, chance) => {
      expect(pauseMs(failures, false, chance)).toBeGreaterThanOrEqual(pauseMs(failures, true, chance));
      expect(pauseMs(failures + 1, true, chance)).toBeGreaterThanOrEqual(pauseMs(failures, true, chance));
    }),
  );
});

type Step = 'fail' | 'succeed' | 'lose' | 'need' | 'enough' | number;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>('fail', 'succeed', 'lose', 'need', 'enough'),
  fc.integer({ min: 0, max: 3_000 }),
);

test('whatever happens: one attempt at a time, at most four a second, and nothing left after the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer(), async (steps, seed) => {
      const clock = new SimulatedClock();
      const network = new SimulatedNetwork({ clock }).host('here');
      const node = new Node({ clock, random: seededRandom(seed), network, logger: silentLogger });
      const begunMs: number[] = [];
      const open = new Set<object>();
      let made = 0;
      let act: Partial<Record<'fail' | 'succeed' | 'lose', () => void>> = {};
      const session = maintain(node, {
        name: 'it',
        make: ({ signal }) =>
          new Promise((resolve, reject) => {
            const attempt = {};
            open.add(attempt);
            expect(open.size).toBe(1);
            signal.addEventListener('abort', () => open.delete(attempt));
            begunMs.push(clock.monotonicMs());
            act = {
              fail: () => {
                open.delete(attempt);
                act = {};
                reject(new Error('refused'));
              },
              succeed: () => {
                open.delete(attempt);
                made++;
                const closed = new Promise<void>((lose) => (act = { lose }));
                resolve({
                  route: route('made'),
                  closed,
                  close: async () => {
                    made--;
                  },
                });
              },
            };
          }),
      });
      const enough: (() => void)[] = [];
      for (const each of steps) {
        if (typeof each === 'number') await clock.run({ untilMs: clock.monotonicMs() + each });
        else if (each === 'need') enough.push(session.need());
        else if (each === 'enough') enough.pop()?.();
        else act[each]?.();
        await clock.run({ untilMs: clock.monotonicMs() });
        expect(made).toBe(session.state === 'up' ? 1 : 0);
      }
      for (const [index, atMs] of begunMs.entries()) {
        const fourEarlier = begunMs[index - 4];
        if (fourEarlier !== undefined) expect(atMs - fourEarlier).toBeGreaterThanOrEqual(1_000);
      }
      await clock.runUntil(session.close());
      expect([made, open.size, clock.pendingCount, node.addresses.length, node.flows.isEmpty]).toEqual([0, 0, 0, 0, true]);
    }),
    { numRuns: 100 },
  );
});

test('200 clients are back within 15 s of a relay’s return, no second carrying more than 3 times the average', async () => {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock, latencyMs: 5 });
  const makeNode = (name: string, seed: number) =>
    new Node({ name, clock, random: seededRandom(seed), network: network.host(name), logger: silentLogger });
  let relay = makeNode('relay', 0);
  await relay.listen(tcp(), '0.0.0.0:4000');
  const sessions = Array.from({ length: 200 }, (_, index) =>
    connectionSession(makeNode(`client-${index}`, index + 1), tcp(), 'relay:4000', { isNeeded: true, ping: false }),
  );
  await clock.run({ untilMs: 5_000 });
  expect(sessions.every(({ state }) => state === 'up')).toBe(true);
  await clock.runUntil(relay.stop());
  await clock.run({ untilMs: 60_000 });
  expect(sessions.every(({ state }) => state !== 'up')).toBe(true);

  relay = makeNode('relay', 1_000);
  await relay.listen(tcp(), '0.0.0.0:4000');
  const backMs: number[] = [];
  for (const session of sessions) {
    session.onChange(() => {
      if (session.current !== undefined) backMs.push(clock.monotonicMs() - 60_000);
    });
  }
  await clock.run({ untilMs: 75_000 });
  expect(backMs).toHaveLength(200);
  const perSecond = Array<number>(15).fill(0);
  for (const atMs of backMs) perSecond[Math.floor(atMs / 1_000)]!++;
  const seconds = Math.ceil(Math.max(...backMs) / 1_000);
  expect(Math.max(...perSecond)).toBeLessThanOrEqual((3 * 200) / seconds);
  expect(Math.max(...backMs)).toBeLessThan(5_000);
  expect(new Set(backMs.map((atMs) => Math.floor(atMs / 100))).size).toBeGreaterThan(10);
});
