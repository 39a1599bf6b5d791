import { expect, test } from 'vitest';
import { everyone } from '../../identities/trust.ts';
import { via } from '../../runtime/way.ts';
import { ChannelWorld } from '../../property-tests/channel-world.ts';
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
