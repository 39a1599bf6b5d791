import { describe, expect, test } from 'vitest';
import { ChannelWorld, untouched } from '../../property-tests/channel-world.ts';
import { hex } from '../../runtime/random.ts';
import type { SecureChannel } from './secure-channel.ts';

/** Tells when it ended and why. */
function watch(world: ChannelWorld, channel: SecureChannel) {
  const seen: { reason?: string; atMs?: number } = {};
  void channel.closed.then((reason) => Object.assign(seen, { reason, atMs: world.clock.monotonicMs() }));
  return seen;
}

async function silenced() {
  const world = await ChannelWorld.make();
  const channel = await world.open();
  await world.pass(1_000);
  world.relay.meddle = () => [];
  return { world, channel, seen: watch(world, channel), sinceMs: world.clock.monotonicMs() };
}

describe('message 3 is not acknowledged', () => {
  test('so it is repeated 1, 3 and 7 s later until something comes back', async () => {
    const world = await ChannelWorld.make();
    const sinceMs = world.clock.monotonicMs();
    const thirdsAtMs: number[] = [];
    let third: string | undefined;
    world.relay.meddle = (message, direction, index) => {
      if (direction === 'back' || index === 0) return [message];
      if (index === 1) third = hex(message.payload);
      if (hex(message.payload) === third) thirdsAtMs.push(world.clock.monotonicMs() - sinceMs);
      return [];
    };
    const channel = await world.open();
    await world.pass(60_000);
    expect(thirdsAtMs.map((atMs) => Math.floor(atMs / 1_000))).toEqual([0, 1, 3, 7]);
    expect(world.channels.channels.size).toBe(0);
    await world.clock.runUntil(channel.close());
    await world.stop();
  });

  test('and a repeated one opens the channel at the other end', async () => {
    const world = await ChannelWorld.make();
    world.relay.meddle = (message, direction, index) => (direction === 'there' && index === 1 ? [] : [message]);
    const channel = await world.open();
    expect(await world.echoes(channel, 1, 500)).toBe(false);
    await world.pass(1_000);
    expect(world.channels.channels.size).toBe(1);
    expect(await world.echoes(channel)).toBe(true);
    const { there } = world.relay.counts;
    await world.pass(8_000);
    expect(world.relay.counts.there).toBe(there); // once heard, it is not repeated
    await world.stop();
  });
});

describe('a peer that answers probes and is silent', () => {
  test('after it was sent something is asked at 5 s and given up at 9 s', async () => {
    const { world, channel, seen, sinceMs } = await silenced();
    await world.echoes(channel, 1, 100);
    await world.pass(60_000);
    expect(seen).toEqual({ reason: 'peerLost', atMs: sinceMs + 9_000 });
    await world.stop();
  });

  test('is kept when it answers that question', async () => {
    const { world, channel, seen } = await silenced();
    await world.echoes(channel, 1, 100);
    await world.pass(4_800);
    world.relay.meddle = untouched;
    await world.pass(3_000);
    expect(await world.echoes(channel)).toBe(true);
    await world.pass(20_000);
    expect(seen).toEqual({});
    await world.stop();
  });

  test('while nobody sent anything has 30 s', async () => {
    const { world, seen, sinceMs } = await silenced();
    await world.pass(60_000);
    expect(seen.reason).toBe('peerLost');
    expect(seen.atMs! - sinceMs).toBeGreaterThan(20_000);
    expect(seen.atMs! - sinceMs).toBeLessThanOrEqual(30_000);
    await world.stop();
  });
});

describe('a peer that opens another channel', () => {
  test('has lost the one before: that is given up 4 s later', async () => {
    const world = await ChannelWorld.make();
    const lost = await world.open();
    await world.pass(1_000);
    const [old] = [...world.channels.channels];
    const seen = watch(world, old!);
    // Its end is gone with no Close.
    world.relay.meddle = () => [];
    await world.clock.runUntil(lost.close());
    await world.pass(100);
    world.relay.meddle = untouched;
    const openedAtMs = world.clock.monotonicMs();
    await world.open();
    await world.pass(10_000);
    expect(seen.reason).toBe('peerLost');
    expect(seen.atMs! - openedAtMs).toBeLessThan(4_100);
    expect(world.channels.channels.size).toBe(1);
    await world.stop();
  });

  test('and has both is asked by the old one, and keeps both', async () => {
    const world = await ChannelWorld.make();
    const [first, second] = [await world.open(), await world.open()];
    await world.pass(60_000);
    expect(world.channels.channels.size).toBe(2);
    for (const channel of [first, second]) expect(await world.echoes(channel)).toBe(true);
    await world.stop();
  });
});
