import { expect, test } from 'vitest';
import type { CryptoProvider } from '../../identities/crypto.ts';
import { createIdentity, openIdentity } from '../../identities/identity.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { decodePurposeKeyAttestation } from '../../identities/purpose-key.ts';
import { MemoryIdentityRepository } from '../../identities/repository.ts';
import { Secret } from '../../identities/secret.ts';
import { everyone } from '../../identities/trust.ts';
import { SoftwareVault } from '../../identities/vault.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { decodeEnvelope } from '../../runtime/codec/envelope.ts';
import { silentLogger } from '../../runtime/logger.ts';
import type { Message } from '../../runtime/message.ts';
import { Node } from '../../runtime/node.ts';
import { hex } from '../../runtime/random.ts';
import { type Route, route } from '../../runtime/route.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedNetwork } from '../../simulation/network.ts';
import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { FrameReader } from '../../transports/framing.ts';
import { echo } from '../../workers/echo.ts';
import { decodeChannelMessage, decodeIdentityAndCredentials } from '../../workers/secure-channel/channel-message.ts';
import { peerInfo } from '../../workers/secure-channel/local-info.ts';
import { secureChannel, secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { uppercase } from '../../workers/uppercase.ts';
import { RawPeer } from '../conformance/raw-peer.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface Step {
  step: string;
  onward: string[];
  return: string[];
  local_info?: string;
}

const { routes, local_info: localInfo } = readVectors<{
  routes: { steps: Step[] };
  local_info: { type_identifier: string; identifier: string; data: string };
}>('secure-channel/secure-channel.json');

/** The frames of a stream of bytes that began with a version; heartbeats are left out. */
function framesOf(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const reader = new FrameReader({
    onFrame: (body) => {
      if (!decodeEnvelope(body).onward.isEmpty) frames.push(body.slice());
    },
    onSkipped: () => undefined,
  });
  for (let at = 0; at < bytes.length; ) {
    const room = reader.buffer();
    const part = bytes.subarray(at, at + room.length);
    room.set(part);
    reader.onBytes(room.subarray(0, part.length));
    at += part.length;
  }
  return frames;
}

test('routes: every step of a handshake, a request, its answer and Close', async () => {
  expect(routes.steps).toHaveLength(21);
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock });
  const node = (name: string, seed: number) =>
    new Node({ name, clock, random: seededRandom(seed), network: network.host(name), logger: silentLogger });
  const [I, R] = [node('I', 1), node('R', 2)];
  const onWire: Record<string, Uint8Array> = { I: new Uint8Array(), R: new Uint8Array() };
  for (const [from, to] of [
    ['I', 'R'],
    ['R', 'I'],
  ] as const) {
    network.tamper(from, to, (bytes) => {
      onWire[from] = concat(onWire[from]!, bytes);
      return [bytes];
    });
  }
  const plaintexts: Record<string, Uint8Array[]> = { I: [], R: [] };
  const watching = (name: string): CryptoProvider => ({
    ...nodeCrypto,
    importAes256Gcm: (bytes) => {
      const key = nodeCrypto.importAes256Gcm(bytes);
      return {
        seal: (nonce, plaintext, associated) => {
          plaintexts[name]!.push(concat(...plaintext));
          return key.seal(nonce, plaintext, associated);
        },
        open: (nonce, sealed, associated) => key.open(nonce, sealed, associated),
      };
    },
  });
  const sent: Record<string, Message[]> = { I: [], R: [] };
  for (const each of [I, R]) {
    each.trace(({ kind, message }) => {
      if (kind === 'sent') sent[each.name]!.push(message);
    });
  }
  const initiator = await createIdentity({ clock, random: seededRandom(3), crypto: watching('I') });
  const responder = await createIdentity({ clock, random: seededRandom(4), crypto: watching('R') });

  const listener = await R.listen(tcp(), '0.0.0.0:4000');
  const channels = secureChannelListener(R, 'api', { identity: responder, trust: everyone, on: listener });
  R.start('echoer', echo);
  R.publish('echoer', { on: channels, allow: everyone });
  const connection = await clock.runUntil(I.connect(tcp(), 'R:4000'));
  const channel = await clock.runUntil(secureChannel(I, route(connection, 'api'), { identity: initiator, trust: everyone }));
  await clock.run({ untilMs: clock.monotonicMs() + 100 });
  const [accepted] = [...R.connections];
  const [ofResponder] = [...channels.channels];

  const names = new Map<string, string>([
    [connection.address.key, 'tI'],
    [accepted!.address.key, 'tR'],
    [channel.address.key, 'eI'],
    [ofResponder!.address.key, 'eR'],
    [sent['I']![0]!.returnRoute.next.key, 'dI'],
    [decodeEnvelope(framesOf(onWire['R']!)[0]!).returnRoute.next.key, 'dR'],
  ]);
  const named = (of: Route) => [...of].map((address) => names.get(address.key) ?? address.toString().slice(2));
  const seen = (message: Pick<Message, 'onward' | 'returnRoute'>) => ({
    onward: named(message.onward),
    return: named(message.returnRoute),
  });
  const wire = (from: string, index: number) => seen(decodeEnvelope(framesOf(onWire[from]!)[index]!));
  const handshake = [
    seen(sent['I']![0]!),
    wire('I', 0),
    seen(sent['R']![0]!),
    seen(sent['R']![1]!),
    seen(sent['R']![2]!),
    wire('R', 0),
    seen(sent['I']![1]!),
    seen(sent['I']![2]!),
    wire('I', 1),
    seen(sent['R']!.find((message, index) => index > 2 && message.payloadBytes > 300)!),
  ];

  for (const name of ['I', 'R']) {
    sent[name] = [];
    plaintexts[name] = [];
  }
  const framesBefore = framesOf(onWire['I']!).length;
  await clock.runUntil(I.request(route(channel, 'echoer'), Uint8Array.of(1)));
  names.set(sent['I']![0]!.returnRoute.next.key, 'app');
  const inside = (name: string) => {
    const message = decodeChannelMessage(plaintexts[name]![0]!);
    if (message.kind !== 'payload') throw new Error(message.kind);
    return seen(message);
  };
  const said = (message: Message) => ({ ...seen(message), local_info: message.localInfo.map(({ type, data }) => [type, hex(data)]) });
  const request = [
    seen(sent['I']![0]!),
    inside('I'),
    seen(sent['I']![1]!),
    wire('I', framesBefore),
    seen(sent['R']![0]!),
    said(sent['R']![1]!),
    seen(sent['R']![2]!),
    inside('R'),
    seen(sent['R']![3]!),
    said(sent['I']![3]!),
  ];
  const infoOf = (identifier: string) => {
    const { type, data } = peerInfo({ identifier: identifier as never, credentials: [], clock });
    return [[type, hex(data)]];
  };

  sent['I'] = [];
  await clock.runUntil(channel.close());
  const close = seen(sent['I'].at(-1)!);

  const expected = routes.steps.map(({ onward, return: back, local_info: info }) => ({
    onward,
    return: back,
    ...(info !== undefined && { local_info: infoOf(info.endsWith('I') ? initiator.identifier : responder.identifier) }),
  }));
  expect([...handshake, ...request, close]).toEqual(expected);
  await clock.runUntil(Promise.all([I.stop(), R.stop()]));
});

test('local info, to the byte', () => {
  const clock = { wallSeconds: () => 0 };
  const { type, data } = peerInfo({ identifier: localInfo.identifier as never, credentials: [], clock });
  expect(type).toBe(localInfo.type_identifier);
  expect(hex(data)).toBe(localInfo.data);
});

interface Recording {
  time: number;
  identity_secret: string;
  change_history: string;
  static_secret: string;
  ephemeral_secret: string;
  payload: string;
  peer_identifier: string;
  frames: { from: 'us' | 'peer'; frame: string }[];
}

test('a node of the original talks to our listener: every frame of ours comes out as it was recorded', async () => {
  const recording = readVectors<Recording>('recorded/channel-responder.json');
  const clock = new SimulatedClock({ epochSeconds: recording.time });
  const network = new SimulatedNetwork({ clock });
  // Chance as it was written down: the ephemeral secret, and the address to which the peer's frames go.
  const plain = seededRandom(1);
  const ephemeral = fromHex(recording.ephemeral_secret);
  const remoteAddress = fromHex(`${'d'.repeat(31)}2`);
  const written: (Uint8Array | undefined)[] = [];
  const random = { bytes: (count: number) => (count === 32 ? ephemeral.slice() : (written.shift() ?? plain.bytes(count))) };
  const node = new Node({ name: 'node', clock, random, network: network.host('node'), logger: silentLogger });

  const vault = new SoftwareVault(nodeCrypto, plain);
  const repository = new MemoryIdentityRepository();
  await vault.importSigningKey(new Secret('ed25519', fromHex(recording.identity_secret)));
  await vault.importX25519(new Secret('x25519', fromHex(recording.static_secret)));
  const { purposeKeyAttestation } = decodeIdentityAndCredentials(fromHex(recording.payload));
  await repository.storeAttestation(decodePurposeKeyAttestation(purposeKeyAttestation));
  const identity = await openIdentity(fromHex(recording.change_history), { clock, random: plain, vault, repository });

  const listener = await node.listen(tcp(), '0.0.0.0:4000');
  const channels = secureChannelListener(node, 'api', { identity, trust: everyone, on: listener });
  node.start('uppercase', uppercase);
  node.publish('uppercase', { on: channels, allow: everyone });
  const peer = await clock.runUntil(RawPeer.dial(network.host('peer'), { host: 'node', port: 4000 }, { clock }));
  peer.send(Uint8Array.of(1));
  const pass = () => clock.run({ untilMs: clock.monotonicMs() + 50 });
  await pass();
  const before = node.addresses.length;
  // The first 16 bytes that message 1 asks for name the channel's flow, the next ones its remote address.
  written.push(undefined, remoteAddress);
  const ours: string[] = [];
  const peers: (string | undefined)[] = [];
  for (const { from, frame } of recording.frames) {
    if (from === 'us') {
      ours.push(frame);
      continue;
    }
    peer.send(fromHex(frame));
    await pass();
    peers.push([...channels.channels][0]?.peer);
  }
  const came = framesOf(peer.received).map((body) => `${body.length.toString(16).padStart(8, '0')}${hex(body)}`);
  expect(ours).toHaveLength(4);
  expect(came).toEqual(ours);
  // A stranger after message 1, known after message 3, gone after Close.
  const known = recording.peer_identifier;
  expect(peers).toEqual([undefined, known, known, known, known, undefined]);
  expect(node.addresses).toHaveLength(before);
  await clock.runUntil(node.stop());
});
