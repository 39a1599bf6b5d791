import fc from 'fast-check';
import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { encodeBareEnvelope } from '../../runtime/codec/bare-envelope.ts';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { route } from '../../runtime/route.ts';
import type { Transport } from '../../runtime/transport.ts';
import { nodeNetwork } from '../../transports/node-network.ts';
import { tcp } from '../../transports/tcp.ts';
import { websocket } from '../../transports/websocket.ts';
import { echo } from '../../workers/echo.ts';
import { envelopes, frames, hostileBytes } from '../arbitraries/index.ts';
import { RawPeer } from '../conformance/raw-peer.ts';
import { fromHex, readVectors } from '../vectors/read-vectors.ts';
import { inTurn, type Row, type RowResult, Tally } from './row.ts';
import { TcpWorld } from './tcp-world.ts';

const FRAMES_PER_CONNECTION = 50;
const SAMPLED_AT_ONCE = 1_000;
/** The echo of an honest client is looked at so often. */
const FRAMES_PER_ECHO = 100;
const ECHO_MS_MAX = 1_000;
const CBOR_MS_MAX = 50;
const ITEMS_PER_ECHO = 10;
const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${'A'.repeat(22)}==`,
  '',
  '',
].join('\r\n');

/** How an enemy speaks a transport. */
interface Enemy {
  readonly transport: Transport;
  /** What opens a connection, and what has to come back before frames may follow. */
  readonly opening: Uint8Array;
  readonly openingAnswer: string;
  /** Half of them genuine ones that were changed, a quarter made by the grammar, a quarter random. Source: reliability.md R-E1 */
  readonly frames: fc.Arbitrary<Uint8Array>;
}

const ofThree = (changed: fc.Arbitrary<Uint8Array>, made: fc.Arbitrary<Uint8Array>) =>
  fc.oneof(
    { weight: 2, arbitrary: hostileBytes({ genuine: changed }) },
    { weight: 1, arbitrary: made },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  );

const overTcp: Enemy = {
  transport: tcp(),
  opening: Uint8Array.of(1),
  openingAnswer: '\u0001',
  frames: ofThree(
    frames().map(({ bytes }) => bytes),
    hostileBytes({ genuine: frames().map(({ bytes }) => bytes.subarray(4)) }).map(tcpFramed),
  ),
};

const bare = envelopes().map(({ onward, returnRoute, payload }) => encodeBareEnvelope(onward, returnRoute, payload));
const overWebSocket: Enemy = {
  transport: websocket(),
  opening: new TextEncoder().encode(UPGRADE),
  openingAnswer: '\r\n\r\n',
  frames: ofThree(bare.map(webSocketFramed), hostileBytes({ genuine: bare }).map(webSocketFramed)),
};

function tcpFramed(body: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, body.length);
  return concat(length, body);
}

/** A masked binary frame, under the mask 0. */
function webSocketFramed(message: Uint8Array): Uint8Array {
  const head = new Uint8Array(8);
  head.set([0x82, 0x80 | 126]);
  new DataView(head.buffer).setUint16(2, message.length);
  return concat(head, message);
}

/** Malformed frames over real sockets, one connection after another, while an honest client wants its echo. */
async function flood({ transport, opening, openingAnswer, frames: arbitrary }: Enemy, count: number, seed: number): Promise<RowResult> {
  const make = (name: string) => new Node({ name, clock: systemClock, random: systemRandom, network: nodeNetwork, logger: silentLogger });
  await using server = make('server');
  await using control = make('control');
  const listener = await server.listen(transport, '127.0.0.1:0');
  const tally = new Tally();
  let trespasses = 0;
  for (let index = 0; index < 10; index++) {
    server.start(`private-${index}`, {
      onMessage: () => {
        trespasses++;
      },
    });
  }
  server.start('echo', echo);
  server.publish('echo', { on: listener, allow: allowEveryone });
  const connection = await control.connect(transport, `127.0.0.1:${listener.local.port}`);
  const footprint = () => `${server.connections.size} connections, ${server.addresses.length} addresses`;
  const echoMs = async () => {
    const sinceMs = systemClock.monotonicMs();
    await control.request(route(connection, 'echo'), Uint8Array.of(1), { timeoutMs: ECHO_MS_MAX });
    return systemClock.monotonicMs() - sinceMs;
  };
  await echoMs();
  const before = footprint();

  let peer: RawPeer | undefined;
  let sent = 0;
  let sample: readonly Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    if (index % SAMPLED_AT_ONCE === 0) sample = fc.sample(arbitrary, { numRuns: SAMPLED_AT_ONCE, seed: seed + index });
    if (peer === undefined || peer.state !== 'open' || sent === FRAMES_PER_CONNECTION) {
      peer?.reset();
      peer = await RawPeer.dial(nodeNetwork, listener.local);
      peer.send(opening);
      await peer.heard(openingAnswer);
      if (peer.state !== 'open') tally.add('a fresh connection was refused');
      sent = 0;
    }
    peer.send(sample[index % SAMPLED_AT_ONCE] ?? new Uint8Array());
    sent++;
    // A turn of the event loop brings it to the server, another one its answer back.
    await new Promise((resolve) => void setImmediate(resolve));
    await new Promise((resolve) => void setImmediate(resolve));
    if (index % FRAMES_PER_ECHO === FRAMES_PER_ECHO - 1) {
      const ms = await echoMs();
      tally.measured(ms, 'ms for an honest echo');
    }
    tally.add(trespasses > 0 ? 'a private worker was reached' : undefined);
  }
  peer?.reset();
  await echoMs();
  for (let turn = 0; turn < 500 && footprint() !== before; turn++) await new Promise((resolve) => void setTimeout(resolve, 2));
  if (footprint() !== before) tally.add(`${footprint()} are left of ${before}`);
  return tally.result;
}

interface HostileCbor {
  readonly hex?: string;
  readonly pattern?: string;
  readonly repeat?: number;
  readonly suffix?: string;
}

/** Every hostile item as a whole body, and behind a genuine message. */
function cborBodies(): Uint8Array[] {
  const hostile = readVectors<{ vectors: readonly HostileCbor[] }>('cbor/hostile.json').vectors;
  const broken = readVectors<{ vectors: readonly HostileCbor[] }>('cbor/rfc8949_appendix_f_not_well_formed.json').vectors;
  const items = [...hostile, ...broken].map(({ hex, pattern = '', repeat = 0, suffix = '' }) =>
    fromHex(hex ?? pattern.repeat(repeat) + suffix),
  );
  items.push(new Uint8Array(200_000).fill(0x81));
  const message = fromHex('85818200446563686f804178f6');
  return items.flatMap((item) => [item, concat(message, item)]);
}

const cborBombs: Row = {
  id: 'TR7',
  about: 'hostile CBOR in a frame is refused at once',
  full: cborBodies().length,
  run: async ({ count, seed }) => {
    const bodies = cborBodies();
    const world = await TcpWorld.start({ seed });
    for (let warm = 0; warm < 20; warm++) await world.echoMs();
    const result = await inTurn(count, async (index, tally) => {
      const peer = await world.knock();
      peer.send(concat(Uint8Array.of(1), tcpFramed(bodies[index % bodies.length] ?? new Uint8Array())));
      // Time of this process alone, so that a busy machine changes nothing.
      const before = process.cpuUsage();
      await world.pass(10);
      const { user, system } = process.cpuUsage(before);
      const tookMs = (user + system) / 1_000;
      tally.measured(tookMs, 'ms');
      peer.reset();
      if (index % ITEMS_PER_ECHO === 0) await world.echoMs();
      return tookMs > CBOR_MS_MAX ? `took ${tookMs} ms` : world.trespasses > 0 ? 'a private worker was reached' : undefined;
    });
    await world.stop();
    return result;
  },
};

export const rows: readonly Row[] = [
  { id: 'R-E1', about: 'TR1: malformed frames over TCP', full: 1_000_000, run: ({ count, seed }) => flood(overTcp, count, seed) },
  {
    id: 'R-E1-WS',
    about: 'TR1: malformed frames over WebSocket',
    full: 1_000_000,
    run: ({ count, seed }) => flood(overWebSocket, count, seed),
  },
  cborBombs,
];
