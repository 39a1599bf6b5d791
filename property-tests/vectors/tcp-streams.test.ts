import { describe, expect, test } from 'vitest';
import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { nodeNetwork } from '../../transports/node-network.ts';
import { tcp } from '../../transports/tcp.ts';
import { echo } from '../../workers/echo.ts';
import { RawPeer } from '../conformance/raw-peer.ts';
import { GREETING, TcpWorld, tcpFrame } from '../reliability/tcp-world.ts';
import { fromHex } from './read-vectors.ts';
import { TCP_VERDICTS, type TcpStreamCase, type TcpVerdict, tcpStreamBytes, tcpStreamCases } from './tcp-streams.ts';

const PREAMBLE_MS = 5_000;
const FRAME_MS = 30_000;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const HEARTBEATS = /^010000000483808040(?:0000000483808040)*$/;
/** The reply to the genuine message of the file: onward `app`, back by the connection's own address. */
const REPLY = /83818200436170708182004[0-9a-f]+4568656c6c6f$/;

/** Plays one stream against a node and says what became of it. */
async function play(world: TcpWorld, each: TcpStreamCase, pieces: readonly Uint8Array[]): Promise<TcpVerdict | undefined> {
  const droppedBefore = world.server.deadLetters.count();
  const peer = await world.knock();
  const sinceMs = world.clock.monotonicMs();
  let closedAfterMs: number | undefined;
  void peer.closed(2 * FRAME_MS).then(
    () => (closedAfterMs = world.clock.monotonicMs() - sinceMs),
    () => undefined,
  );
  for (const piece of pieces) {
    if (peer.state === 'open') peer.send(piece);
    await world.pass(each.pace_ms ?? 0);
  }
  if (each.name.startsWith('valid heartbeat')) {
    // Whoever says that it lives has to say so again.
    await world.pass(10_000);
    peer.send(fromHex('0000000483808040'));
  }
  await world.pass(sinceMs + FRAME_MS + 2_000 - world.clock.monotonicMs());
  if (closedAfterMs !== undefined) {
    if (closedAfterMs < 100) return 'closed';
    if (Math.abs(closedAfterMs - PREAMBLE_MS) < 100) return 'closed at the preamble deadline';
    // The first byte of the frame comes one pace after the version.
    return closedAfterMs >= FRAME_MS && closedAfterMs <= FRAME_MS + 1_100 ? 'closed at the frame deadline' : undefined;
  }
  const dropped = world.server.deadLetters.count() - droppedBefore;
  const heard = hex(peer.received);
  peer.end();
  await world.pass(1_000);
  if (REPLY.test(heard.replace(/(?:0000000483808040)+$/, ''))) return 'answered';
  if (!HEARTBEATS.test(heard)) return undefined;
  return dropped === 0 ? 'ignored' : dropped === 1 ? 'dropped' : dropped === 2 ? 'both dropped' : undefined;
}

describe('byte streams for the TCP transport', () => {
  const cases = tcpStreamCases();

  test('62 streams, each with an expectation that means something', () => {
    expect(cases.length).toBe(62);
    expect(cases.filter((each) => TCP_VERDICTS[each.expect] === undefined)).toEqual([]);
  });

  test.each(cases)('$name: $expect', async (each) => {
    const world = await TcpWorld.start();
    const before = world.footprint;
    const bytes = tcpStreamBytes(each);
    const pieces = each.pace_ms === undefined ? [bytes] : Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
    const verdict = await play(
      world,
      each,
      pieces.filter((piece) => piece.length > 0),
    );
    expect(TCP_VERDICTS[each.expect]).toContain(verdict);
    await world.pass(5_000);
    expect(world.footprint).toBe(before);
    expect(world.trespasses).toBe(0);
    expect(world.forwards).toBeLessThan(64);
    expect(await world.echoMs()).toBeLessThan(1_000);
    // eslint-disable-next-line no-control-regex -- that is what is looked for
    for (const line of world.lines) expect(line).toMatch(/^[^\u0000-\u001f\u007f-\u009f]*\n$/);
    await world.stop();
    expect(world.clock.pendingCount).toBe(0);
  });

  test('the genuine frame is answered at every split, and at every pair of splits', async () => {
    const each = cases.find(({ split }) => split !== undefined)!;
    const bytes = tcpStreamBytes(each);
    const world = await TcpWorld.start({ caps: { strangersPerAddress: 512 } });
    let answered = 0;
    let tried = 0;
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const peer = await world.knock();
        for (const piece of [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]) {
          if (piece.length === 0) continue;
          peer.send(piece);
          await world.pass(0);
        }
        await world.pass(10);
        tried++;
        if (REPLY.test(hex(peer.received))) answered++;
        peer.reset();
      }
    }
    expect(tried).toBe(((bytes.length + 1) * (bytes.length + 2)) / 2);
    expect(answered).toBe(tried);
    await world.stop();
  });

  // Deadlines are for virtual time; what is decided at once is decided over real sockets too.
  const atOnce = cases.filter(
    ({ expect: text, bytes }) =>
      bytes !== '' && !TCP_VERDICTS[text]?.includes('closed at the frame deadline') && text !== 'ignored, connection stays',
  );

  test(`${atOnce.length} streams over real sockets`, async () => {
    expect(atOnce.length).toBe(55);
    await using server = new Node({ clock: systemClock, random: systemRandom, network: nodeNetwork, logger: silentLogger });
    const listener = await server.listen(tcp(), '127.0.0.1:0');
    server.start('echoer', echo);
    server.publish('echoer', { on: listener, allow: allowEveryone });
    const control = await RawPeer.dial(nodeNetwork, listener.local);
    control.send(Uint8Array.of(1));
    expect(hex(await control.frame())).toBe(GREETING.slice(-8));
    for (const each of atOnce) {
      const peer = await RawPeer.dial(nodeNetwork, listener.local);
      peer.send(tcpStreamBytes(each));
      const verdicts = TCP_VERDICTS[each.expect]!;
      if (verdicts.length === 1 && verdicts[0] === 'closed') await peer.closed();
      else {
        // Closed, or alive: then a genuine message after it is answered.
        peer.send(tcpFrame(['echoer'], ['app'], new TextEncoder().encode('hello')));
        const isAnswered = await Promise.race([
          peer.closed().then(() => false),
          (async () => {
            while (!REPLY.test(hex(await peer.frame())));
            return true;
          })().catch(() => false),
        ]);
        expect([each.name, isAnswered || verdicts.includes('closed')]).toEqual([each.name, true]);
      }
      peer.reset();
      control.send(tcpFrame(['echoer'], ['app'], new TextEncoder().encode('hello')));
      expect(hex(await control.frame())).toMatch(REPLY);
    }
    control.reset();
  });
});
