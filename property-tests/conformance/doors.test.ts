import * as postern from 'postern';
import * as conformance from 'postern/conformance';
import * as manager from 'postern/manager';
import * as generators from 'postern/property-tests';
import * as wire from 'postern/wire';
import { expect, test } from 'vitest';

test('composers find routes and addresses as text both ways, resolving, dead letters and the trace', async () => {
  expect(String(postern.parseRoute('hop => 1#127.0.0.1:4000 => echo'))).toBe('0#hop => 1#127.0.0.1:4000 => 0#echo');
  expect(String(postern.address('1#host:1'))).toBe('1#host:1');
  expect(postern.resolveRoute).toBeTypeOf('function');
  await using node = await postern.createNode({ logger: postern.silentLogger });
  const letters: string[] = [];
  const hops: string[] = [];
  node.deadLetters.subscribe(({ reason }) => letters.push(reason));
  node.trace(({ kind }) => hops.push(kind));
  node.start('echo', postern.echo);
  await node.request('echo', new Uint8Array(1));
  await node.send('nobody', new Uint8Array(1));
  expect(letters).toEqual(['unknown-address']);
  expect(hops).toContain('handled');
});

test('protocol testers find a scripted peer, the codecs, the Noise objects and the conformance suite', () => {
  expect(conformance.RawPeer).toBeTypeOf('function');
  expect(conformance.transportConformance).toBeTypeOf('function');
  expect(wire.HandshakeState).toBeTypeOf('function');
  const envelope = wire.encodeEnvelopeHead(postern.route('echo'), postern.route('app'), 0);
  expect(String(wire.decodeEnvelope(envelope).onward)).toBe('0#echo');
  expect(wire.portalMessages.decodePortalMessage(wire.portalMessages.encodePing()).kind).toBe('ping');
});

test('simulators give every port', async () => {
  const said: string[] = [];
  await using node = await postern.createNode({
    clock: postern.systemClock,
    random: postern.systemRandom,
    network: postern.nodeNetwork,
    logger: { log: (_level, event) => said.push(event) },
  });
  node.start('fails', {
    onMessage: () => {
      throw new Error('on purpose');
    },
  });
  await node.send('fails', new Uint8Array(1));
  expect(said).toContain('worker.failed');
});

test('operators find addresses, nodes with their resources, and a home in memory', () => {
  expect(String(manager.parseMultiAddress('self'))).toBe('/secure/api');
  for (const name of ['createManager', 'Links', 'MemoryHome', 'importProject'] as const) expect(manager[name]).toBeTypeOf('function');
});

test('testers of their own programs find generators', () => {
  for (const name of [
    'addresses',
    'routes',
    'envelopes',
    'frames',
    'hostileBytes',
    'topologies',
    'behindNat',
    'routesOver',
    'attributeSets',
    'chunkings',
  ])
    expect(generators).toHaveProperty(name);
});
