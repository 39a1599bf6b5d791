import { expect, test } from 'vitest';
import { decodeCbor } from '../../runtime/codec/cbor.ts';
import { silentLogger } from '../../runtime/logger.ts';
import type { Message } from '../../runtime/message.ts';
import { Node } from '../../runtime/node.ts';
import { route } from '../../runtime/route.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { memoryNetwork } from '../../simulation/network.ts';
import { seededRandom } from '../../simulation/random.ts';
import { EchoPing, pingPayload } from './echo-ping.ts';

function world(answers: (payload: Uint8Array) => Uint8Array | undefined) {
  const clock = new SimulatedClock();
  const node = new Node({ clock, random: seededRandom(3), network: memoryNetwork(clock), logger: silentLogger });
  const asked: Message[] = [];
  node.start('echo', {
    onMessage: (message, context) => {
      asked.push(message);
      const answer = answers(message.payload);
      if (answer !== undefined) context.reply(message, answer);
    },
  });
  const silences: number[] = [];
  const address = EchoPing.start(node, route('echo'), () => silences.push(clock.monotonicMs()));
  return { clock, node, asked, silences, address };
}

test('a ping is a raw CBOR unsigned integer of 64 random bits, in shortest form', () => {
  const bytes = (...values: number[]) => ({ bytes: () => Uint8Array.from(values) });
  expect([...pingPayload(bytes(1, 2, 3, 4, 5, 6, 7, 8))]).toEqual([0x1b, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect([...pingPayload(bytes(0, 0, 0, 0, 0, 0, 0, 23))]).toEqual([0x17]);
  expect([...pingPayload(bytes(255, 255, 255, 255, 255, 255, 255, 255))]).toEqual([0x1b, ...Array<number>(8).fill(255)]);
});

test('asks at once and every 10 s, and is content with each answer', async () => {
  const { clock, node, asked, silences, address } = world((payload) => payload);
  await clock.run({ untilMs: 100_000 });
  expect(asked).toHaveLength(11);
  expect(new Set(asked.map(({ payload }) => decodeCbor(payload))).size).toBe(11);
  expect(silences).toEqual([]);
  await clock.runUntil(node.stopWorker(address));
  expect(clock.pendingCount).toBe(0);
});

test('three pings in a row without an answer are a silence, told once', async () => {
  let lives = true;
  const { clock, asked, silences } = world((payload) => (lives ? payload : undefined));
  await clock.run({ untilMs: 25_000 });
  lives = false;
  await clock.run({ untilMs: 200_000 });
  expect(silences).toEqual([60_000]);
  expect(asked).toHaveLength(6);
});

test('one pong clears all pings before it', async () => {
  let count = 0;
  const { clock, silences } = world((payload) => (++count % 3 === 0 ? payload : undefined));
  await clock.run({ untilMs: 300_000 });
  expect(silences).toEqual([]);
});

test('who never answered, or answers something else, is not judged and not asked a fourth time', async () => {
  for (const answer of [undefined, Uint8Array.of(0x17)]) {
    const { clock, asked, silences } = world(() => answer);
    await clock.run({ untilMs: 200_000 });
    expect(asked).toHaveLength(3);
    expect(silences).toEqual([]);
  }
});
