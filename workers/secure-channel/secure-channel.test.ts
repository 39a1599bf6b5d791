import { expect, test } from 'vitest';
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
