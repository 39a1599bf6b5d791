import { expect, test } from 'vitest';
import { route } from '../runtime/route.ts';
import { Adversary } from './adversary.ts';
import type { Tampering } from './faults.ts';
import { simulate } from './simulate.ts';

const COUNT = 20;
const sent = Array.from({ length: COUNT }, (_, index) => new Uint8Array(8).fill(index + 1));

/** What arrives when every message is spoiled in that way. */
async function arrivedOf(kind: Tampering): Promise<readonly Uint8Array[]> {
  const arrived: Uint8Array[] = [];
  await simulate({ seed: 5, replays: false }, async (world) => {
    const [one] = world.nodes('one');
    const enemy = new Adversary({ ...one.home, kinds: [kind], ratio: 1 });
    one.node.start('enemy', enemy);
    one.node.start('sink', { onMessage: ({ payload }) => void arrived.push(payload) });
    for (const bytes of sent) {
      await one.node.send(route('enemy', 'sink'), bytes);
      await world.pass(100);
    }
    await world.pass('1s');
    expect(enemy.done.get(kind)).toBe(COUNT);
  });
  return arrived;
}

const firsts = (arrived: readonly Uint8Array[]) => arrived.map((bytes) => bytes[0]);
const sorted = (arrived: readonly Uint8Array[]) => firsts(arrived).sort((one = 0, other = 0) => one - other);

test('what is dropped does not arrive, what is doubled arrives twice', async () => {
  expect(await arrivedOf('drop')).toEqual([]);
  expect(firsts(await arrivedOf('duplicate'))).toEqual(sent.flatMap((bytes) => [bytes[0], bytes[0]]));
});

test('what is delayed or put behind another arrives once, in another order or later', async () => {
  expect(sorted(await arrivedOf('delay'))).toEqual(firsts(sent));
  const reordered = await arrivedOf('reorder');
  expect(sorted(reordered)).toEqual(firsts(sent));
});

test('what is corrupted differs in one bit, what is truncated is a beginning', async () => {
  const bits = (await arrivedOf('corrupt')).map((bytes, index) => {
    const differing = [...bytes].map((byte, at) => byte ^ (sent[index]?.[at] ?? 0));
    return differing.reduce((count, byte) => count + byte.toString(2).replaceAll('0', '').length, 0);
  });
  expect(bits).toEqual(Array(COUNT).fill(1));
  for (const [index, bytes] of (await arrivedOf('truncate')).entries()) expect(bytes).toEqual(sent[index]?.slice(0, bytes.length));
});

test('what is spliced or replayed was said before, and never made up', async () => {
  const spliced = await arrivedOf('splice');
  expect(spliced).toHaveLength(COUNT);
  for (const [index, bytes] of spliced.entries()) expect(bytes[0]).toBeLessThanOrEqual(index + 1);
  expect(firsts(spliced)).not.toEqual(firsts(sent));
  expect(await arrivedOf('replay')).toHaveLength(2 * COUNT);
});

test('an honest one spoils nothing', async () => {
  await simulate({ seed: 1 }, async (world) => {
    const [one] = world.nodes('one');
    const enemy = new Adversary(one.home);
    enemy.isHonest = true;
    one.node.start('enemy', enemy);
    const arrived: number[] = [];
    one.node.start('sink', { onMessage: ({ payload }) => void arrived.push(payload[0] ?? 0) });
    for (const bytes of sent) await one.node.send(route('enemy', 'sink'), bytes);
    await world.settled();
    expect(arrived).toEqual(firsts(sent));
  });
});
