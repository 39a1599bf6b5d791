import { describe, expect, test } from 'vitest';
import { holdsCredential, onlyPeer } from '../../identities/trust.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import type { LogFields } from '../../runtime/logger.ts';
import { Message } from '../../runtime/message.ts';
import { Route, route } from '../../runtime/route.ts';
import { tcp } from '../../transports/tcp.ts';
import { ChannelWorld, untouched } from '../../property-tests/channel-world.ts';
import { fixedCredential } from './credential-source.ts';
import { HandshakeTable } from './handshake-table.ts';
import { fromHolders } from './local-info.ts';
import { type SecureChannel, secureChannel, secureChannelListener } from './secure-channel.ts';

/** What Bob's end says of his open channels. */
const ofBob = (world: ChannelWorld): SecureChannel => [...world.channels.channels][0]!;
/** Frames from now on, by direction, in their order: the lengths of Close frames are known. */
function watchFrames(world: ChannelWorld) {
  const seen: { direction: string; bytes: number }[] = [];
  world.relay.meddle = (message, direction) => {
    seen.push({ direction, bytes: message.payloadBytes });
    return [message];
  };
  return seen;
}
const CLOSE_BYTES = 5 + 24;
const addressesOf = (world: ChannelWorld) => [world.near, world.far].map((node) => node.addresses.length);

describe('the end of a channel', () => {
  test('Close is said once, after what was queued, and the other end says none', async () => {
    const world = await ChannelWorld.make();
    const before = addressesOf(world);
    const channel = await world.open();
    await world.pass(100);
    const seen = watchFrames(world);
    const answered: number[] = [];
    const bob = ofBob(world);
    world.far.start('count', { onMessage: (message) => void answered.push(message.payload[0]!) });
    world.far.publish('count', { on: world.channels, allow: allowEveryone });
    for (let byte = 0; byte < 40; byte++) void world.near.send(route(channel, 'count'), Uint8Array.of(byte));
    await world.clock.runUntil(Promise.all([channel.close(), channel.close()]));
    await world.pass(100);
    expect(answered).toEqual(Array.from({ length: 40 }, (_, byte) => byte));
    expect(seen.map(({ direction }) => direction)).toEqual(Array.from({ length: 41 }, () => 'there'));
    expect(seen.filter(({ bytes }) => bytes === CLOSE_BYTES)).toHaveLength(1);
    expect(seen.at(-1)!.bytes).toBe(CLOSE_BYTES);
    expect(await channel.closed).toBe('stopped');
    expect(await bob.closed).toBe('peerClosed');
    await channel.close();
    await world.clock.runUntil(world.far.stopWorker('count'));
    expect(addressesOf(world)).toEqual(before);
    expect(HandshakeTable.of(world.far).count).toBe(0);
    await world.stop();
    expect([world.near, world.far, world.mid].map(({ flows }) => flows.isEmpty)).toEqual([true, true, true]);
    expect(world.clock.pendingCount).toBe(0);
  });

  test.each(['encryptor', 'node'] as const)('stopping the %s says Close once', async (what) => {
    const world = await ChannelWorld.make();
    const channel = await world.open();
    await world.pass(100);
    const seen = watchFrames(world);
    const bob = ofBob(world);
    await world.clock.runUntil(what === 'node' ? world.near.stop() : world.near.stopWorker(channel.address));
    await world.pass(100);
    expect(seen).toEqual([{ direction: 'there', bytes: CLOSE_BYTES }]);
    expect(await channel.closed).toBe('stopped');
    expect(await bob.closed).toBe('peerClosed');
    await world.stop();
    expect(world.clock.pendingCount).toBe(0);
  });

  test('a channel through a channel says Close too when its node stops', async () => {
    const world = await ChannelWorld.make();
    const outer = await world.open();
    const inner = secureChannelListener(world.far, 'inner', {
      identity: world.bob,
      trust: onlyPeer(world.alice.identifier),
      on: world.channels,
    });
    world.far.publish('echo', { on: [world.channels, inner], allow: allowEveryone });
    const channel = await world.open({}, route(outer, 'inner'));
    expect(await world.echoes(channel)).toBe(true);
    const [ofInner] = [...inner.channels];
    await world.clock.runUntil(world.near.stop());
    await world.pass(100);
    expect(inner.channels.size).toBe(0);
    expect(await ofInner!.closed).toBe('peerClosed');
    await world.stop();
    expect(world.far.flows.isEmpty).toBe(true);
  });

  test('what is sent into a channel that has closed is a dead letter', async () => {
    const world = await ChannelWorld.make();
    const channel = await world.open();
    await world.pass(100);
    await world.clock.runUntil(ofBob(world).close());
    await world.pass(100);
    expect(await channel.closed).toBe('peerClosed');
    expect(await world.echoes(channel)).toBe(false);
    expect(world.near.deadLetters.count('unknown-address')).toBeGreaterThan(0);
    await world.stop();
  });
});

describe('the handshake', () => {
  test('a credential that does not come is waited for as long as for the other end, and leaves nothing', async () => {
    let isGiven = false;
    const never = { retrieve: () => new Promise<undefined>(() => undefined), subscribe: () => () => (isGiven = true) };
    const world = await ChannelWorld.make();
    const before = addressesOf(world);
    const start = world.clock.monotonicMs();
    await expect(world.open({ credential: never })).rejects.toMatchObject({ code: 'HANDSHAKE_TIMEOUT' });
    expect(world.clock.monotonicMs() - start).toBe(10_000);
    const controller = new AbortController();
    const opening = secureChannel(world.near, world.way, {
      identity: world.alice,
      trust: onlyPeer(world.bob.identifier),
      credential: never,
      signal: controller.signal,
    });
    controller.abort(new Error('enough'));
    await expect(opening).rejects.toMatchObject({ code: 'HANDSHAKE_STOPPED' });
    await world.pass(1);
    expect(addressesOf(world)).toEqual(before);
    expect(isGiven).toBe(false);
    await world.stop();
    expect(world.clock.pendingCount).toBe(0);
  });

  test('a credential that fails is why the channel is not opened', async () => {
    const world = await ChannelWorld.make();
    const failing = { retrieve: () => Promise.reject(new Error('the authority is away')), subscribe: () => () => undefined };
    const cause = { message: 'the authority is away' };
    await expect(world.open({ credential: failing })).rejects.toMatchObject({ code: 'HANDSHAKE_STOPPED', cause });
    await world.stop();
  });

  test('a slow verdict holds up frames, loses none, and a second message 3 does nothing', async () => {
    const world = await ChannelWorld.make();
    let answered = 0;
    const original = world.bob.verifyPeer.bind(world.bob);
    world.bob.verifyPeer = async (...given) => {
      await new Promise<void>((resolve) => void world.clock.setTimer(500, resolve));
      return original(...given);
    };
    let third: Message | undefined;
    world.relay.meddle = (message, direction, index) => {
      if (direction !== 'there' || index !== 1) return [message];
      third = message;
      return [message, new Message(message.onward, message.returnRoute, message.payload)];
    };
    const channel = await world.open();
    for (let byte = 0; byte < 20; byte++) {
      void world.near.request(route(channel, 'echo'), Uint8Array.of(byte)).then(() => (answered += 1));
    }
    await world.pass(300);
    expect(world.channels.channels.size).toBe(0);
    await world.pass(1_000);
    expect(world.channels.channels.size).toBe(1);
    expect(answered).toBe(20);
    world.relay.meddle = untouched;
    world.relay.inject(new Message(third!.onward, third!.returnRoute, third!.payload));
    await world.pass(20_000);
    expect(await world.echoes(channel)).toBe(true);
    await world.stop();
  });

  test('it is over when the verdict takes longer than the handshake may', async () => {
    const world = await ChannelWorld.make({}, { handshakeTimeoutMs: 1_000 });
    world.bob.verifyPeer = () => new Promise(() => undefined);
    await world.open();
    expect(HandshakeTable.of(world.far).count).toBe(1);
    await world.pass(1_100);
    expect(HandshakeTable.of(world.far).count).toBe(0);
    expect(world.channels.channels.size).toBe(0);
    await world.stop();
  });
});

describe('credentials', () => {
  async function withAuthority() {
    const logged: { event: string; fields: LogFields | undefined }[] = [];
    const world = await ChannelWorld.make({ logger: { log: (_level, event, fields) => void logged.push({ event, fields }) } });
    const authority = await world.identity();
    await world.bob.importHistory(await authority.exportHistory(), { keep: true });
    await authority.importHistory(await world.alice.exportHistory());
    const issue = (role: string, lifeSeconds = 60) => authority.issueCredential(world.alice.identifier, { role }, { lifeSeconds });
    const members = secureChannelListener(world.far, 'members', {
      identity: world.bob,
      trust: holdsCredential(authority.identifier),
      on: world.farListener,
    });
    world.far.start('members-echo', { onMessage: (message, context) => context.reply(message, message.payload) });
    const allow = fromHolders(authority.identifier, { role: 'member' });
    world.far.publish('members-echo', { on: [members, world.channels], allow });
    const way = route(world.way.withoutLast, 'members');
    const asks = (channel: SecureChannel) => {
      const asked = world.near.request(route(channel, 'members-echo'), Uint8Array.of(7), { timeoutMs: 500 });
      return world.clock.runUntil(asked.then(() => true).catch(() => false));
    };
    return { world, authority, issue, way, asks, logged, members };
  }

  test('who holds one comes in, and may do what it says until it expires', async () => {
    const { world, issue, way, asks } = await withAuthority();
    const channel = await world.open({ credential: fixedCredential(await issue('member', 60)) }, way);
    expect(await asks(channel)).toBe(true);
    await world.pass(58_000);
    expect(await asks(channel)).toBe(true);
    await world.pass(2_000);
    expect(await asks(channel)).toBe(false);
    await world.stop();
  });

  test('who holds none, or one of another role, does not', async () => {
    const { world, issue, way, asks, members } = await withAuthority();
    const stranger = await world.open({}, way);
    expect(await asks(stranger)).toBe(false);
    await world.pass(100);
    expect(members.channels.size).toBe(0);
    const guest = await world.open({ credential: fixedCredential(await issue('guest')) }, way);
    await world.pass(100);
    expect(members.channels.size).toBe(1);
    expect(await asks(guest)).toBe(false);
    const plain = await world.open({ credential: fixedCredential(await issue('member')) });
    // That listener knows no authority, so the credential does not count there.
    expect(await world.echoes(plain)).toBe(true);
    expect(await asks(plain)).toBe(false);
    await world.stop();
  });

  test('a newer one is presented on the live channel, once, and no attribute is logged', async () => {
    const { world, issue, way, asks, logged } = await withAuthority();
    let current = await issue('guest-canary');
    let onNewer: () => void = () => undefined;
    let unsubscribed = 0;
    const source = {
      retrieve: () => Promise.resolve(current),
      subscribe: (callback: () => void) => {
        onNewer = callback;
        return () => void (unsubscribed += 1);
      },
    };
    const channel = await world.open({ credential: source }, way);
    await world.pass(100);
    expect(await asks(channel)).toBe(false);
    const seen = watchFrames(world);
    onNewer();
    await world.pass(50);
    expect(seen).toHaveLength(0);
    current = await issue('member');
    onNewer();
    onNewer();
    await world.pass(50);
    expect(seen).toHaveLength(1);
    expect(await asks(channel)).toBe(true);
    await world.clock.runUntil(channel.close());
    expect(unsubscribed).toBe(1);
    expect(JSON.stringify(logged)).not.toContain('canary');
    expect(logged.map(({ event }) => event)).toContain('channel.open');
    await world.stop();
  });
});

describe('the way to the other end', () => {
  test('an initiator that moves is followed, and only by what is genuine and newest', async () => {
    const world = await ChannelWorld.make();
    const channel = await world.open();
    const direct = await world.clock.runUntil(world.near.connect(tcp(), 'far:4000'));
    let old: Message | undefined;
    let late: Message | undefined;
    world.relay.meddle = (message, direction) => {
      if (direction === 'back') return [message];
      if (old !== undefined && late === undefined) {
        late = message;
        return [];
      }
      old ??= message;
      return [message];
    };
    expect(await world.echoes(channel)).toBe(true);
    expect(await world.echoes(channel, 2, 50)).toBe(false);
    expect(await world.clock.runUntil(channel.reroute(direct.route))).toBe(true);
    const passed = { ...world.relay.counts };
    expect(await world.echoes(channel)).toBe(true);
    expect(world.relay.counts).toEqual(passed);
    // A frame that was under way for long is opened; like a repeated and a forged one by the old way it moves nothing.
    const refused = world.far.deadLetters.count('refused');
    world.relay.inject(new Message(late!.onward, late!.returnRoute, late!.payload));
    await world.pass(20);
    expect(world.far.deadLetters.count('refused')).toBe(refused);
    const forged = old!.payload.slice();
    forged[7] = 9;
    for (const payload of [old!.payload, forged]) world.relay.inject(new Message(old!.onward, old!.returnRoute, payload));
    await world.pass(100);
    expect(await world.echoes(channel)).toBe(true);
    expect(world.relay.counts).toEqual(passed);
    await world.stop();
  });

  test('a way on which nobody answers is told within the time, and when the channel ends meanwhile', async () => {
    const world = await ChannelWorld.make();
    const channel = await world.open();
    world.relay.meddle = () => [];
    expect(await world.clock.runUntil(channel.reroute(world.way.withoutLast, 700))).toBe(false);
    const waiting = channel.reroute(world.way.withoutLast, 60_000);
    const start = world.clock.monotonicMs();
    await world.clock.runUntil(channel.close());
    expect(await world.clock.runUntil(waiting)).toBe(false);
    expect(world.clock.monotonicMs() - start).toBeLessThan(1_000);
    expect(await channel.reroute(world.way.withoutLast)).toBe(false);
    await world.stop();
  });
});

describe('signs of life', () => {
  test('one probe of each end for 10 s of quiet, each answered by one frame no larger', async () => {
    const world = await ChannelWorld.make();
    await world.open();
    await world.pass(1_000);
    const seen = watchFrames(world);
    await world.pass(35_000);
    const [there, back] = ['there', 'back'].map((direction) => seen.filter((frame) => frame.direction === direction));
    expect(there!.length).toBe(back!.length);
    expect(there!.length).toBeLessThanOrEqual(6);
    expect(Math.max(...back!.map(({ bytes }) => bytes))).toBeLessThanOrEqual(Math.max(...there!.map(({ bytes }) => bytes)));
    await world.stop();
  });

  test('a flood of foreign frames brings a probe every 4 s, and no end', async () => {
    const world = await ChannelWorld.make();
    const channel = await world.open();
    await world.pass(100);
    let frame: Message | undefined;
    world.relay.meddle = (message, direction) => {
      if (direction === 'there') frame ??= message;
      return [message];
    };
    await world.echoes(channel);
    const seen = watchFrames(world);
    for (let index = 0; index < 2_000; index++) {
      const forged = frame!.payload.slice();
      new DataView(forged.buffer).setUint32(0, index + 1);
      world.relay.inject(new Message(frame!.onward, frame!.returnRoute, forged));
      await world.pass(5);
    }
    expect(seen.filter(({ direction }) => direction === 'back').length).toBeLessThanOrEqual(8);
    expect(await world.echoes(channel)).toBe(true);
    await world.stop();
  });

  test('a peer that has vanished is missed after 30 s, and one that never answered is not judged', async () => {
    const world = await ChannelWorld.make();
    const channel = await world.open();
    await world.pass(1_000);
    let reason: string | undefined;
    void channel.closed.then((ended) => (reason = ended));
    world.network.crash('far');
    expect(await world.until(() => reason !== undefined, 60_000)).toBeLessThanOrEqual(30_000);
    expect(reason).toBe('peerLost');
    await world.stop();

    const silent = await ChannelWorld.make();
    silent.relay.meddle = (message, direction, index) => (direction === 'back' && index > 0 ? [] : [message]);
    const unanswered = await silent.open();
    let isOver = false;
    void unanswered.closed.then(() => (isOver = true));
    await silent.pass(120_000);
    expect(isOver).toBe(false);
    expect(silent.relay.counts.there).toBeLessThan(10);
    await silent.stop();
  });
});

test('an empty route inside a channel reaches nobody and costs no nonce', async () => {
  const world = await ChannelWorld.make();
  const channel = await world.open();
  await world.pass(100);
  const { there } = world.relay.counts;
  for (let count = 0; count < 50; count++) void world.near.send(Route.of([channel.address]), Uint8Array.of(1));
  await world.pass(100);
  expect(world.relay.counts.there).toBe(there);
  expect(world.near.deadLetters.count('empty-route')).toBe(50);
  expect(await world.echoes(channel)).toBe(true);
  await world.stop();
});
