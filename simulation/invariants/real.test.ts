import { expect, test } from 'vitest';
import { createIdentity } from '../../identities/identity.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { everyone } from '../../identities/trust.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { text } from '../../runtime/codec/codec.ts';
import { route } from '../../runtime/route.ts';
import { tcp } from '../../transports/tcp.ts';
import { echo } from '../../workers/echo.ts';
import { secureChannel, secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { type Play, simulate } from '../simulate.ts';
import type { Home } from '../world-node.ts';
import {
  backAfterFaults,
  everyMessageEnds,
  messageSums,
  noNonceTwice,
  noPlaintext,
  nothingLeft,
  onlyAllowed,
  orderPerSender,
  queuesWithin,
} from './index.ts';

async function server(home: Home): Promise<void> {
  const { node, watched } = home;
  const listener = await node.listen(tcp(), '0.0.0.0:4000');
  const identity = await createIdentity({ ...home, crypto: watched(nodeCrypto) });
  const channels = secureChannelListener(node, 'api', { identity, trust: everyone, on: listener });
  node.start('echo', echo);
  node.start('vault', echo);
  node.publish('echo', { on: channels, allow: allowEveryone });
}

/** Asks twenty times through a channel, once for what nobody published, and again after a partition. */
const play: Play = async (world) => {
  const { ready } = world.node('server', server);
  const client = world.node('client');
  world.network.setLatency('server', 'client', 5);
  await ready;
  const identity = await createIdentity({ ...client.home, crypto: client.home.watched(nodeCrypto) });
  const connection = await client.node.connect(tcp(), 'server:4000');
  const channel = await secureChannel(client.node, route(connection, 'api'), { identity, trust: everyone });
  const ask = (worker: string) => client.node.request(route(channel, worker), text.encode('account 4711'), { timeoutMs: 2_000 });
  await Promise.all(Array.from({ length: 20 }, () => ask('echo')));
  await expect(ask('vault')).rejects.toThrow();
  world.partition(client, 'server');
  const late = ask('echo');
  await world.pass('500ms');
  world.heal(client, 'server');
  await late;
  world.note('answered');
};

const invariants = [
  orderPerSender,
  onlyAllowed(({ node, destination, isFromAfar }) => !(node === 'server' && destination === '0#vault' && isFromAfar)),
  noNonceTwice,
  noPlaintext(['account 4711']),
  queuesWithin(25),
  nothingLeft,
  backAfterFaults({ withinMs: 1_000, sign: 'answered' }),
  everyMessageEnds,
];

test('a real run holds them, with much to hold them by', async () => {
  const { trace } = await simulate({ seed: 3, invariants, keepBytes: true }, play);
  expect(trace.events.filter(({ kind }) => kind === 'seal').length).toBeGreaterThan(40);
  expect(trace.events.filter(({ kind }) => kind === 'bytes').length).toBeGreaterThan(20);
  const { sent, handled, dead, lost, waiting, undeliverable } = messageSums(trace);
  expect(sent).toBe(handled + dead + lost + waiting);
  expect(handled).toBeGreaterThan(80);
  expect(undeliverable).toBeGreaterThan(0);
});

test('a real run breaks what it does not hold', async () => {
  const failures = [
    queuesWithin(3),
    backAfterFaults({ withinMs: 1, sign: 'answered' }),
    onlyAllowed(({ destination }) => destination !== '0#echo'),
  ];
  for (const invariant of failures) {
    const run = simulate({ seed: 3, invariants: [invariant], replays: false }, play);
    await expect(run).rejects.toMatchObject({ code: 'SIMULATION_FAILED', violation: { invariant: invariant.name } });
  }
});

test('plaintext on a link of a real run is found, and so is that nobody kept its bytes', async () => {
  const withoutChannel: Play = async (world) => {
    const [open, client] = world.nodes('open', 'client');
    const listener = await open.node.listen(tcp(), '0.0.0.0:4000');
    open.node.start('echo', echo);
    open.node.publish('echo', { on: listener, allow: allowEveryone });
    const connection = await client.node.connect(tcp(), 'open:4000');
    await client.node.request(route(connection, 'echo'), text.encode('account 4711'));
  };
  const run = (keepBytes: boolean) =>
    simulate({ seed: 3, invariants: [noPlaintext(['account 4711'])], keepBytes, replays: false }, withoutChannel);
  await expect(run(true)).rejects.toThrow('"account 4711" is legible from client to open');
  await expect(run(false)).rejects.toThrow('the run kept no bytes');
});
