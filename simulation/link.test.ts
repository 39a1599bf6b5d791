import { describe, expect, test } from 'vitest';
import { connected, say, twoHosts } from '../property-tests/two-hosts.ts';
import type { LinkOptions } from './link.ts';
import { seededRandom } from './random.ts';

const timesOf = (events: readonly string[]) => events.map((event) => Number(event.split(' ').at(-1)));

/** Says `count` letters, one piece each, a millisecond apart. @returns how long each took */
async function letters(count: number, options: LinkOptions, seed = 1) {
  const { clock, network, fromLeft, right } = await connected({ random: seededRandom(seed) });
  network.link('left', 'right', options);
  const startMs = clock.monotonicMs();
  let sent = '';
  for (let index = 0; index < count; index++) {
    const letter = String.fromCharCode(97 + (index % 26));
    sent += letter;
    say(fromLeft, letter);
    await clock.run({ untilMs: startMs + index + 1 });
  }
  await clock.runUntilQuiet();
  return { isWhole: right.text === sent, tookMs: timesOf(right.events).map((atMs, index) => atMs - startMs - index) };
}

describe('latency', () => {
  test('with jitter every piece takes a time within the range, and none of a stream overtakes another', async () => {
    const { isWhole, tookMs } = await letters(400, { latencyMs: [20, 40] });
    expect(isWhole).toBe(true);
    expect(tookMs).toHaveLength(400);
    expect(Math.min(...tookMs)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...tookMs)).toBeLessThanOrEqual(40);
    expect(Math.max(...tookMs) - Math.min(...tookMs)).toBeGreaterThan(10);
  });

  test('jitter is the same for the same seed only', async () => {
    const { tookMs } = await letters(50, { latencyMs: [20, 40] }, 5);
    expect((await letters(50, { latencyMs: [20, 40] }, 5)).tookMs).toEqual(tookMs);
    expect((await letters(50, { latencyMs: [20, 40] }, 6)).tookMs).not.toEqual(tookMs);
  });

  test('each direction has its own', async () => {
    const { clock, network, dial, fromLeft, fromRight, left, right } = await connected();
    network.linkOneWay('left', 'right', { latencyMs: 5 });
    network.linkOneWay('right', 'left', { latencyMs: 70 });
    const startMs = clock.monotonicMs();
    say(fromLeft, 'x');
    say(fromRight, 'y');
    await clock.runUntilQuiet();
    expect([...timesOf(right.events), ...timesOf(left.events)]).toEqual([startMs + 5, startMs + 70]);
    const dialledMs = clock.monotonicMs();
    await clock.runUntil(dial());
    expect(clock.monotonicMs() - dialledMs).toBe(75);
  });

  test('a writer that waits for room hears of it after the way back', async () => {
    const { clock, network, fromLeft } = await connected({ windowBytes: 4 });
    network.linkOneWay('left', 'right', { latencyMs: 5 });
    network.linkOneWay('right', 'left', { latencyMs: 70 });
    const startMs = clock.monotonicMs();
    expect(say(fromLeft, '12345')).toBe(false);
    await clock.runUntil(new Promise<void>((resolve) => fromLeft.drained(resolve)));
    expect(clock.monotonicMs() - startMs).toBe(75);
  });
});

describe('bandwidth', () => {
  test('bytes take their time, one after the other', async () => {
    const { clock, network, fromLeft, right } = await connected();
    network.link('left', 'right', { bandwidthBytesPerSecond: 1_000 });
    const startMs = clock.monotonicMs();
    say(fromLeft, 'x'.repeat(100));
    say(fromLeft, 'y'.repeat(50));
    await clock.runUntilQuiet();
    expect(timesOf(right.events)).toEqual([startMs + 110, startMs + 160]);
    say(fromLeft, 'z');
    const laterMs = clock.monotonicMs();
    await clock.runUntilQuiet();
    expect(timesOf(right.events)[2]).toBe(laterMs + 11);
  });

  test('streams of one direction share it, the other direction does not', async () => {
    const { clock, network, dial, fromLeft, fromRight, left, right } = await connected();
    const second = await clock.runUntil(dial());
    network.link('left', 'right', { bandwidthBytesPerSecond: 1_000 });
    const startMs = clock.monotonicMs();
    say(fromLeft, 'x'.repeat(100));
    say(second, 'y'.repeat(100));
    say(fromRight, 'z'.repeat(100));
    await clock.runUntilQuiet();
    expect(timesOf(right.events)).toEqual([startMs + 110, startMs + 210]);
    expect(timesOf(left.events)).toEqual([startMs + 110]);
  });
});

describe('loss', () => {
  test('stalls a stream for a retransmission timeout, then for twice as long, and never makes a hole', async () => {
    const { isWhole, tookMs } = await letters(500, { lossRatio: 0.3 });
    expect(isWhole).toBe(true);
    expect(tookMs).toHaveLength(500);
    const ofOne = new Set<number | undefined>();
    for (let seed = 0; seed < 100; seed++) ofOne.add((await letters(1, { lossRatio: 0.5 }, seed)).tookMs[0]);
    const sorted = [...ofOne].sort((one = 0, other = 0) => one - other);
    expect(sorted.slice(0, 4)).toEqual([10, 210, 610, 1_410]);
  });

  test('a dial that is lost is repeated', async () => {
    const lates = [];
    for (let seed = 0; seed < 40; seed++) {
      const { clock, network, dial } = await twoHosts({ random: seededRandom(seed) });
      network.linkOneWay('left', 'right', { lossRatio: 0.5 });
      await clock.runUntil(dial());
      lates.push(clock.monotonicMs());
    }
    expect([...new Set(lates)].sort((one, other) => one - other).slice(0, 3)).toEqual([20, 1_020, 3_020]);
  });
});

test('what is not named stays as it was, and what makes no sense is refused', async () => {
  const { clock, network, fromLeft, right } = await connected();
  network.link('left', 'right', { latencyMs: 30 });
  network.link('left', 'right', { bandwidthBytesPerSecond: 1_000 });
  for (const options of [
    { latencyMs: -1 },
    { latencyMs: [5, 4] as const },
    { latencyMs: Number.NaN },
    { bandwidthBytesPerSecond: 0 },
    { lossRatio: 1 },
    { duplicateRatio: -0.1 },
  ])
    expect(() => network.link('left', 'right', options)).toThrow(RangeError);
  expect(() => network.link('left', 'left', {})).toThrow(RangeError);
  const startMs = clock.monotonicMs();
  say(fromLeft, 'x'.repeat(10));
  await clock.runUntilQuiet();
  expect(timesOf(right.events)).toEqual([startMs + 40]);
});
