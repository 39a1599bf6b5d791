import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import { createIdentity } from '../../identities/identity.ts';
import { everyone, onlyPeer } from '../../identities/trust.ts';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { route } from '../../runtime/route.ts';
import { nodeNetwork } from '../../transports/node-network.ts';
import { tcp } from '../../transports/tcp.ts';
import { echo } from '../echo.ts';
import { fromPeers } from './local-info.ts';
import { secureChannel, secureChannelListener } from './secure-channel.ts';

const ports = { clock: systemClock, random: systemRandom };
const makeNode = (name: string) => new Node({ name, ...ports, network: nodeNetwork, logger: silentLogger });

test('two nodes talk through a channel over TCP, and only what is published on it is reached', async () => {
  const [alice, bob] = [await createIdentity(ports), await createIdentity(ports)];
  await using server = makeNode('server');
  await using client = makeNode('client');
  const listener = await server.listen(tcp(), '127.0.0.1:0');
  const channels = secureChannelListener(server, 'api', { identity: bob, trust: onlyPeer(alice.identifier), on: listener });
  server.start('echo', echo);
  server.start('private', echo);
  server.publish('echo', { on: channels, allow: fromPeers(alice.identifier) });
  const connection = await client.connect(tcp(), `127.0.0.1:${listener.local.port}`);
  const channel = await secureChannel(client, route(connection, 'api'), { identity: alice, trust: onlyPeer(bob.identifier) });
  expect(channel.peer).toBe(bob.identifier);
  for (let index = 0; index < 100; index++) {
    const answer = await client.request(route(channel, 'echo'), Uint8Array.of(index), { timeoutMs: 2_000 });
    expect([...answer.payload]).toEqual([index]);
  }
  await expect(client.request(route(channel, 'private'), Uint8Array.of(1), { timeoutMs: 100 })).rejects.toMatchObject({
    code: 'REQUEST_TIMEOUT',
  });
  await channel.close();
  expect(await channel.closed).toBe('stopped');
});

test('a peer that is not trusted gets no channel', async () => {
  const [alice, bob, eve] = [await createIdentity(ports), await createIdentity(ports), await createIdentity(ports)];
  await using server = makeNode('server');
  await using client = makeNode('client');
  const listener = await server.listen(tcp(), '127.0.0.1:0');
  secureChannelListener(server, 'api', { identity: bob, trust: everyone, on: listener });
  const connection = await client.connect(tcp(), `127.0.0.1:${listener.local.port}`);
  const refused = secureChannel(client, route(connection, 'api'), { identity: alice, trust: onlyPeer(eve.identifier) });
  await expect(refused).rejects.toMatchObject({ code: 'PEER_REFUSED' });
});

describe('between what costs time the event loop has its turns:', () => {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  /** @returns the most that was counted in one turn, once there were so many */
  async function mostInATurn(count: () => number, all: number): Promise<number> {
    let most = 0;
    for (let before = count(); before < all; ) {
      await turn();
      most = Math.max(most, count() - before);
      before = count();
    }
    return most;
  }

  test('a flood of first messages', async () => {
    await using server = makeNode('server');
    const listener = await server.listen(tcp(), '127.0.0.1:0');
    secureChannelListener(server, 'api', { identity: await createIdentity(ports), trust: everyone, on: listener });
    let handled = 0;
    server.trace(({ kind, message }) => {
      if (kind === 'handled' && message.destination.name === 'api') handled += 1;
    });
    const stranger = server.detached();
    for (let sent = 0; sent < 200; sent++) void stranger.send('api', new Uint8Array(32).fill(9));
    expect(await mostInATurn(() => handled, 200)).toBeLessThanOrEqual(32);
  });

  test('a flood of newer credentials', async () => {
    const [alice, bob] = [await createIdentity(ports), await createIdentity(ports)];
    await using server = makeNode('server');
    await using client = makeNode('client');
    const listener = await server.listen(tcp(), '127.0.0.1:0');
    secureChannelListener(server, 'api', { identity: bob, trust: everyone, on: listener });
    const connection = await client.connect(tcp(), `127.0.0.1:${listener.local.port}`);
    let made = 0;
    let present: () => void = () => undefined;
    await secureChannel(client, route(connection, 'api'), {
      identity: alice,
      trust: everyone,
      credential: {
        retrieve: () => Promise.resolve(made === 0 ? undefined : Uint8Array.of(0x41, made)),
        subscribe: (listens) => {
          present = listens;
          return () => undefined;
        },
      },
    });
    const checked = vi.spyOn(bob, 'refreshPeer');
    for (made = 1; made <= 60; made++) present();
    expect(await mostInATurn(() => checked.mock.calls.length, 60)).toBeLessThanOrEqual(1);
  });
});
