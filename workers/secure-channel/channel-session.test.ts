import { expect, test } from 'vitest';
import { everyone } from '../../identities/trust.ts';
import { route } from '../../runtime/route.ts';
import { via } from '../../runtime/way.ts';
import { ChannelWorld, untouched } from '../../property-tests/channel-world.ts';
import { tcp } from '../../transports/tcp.ts';
import { connectionSession } from '../session/connection-session.ts';
import { channelSession } from './channel-session.ts';

/** A channel that is kept up over a connection that is kept up, past the relay. */
async function kept() {
  const world = await ChannelWorld.make();
  const connection = connectionSession(world.near, tcp(), 'mid:4000', { isNeeded: true, ping: false });
  const way = via(connection, 'relay', world.toFar, 'api');
  const session = channelSession(world.near, way, { identity: world.alice, trust: everyone, isNeeded: true });
  await world.until(() => session.state === 'up', 5_000);
  const asks = async () => session.current !== undefined && (await world.echoes({ route: session.current }, 1, 300));
  return { world, connection, session, asks };
}

test('a lost connection moves the channel, with its keys, to the next one', async () => {
  const { world, connection, session, asks } = await kept();
  const [ofBob] = [...world.channels.channels];
  const encryptor = session.current!.next;
  const connectedBy = connection.current!.next;
  world.network.reset('near', 'mid');
  await world.until(
    () => connection.current !== undefined && !connection.current.next.equals(connectedBy) && session.state === 'up',
    10_000,
  );
  expect(await asks()).toBe(true);
  expect(session.current!.next.equals(encryptor)).toBe(true);
  expect([...world.channels.channels]).toEqual([ofBob]);
  await world.stop();
});

test('when the other end has lost the channel, another one is made and the old one leaves nothing', async () => {
  const { world, session, asks } = await kept();
  await world.clock.runUntil([...world.channels.channels][0]!.close());
  await world.until(() => session.state !== 'up', 1_000, 1);
  await world.until(() => session.state === 'up', 10_000);
  await world.pass(100);
  expect(await asks()).toBe(true);
  expect(world.channels.channels.size).toBe(1);
  await world.clock.runUntil(session.close());
  await world.pass(1_000);
  expect(world.channels.channels.size).toBe(0);
  await world.stop();
  expect(world.near.flows.isEmpty).toBe(true);
  expect(world.clock.pendingCount).toBe(0);
});

test('a node that stops says Close through its sessions', async () => {
  const { world } = await kept();
  await world.pass(1_000);
  const [ofBob] = [...world.channels.channels];
  await world.clock.runUntil(world.near.stop());
  await world.pass(1_000);
  expect(world.channels.channels.size).toBe(0);
  expect(await ofBob!.closed).toBe('peerClosed');
  await world.stop();
});

/** Message 2 of a handshake, and nothing else, is as long as that. */
const MESSAGE_2_BYTES_MIN = 200;

test('a peer that was restarted right after the handshake, before it said a word, gets another channel', async () => {
  const world = await ChannelWorld.make();
  world.relay.meddle = (message, direction) => (direction === 'there' || message.payloadBytes > MESSAGE_2_BYTES_MIN ? [message] : []);
  const session = channelSession(world.near, world.way, { identity: world.alice, trust: everyone, isNeeded: true });
  await world.until(() => session.state === 'up', 5_000);
  await world.pass(100);
  const first = session.current!.next;
  await world.clock.runUntil([...world.channels.channels][0]!.close());
  await world.pass(100); // nobody hears of it
  world.relay.meddle = untouched;
  expect(await world.until(() => session.current?.next.equals(first) === false, 20_000)).toBeLessThanOrEqual(5_100);
  expect(await world.echoes({ route: session.current! })).toBe(true);
  await world.stop();
  await world.pass(1_000);
  expect(world.clock.pendingCount).toBe(0);
});

test('a peer that never says a word is shaken hands with again after 5 s, and then every 30 s', async () => {
  const world = await ChannelWorld.make();
  world.relay.meddle = (message, direction) => (direction === 'there' || message.payloadBytes > MESSAGE_2_BYTES_MIN ? [message] : []);
  const session = channelSession(world.near, world.way, { identity: world.alice, trust: everyone, isNeeded: true });
  await world.pass(300_000);
  expect(session.status).toMatchObject({ state: 'up', attempts: 11 });
  await world.stop();
});

test('a peer that has said something, never answered a probe and fell silent is shaken hands with once more, after 30 s', async () => {
  const world = await ChannelWorld.make();
  let isHeard = false;
  world.relay.meddle = (message, direction) =>
    direction === 'there' || message.payloadBytes > MESSAGE_2_BYTES_MIN || isHeard ? [message] : [];
  const session = channelSession(world.near, world.way, { identity: world.alice, trust: everyone, isNeeded: true });
  await world.until(() => session.state === 'up', 5_000);
  await world.pass(100);
  const [ofBob] = [...world.channels.channels];
  isHeard = true;
  void world.far.send(route(ofBob!.route, 'nobody'), Uint8Array.of(1));
  await world.pass(100);
  isHeard = false;
  await world.pass(29_000);
  expect(session.status.attempts).toBe(1);
  await world.pass(2_000);
  expect(session.status.attempts).toBe(2);
  await world.stop();
});

test('a channel that moves asks four times within 1 s, so one frame that is lost there costs nothing', async () => {
  const { world, connection, session, asks } = await kept();
  await world.pass(1_000);
  const encryptor = session.current!.next;
  const connectedBy = connection.current!.next;
  let lost = 0;
  world.relay.meddle = (message, direction) => (direction === 'there' && lost++ < 3 ? [] : [message]);
  world.network.reset('near', 'mid');
  const hasMoved = () => connection.current !== undefined && !connection.current.next.equals(connectedBy) && session.state === 'up';
  expect(await world.until(hasMoved, 10_000, 10)).toBeLessThan(1_000);
  expect(lost).toBeGreaterThan(3);
  expect(await asks()).toBe(true);
  expect(session.current!.next.equals(encryptor)).toBe(true);
  await world.stop();
});

test('a first message that is lost costs half a second: the next handshake begins beside it, and one channel is left', async () => {
  const world = await ChannelWorld.make();
  let isFirst = true;
  world.relay.meddle = (message) => {
    const passes = !isFirst;
    isFirst = false;
    return passes ? [message] : [];
  };
  const session = channelSession(world.near, world.way, { identity: world.alice, trust: everyone, isNeeded: true });
  expect(await world.until(() => session.state === 'up', 10_000, 10)).toBeLessThan(600);
  await world.pass(20_000);
  expect(world.channels.channels.size).toBe(1);
  expect(session.status).toMatchObject({ state: 'up', attempts: 1 });
  await world.clock.runUntil(session.close());
  await world.stop();
  await world.pass(1_000);
  expect(world.clock.pendingCount).toBe(0);
});
