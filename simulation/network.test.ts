import { describe, expect, test } from 'vitest';
import { connected, listener, say } from '../property-tests/two-hosts.ts';
import { hex } from '../runtime/random.ts';
import { SimulatedClock } from './clock.ts';
import { SimulatedNetwork } from './network.ts';
import { seededRandom } from './random.ts';

describe('faults', () => {
  test('bytes take their latency, and a dial the way there and back', async () => {
    const { clock, network, fromLeft, right } = await connected();
    expect(clock.monotonicMs()).toBe(20);
    say(fromLeft, 'one');
    network.setLatency('left', 'right', 3);
    await clock.runUntilQuiet();
    expect(right.events).toEqual(['bytes 3 30']);
    say(fromLeft, 'two');
    const sentMs = clock.monotonicMs();
    await clock.runUntilQuiet();
    expect(right.events[1]).toBe(`bytes 3 ${sentMs + 3}`);
  });

  test('a partition delays what was sent and loses nothing', async () => {
    const { clock, network, fromLeft, fromRight, left, right } = await connected();
    say(fromLeft, 'sent before, ');
    network.partition('left', 'right');
    say(fromLeft, 'sent during');
    say(fromRight, 'answer');
    await clock.run({ untilMs: 60_000 });
    expect([left.text, right.text]).toEqual(['', '']);
    network.heal('right', 'left');
    await clock.runUntilQuiet();
    expect([left.text, right.text]).toEqual(['answer', 'sent before, sent during']);
  });

  test('what a process has closed is not left behind by it, though its end is still on the way', async () => {
    const { clock, network, fromLeft, fromRight, right } = await connected();
    fromLeft.end();
    await clock.run({ untilMs: clock.monotonicMs() + 10 });
    expect(right.events).toEqual(['end 30']);
    expect(network.left('right').streams).toBe(1);
    fromRight.end();
    expect(network.left('right').streams).toBe(0);
    expect([network.left('left').streams, network.streamCount]).toEqual([1, 2]);
    await clock.runUntilQuiet();
    expect(network.streamCount).toBe(0);
  });

  test('a hold stalls one direction only, and a full window makes the writer wait', async () => {
    const { clock, network, fromLeft, fromRight, left, right } = await connected({ windowBytes: 8 });
    network.hold('left', 'right');
    expect(say(fromLeft, '12345678')).toBe(true);
    expect(say(fromLeft, '9')).toBe(false);
    say(fromRight, 'works');
    await clock.runUntilQuiet();
    expect([left.text, right.text]).toEqual(['works', '']);
    network.release('left', 'right');
    await clock.runUntilQuiet();
    expect(right.text).toBe('123456789');
  });

  test('a reset between two hosts cuts both ends of all their streams, and no others', async () => {
    const { clock, network, left, right, dial, fromLeft } = await connected();
    await clock.runUntil(dial());
    const other = listener(clock);
    await clock.runUntil(network.host('third').connect({ host: 'right', port: 4_000 }, () => other.reader));
    network.reset('right', 'left');
    await clock.runUntilQuiet();
    expect(left.events.map((event) => event.split(' ')[0])).toEqual(['reset', 'reset']);
    expect(right.events).toHaveLength(2);
    expect(other.events).toEqual([]);
    expect(network.streamCount).toBe(2);
    expect(say(fromLeft, 'gone')).toBe(false);
  });

  test('a reset that is lost leaves the other end half-open until it writes', async () => {
    const { clock, network, fromLeft, fromRight, right } = await connected();
    network.partition('left', 'right');
    fromLeft.reset();
    await clock.run({ untilMs: 1_000 });
    network.heal();
    await clock.runUntilQuiet();
    expect(right.events).toEqual([]);
    say(fromRight, 'anybody there?');
    await clock.runUntilQuiet();
    expect(right.events).toHaveLength(1);
    expect(right.events[0]).toMatch(/^reset/);
  });

  test('a crash tells nobody; after the restart old streams are reset and new ones refused', async () => {
    const { clock, network, fromLeft, left, dial } = await connected();
    network.crash('right');
    say(fromLeft, 'hello?');
    await clock.run({ untilMs: 10_000 });
    expect(left.events).toEqual([]);
    network.restart('right');
    await clock.runUntilQuiet();
    expect(left.events).toHaveLength(1);
    await expect(clock.runUntil(dial())).rejects.toMatchObject({ code: 'CONNECT_REFUSED' });
    expect([network.streamCount, network.listenerCount, clock.pendingCount]).toEqual([0, 0, 0]);
  });

  test('a dial into silence is repeated, so that it succeeds soon after the network heals', async () => {
    const { clock, network, dial } = await connected();
    network.partition('left', 'right');
    const late = dial();
    await clock.run({ untilMs: 5_000 });
    network.heal('left', 'right');
    await clock.runUntil(late);
    expect(clock.monotonicMs()).toBe(7_040); // 20 of the first dial, tries at 0, 1, 3 and 7 s, there and back
    network.partition('left', 'right');
    await expect(clock.runUntil(dial())).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' });
  });

  test('tampering drops, repeats and changes what is sent one way', async () => {
    const { clock, network, fromLeft, fromRight, left, right } = await connected();
    network.tamper('left', 'right', (bytes) => (bytes.length === 1 ? [] : [bytes, bytes.map((byte) => byte ^ 0x20)]));
    say(fromLeft, 'x');
    say(fromLeft, 'ab');
    say(fromRight, 'x');
    await clock.runUntilQuiet();
    network.tamper('left', 'right', undefined);
    say(fromLeft, 'x');
    await clock.runUntilQuiet();
    expect([right.text, left.text]).toEqual(['abABx', 'x']);
  });
});

test('a loopback listener is for its own host', async () => {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock });
  const heard = listener(clock);
  const { local } = await network.host('a').listen({ host: '127.0.0.1', port: 0 }, () => heard.reader);
  const dial = (from: string, to: string) => clock.runUntil(network.host(from).connect({ host: to, port: local.port }, () => heard.reader));
  await expect(dial('b', 'a')).rejects.toMatchObject({ code: 'CONNECT_REFUSED' });
  await expect(dial('b', '127.0.0.1')).rejects.toMatchObject({ code: 'CONNECT_REFUSED' });
  await expect(dial('a', '127.0.0.1')).resolves.toMatchObject({ remote: { host: 'a', port: local.port } });
});

test('the same program and seed give the same trace twice', async () => {
  const trace = async (seed: number) => {
    const random = seededRandom(seed);
    const { clock, network, fromLeft, fromRight, left, right } = await connected({ windowBytes: 64 });
    for (let round = 0; round < 60; round++) {
      const [choice = 0, size = 0] = random.bytes(2);
      const bytes = new TextEncoder().encode(hex(random.bytes(size)));
      (choice & 1 ? fromLeft : fromRight).write([bytes]);
      if (choice % 7 === 0) network.partition('left', 'right');
      if (choice % 5 === 0) network.heal();
      if (choice % 3 === 0) fromRight.pause();
      else fromRight.resume();
      await clock.run({ untilMs: clock.monotonicMs() + choice });
    }
    return { left: left.events, right: right.events };
  };
  const once = await trace(5);
  expect(once.right.length).toBeGreaterThan(10);
  expect(await trace(5)).toEqual(once);
  expect(await trace(6)).not.toEqual(once);
});
