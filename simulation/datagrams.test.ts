import { describe, expect, test } from 'vitest';
import type { HostPort } from '../runtime/network.ts';
import { SimulatedClock } from './clock.ts';
import type { LinkOptions } from './link.ts';
import type { HostOptions } from './machine.ts';
import { SimulatedNetwork } from './network.ts';
import { seededRandom } from './random.ts';

function pair(options: LinkOptions = {}, rightOptions: HostOptions = {}) {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock, latencyMs: 10, random: seededRandom(1) });
  network.link('left', 'right', options);
  const [left, right] = [network.host('left').datagrams(0), network.host('right', rightOptions).datagrams(5_000)];
  const heard = { left: [] as string[], right: [] as string[] };
  const noting = (into: string[]) => (bytes: Uint8Array, from: HostPort) =>
    void into.push(`${new TextDecoder().decode(bytes)} from ${from.host}:${from.port} at ${clock.monotonicMs()}`);
  left.onMessage(noting(heard.left));
  right.onMessage(noting(heard.right));
  const say = (text: string) => left.send({ host: 'right', port: 5_000 }, new TextEncoder().encode(text));
  const answer = (text: string) => right.send(left.local, new TextEncoder().encode(text));
  const numbers = () => heard.right.map((text) => Number.parseInt(text, 10));
  return { clock, network, left, right, heard, say, answer, numbers };
}

const inOrder = (numbers: readonly number[]) => [...numbers].sort((one, other) => one - other);

test('a datagram arrives after its latency, and its answer finds the way back', async () => {
  const { clock, heard, say, answer, left } = pair();
  say('question');
  await clock.runUntilQuiet();
  answer('reply');
  await clock.runUntilQuiet();
  expect(left.local.port).toBeGreaterThanOrEqual(49_152);
  expect(heard).toEqual({ right: [`question from left:${left.local.port} at 10`], left: ['reply from right:5000 at 20'] });
});

test('the sender may reuse its memory, and two that hear the same may change it', async () => {
  const { clock, left, right } = pair({ duplicateRatio: 0.999 });
  const heard: number[] = [];
  right.onMessage((bytes) => {
    heard.push(...bytes);
    bytes.fill(0);
  });
  const bytes = Uint8Array.of(7);
  left.send({ host: 'right', port: 5_000 }, bytes);
  bytes.fill(1);
  await clock.runUntilQuiet();
  expect(heard).toEqual([7, 7]);
});

describe('on a bad link', () => {
  test('some are lost', async () => {
    const { clock, say, numbers } = pair({ lossRatio: 0.25 });
    for (let index = 0; index < 1_000; index++) say(String(index));
    await clock.runUntilQuiet();
    expect(numbers().length).toBeGreaterThan(650);
    expect(numbers().length).toBeLessThan(850);
    expect(numbers()).toEqual(inOrder(numbers()));
  });

  test('some come twice', async () => {
    const { clock, say, numbers } = pair({ duplicateRatio: 0.25 });
    for (let index = 0; index < 1_000; index++) say(String(index));
    await clock.runUntilQuiet();
    expect(new Set(numbers()).size).toBe(1_000);
    expect(numbers().length).toBeGreaterThan(1_150);
    expect(numbers().length).toBeLessThan(1_350);
  });

  test('jitter makes them overtake each other', async () => {
    const { clock, say, numbers } = pair({ latencyMs: [5, 50] });
    for (let index = 0; index < 100; index++) say(String(index));
    await clock.runUntilQuiet();
    expect(numbers()).not.toEqual(inOrder(numbers()));
    expect(new Set(numbers()).size).toBe(100);
  });

  test('a partition loses them, a hold keeps them', async () => {
    const { clock, network, say, numbers } = pair();
    network.partition('left', 'right');
    say('1');
    await clock.runUntilQuiet();
    network.heal('left', 'right');
    network.hold('left', 'right');
    say('2');
    await clock.runUntilQuiet();
    expect(numbers()).toEqual([]);
    network.release('left', 'right');
    expect(numbers()).toEqual([2]);
  });

  test('an adversary does to them what it does to streams', async () => {
    const { clock, network, say, numbers } = pair();
    network.tamperNext('left', 'right', 'reorder', 1);
    network.tamperNext('left', 'right', 'drop', 1);
    for (const text of ['1', '2', '3', '4']) say(text);
    await clock.runUntilQuiet();
    expect(numbers()).toEqual([1, 3, 4]); // 1 was kept until 2 came, which was dropped
    network.tamperNext('left', 'right', 'delay', 1);
    for (const text of ['5', '6']) say(text);
    await clock.runUntilQuiet();
    expect(numbers()).toEqual([1, 3, 4, 6, 5]);
  });
});

test('behind NAT only those are heard who were written to, from the same port', async () => {
  const { clock, network, heard, say, right } = pair({}, { isBehindNat: true });
  say('unasked');
  await clock.runUntilQuiet();
  expect(heard.right).toEqual([]);
  const other = network.host('left').datagrams(6_000);
  right.send(other.local, Uint8Array.of(1));
  await clock.runUntilQuiet();
  say('from another port');
  other.send(right.local, new TextEncoder().encode('asked'));
  await clock.runUntilQuiet();
  expect(heard.right).toEqual(['asked from left:6000 at 30']);
});

test('a port is one’s own until it is closed; to nobody nothing is sent', async () => {
  const { clock, network, heard, say, left, right } = pair();
  expect(() => network.host('right').datagrams(5_000)).toThrow('the port is taken');
  right.close();
  say('to a closed port');
  left.send({ host: 'nowhere', port: 1 }, new Uint8Array(1));
  await clock.runUntilQuiet();
  expect(heard.right).toEqual([]);
  network.host('right').datagrams(5_000);
  expect(() => left.send({ host: 'right', port: 5_000 }, new Uint8Array(65_508))).toThrow(RangeError);
  left.close();
  say('from a closed port');
  expect(clock.pendingCount).toBe(0);
});

test('a process that stands still hears them later, one whose power failed never', async () => {
  const { clock, network, say, numbers } = pair();
  network.pause('right');
  say('1');
  await clock.runUntilQuiet();
  expect(numbers()).toEqual([]);
  network.resume('right');
  await clock.runUntilQuiet();
  expect(numbers()).toEqual([1]);
  network.pause('right');
  say('2');
  await clock.runUntilQuiet();
  network.crash('right');
  network.restart('right');
  network.resume('right');
  say('3');
  await clock.runUntilQuiet();
  expect(numbers()).toEqual([1]);
});
