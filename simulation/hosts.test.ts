import { describe, expect, test } from 'vitest';
import { connected, listener, say, twoHosts } from '../property-tests/two-hosts.ts';

describe('a partition one way', () => {
  test('lets the other way pass until its window is full, since nothing acknowledges it', async () => {
    const { clock, network, fromLeft, fromRight, left, right } = await connected({ windowBytes: 4 });
    network.partitionOneWay('right', 'left');
    expect(say(fromLeft, '1234')).toBe(true);
    expect(say(fromRight, 'back')).toBe(true);
    await clock.runUntilQuiet();
    expect([left.text, right.text]).toEqual(['', '1234']);
    expect(say(fromLeft, '5')).toBe(false);
    await clock.runUntilQuiet();
    expect(right.text).toBe('1234');
    network.heal('left', 'right');
    await clock.runUntilQuiet();
    expect([left.text, right.text]).toEqual(['back', '12345']);
  });

  test('on the way there or back leaves a dial without an answer', async () => {
    for (const [from, to] of [
      ['left', 'right'],
      ['right', 'left'],
    ] as const) {
      const { clock, network, dial } = await twoHosts();
      network.partitionOneWay(from, to);
      await expect(clock.runUntil(dial())).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' });
    }
  });

  test('loses a refusal too: the dial is repeated', async () => {
    const { clock, network, at, dial } = await twoHosts();
    await at.close();
    network.partitionOneWay('right', 'left');
    const dialled = dial();
    const refused = expect(dialled).rejects.toMatchObject({ code: 'CONNECT_REFUSED' });
    await clock.run({ untilMs: 2_500 });
    network.heal('left', 'right');
    await clock.runUntilQuiet();
    await refused;
    expect(clock.monotonicMs()).toBe(3_020);
  });
});

describe('a process that stands still', () => {
  test('is told nothing until it goes on; then all, in order', async () => {
    const { clock, network, fromLeft, right } = await connected({ windowBytes: 8 });
    network.pause('right');
    say(fromLeft, '1234');
    expect(say(fromLeft, '56789')).toBe(false);
    fromLeft.end();
    await clock.run({ untilMs: 10_000 });
    expect(right.events).toEqual([]);
    network.resume('right');
    await clock.runUntilQuiet();
    expect(right.text).toBe('123456789');
    expect(right.events[0]).toBe('bytes 4 10000');
    expect(right.events.at(-1)).toMatch(/^end/);
  });

  test('is connected by its system, and accepts late', async () => {
    const { clock, network, dial, left, right, accepted } = await twoHosts();
    network.pause('right');
    const stream = await clock.runUntil(dial());
    say(stream, 'anybody?');
    await clock.run({ untilMs: 5_000 });
    expect([accepted.length, right.text]).toEqual([0, '']);
    network.resume('right');
    await clock.runUntilQuiet();
    expect([accepted.length, right.text]).toEqual([1, 'anybody?']);
    expect(left.events).toEqual([]);
  });

  test('does not accept what was reset meanwhile', async () => {
    const { clock, network, dial, accepted } = await twoHosts();
    network.pause('right');
    (await clock.runUntil(dial())).reset();
    await clock.runUntilQuiet();
    network.resume('right');
    await clock.runUntilQuiet();
    expect([accepted.length, network.streamCount]).toEqual([0, 0]);
  });

  test('hears late of a reset, of room, of an answer and of a timeout', async () => {
    const { clock, network, dial, fromLeft, left } = await connected({ windowBytes: 2 });
    const second = await clock.runUntil(dial());
    const told: string[] = [];
    const third = dial().then(() => told.push('connected'));
    const fourth = network
      .host('left')
      .connect({ host: 'right', port: 4_000 }, () => left.reader, { timeoutMs: 15 })
      .catch(() => told.push('timeout'));
    say(second, '123');
    second.drained(() => told.push('room'));
    network.pause('left');
    await clock.run({ untilMs: 5_000 });
    expect(told).toEqual([]);
    network.resume('left');
    await clock.runUntilQuiet();
    await Promise.all([third, fourth]);
    expect(told.sort()).toEqual(['connected', 'room', 'timeout']);
    network.pause('left');
    network.reset('left', 'right');
    await clock.run({ untilMs: 10_000 });
    expect(left.events).toEqual([]);
    fromLeft.reset(); // whoever resets a stream hears nothing more of it
    network.resume('left');
    await clock.runUntilQuiet();
    expect(left.events).toEqual(['reset 10000', 'reset 10000']);
  });

  test('that is paused once more before it was told everything hears the rest later', async () => {
    const { clock, network, dial, accepted } = await twoHosts();
    network.pause('right');
    await clock.runUntil(dial());
    network.resume('right');
    network.pause('right');
    await clock.run({ untilMs: 1_000 });
    expect(accepted).toHaveLength(0);
    network.resume('right');
    await clock.runUntilQuiet();
    expect(accepted).toHaveLength(1);
  });
});

describe('a host whose power fails', () => {
  test('while it dials hears nothing of that, and dials no more', async () => {
    const { clock, network, dial, accepted } = await twoHosts();
    network.partition('left', 'right');
    let isTold = false;
    void dial().finally(() => {
      isTold = true;
    });
    await clock.run({ untilMs: 500 });
    network.crash('left');
    network.restart('left');
    network.heal();
    await clock.runUntilQuiet();
    expect([isTold, accepted.length, network.streamCount]).toEqual([false, 0, 0]);
  });

  test('before its answer is there is dialled again', async () => {
    const { clock, network, dial } = await twoHosts();
    const dialled = dial();
    await clock.run({ untilMs: 15 });
    network.crash('right');
    await clock.run({ untilMs: 500 });
    network.restart('right');
    const again = listener(clock);
    await network.host('right').listen({ host: 'right', port: 4_000 }, () => again.reader);
    const stream = await clock.runUntil(dialled);
    expect(clock.monotonicMs()).toBe(1_020);
    say(stream, 'hello');
    await clock.runUntilQuiet();
    expect(again.text).toBe('hello');
    expect(network.left('right')).toEqual({ streams: 1, listeners: 1 });
  });
});

test('a host behind NAT dials out, and no dial to it gets an answer but its own', async () => {
  const { clock, network, dial, right } = await twoHosts({}, { isBehindNat: true });
  await expect(clock.runUntil(dial())).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' });
  const left = listener(clock);
  await network.host('left').listen({ host: '0.0.0.0', port: 80 }, () => left.reader);
  const stream = await clock.runUntil(network.host('right').connect({ host: 'left', port: 80 }, () => right.reader));
  say(stream, 'out');
  await clock.runUntilQuiet();
  expect(left.text).toBe('out');
  const own = network.host('right').connect({ host: 'right', port: 4_000 }, () => right.reader);
  await expect(clock.runUntil(own)).resolves.toMatchObject({ remote: { host: 'right', port: 4_000 } });
});

describe('a name', () => {
  test.each([
    [{ nameTakesMs: 300 }, 320],
    [{ nameAlsoLeadsTo: 'dead' } as const, 270],
    [{ nameTakesMs: 300, nameAlsoLeadsTo: 'dead' } as const, 570],
  ])('%j costs a dial %d ms', async (options, ms) => {
    const { clock, network, dial, right } = await twoHosts({}, options);
    await clock.runUntil(dial());
    expect(clock.monotonicMs()).toBe(ms);
    await clock.runUntil(network.host('right').connect({ host: 'localhost', port: 4_000 }, () => right.reader));
    expect(clock.monotonicMs()).toBe(ms);
  });

  test('that takes longer than the dial may is a timeout; one that is called off dials nobody', async () => {
    const { clock, network, left, accepted } = await twoHosts({}, { nameTakesMs: 300 });
    const dial = (options: object) => network.host('left').connect({ host: 'right', port: 4_000 }, () => left.reader, options);
    await expect(clock.runUntil(dial({ timeoutMs: 200 }))).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' });
    const ends = new AbortController();
    const aborted = expect(dial({ signal: ends.signal })).rejects.toMatchObject({ code: 'CONNECT_ABORTED' });
    ends.abort();
    await aborted;
    await clock.runUntilQuiet();
    expect([accepted.length, clock.pendingCount]).toEqual([0, 0]);
  });
});
