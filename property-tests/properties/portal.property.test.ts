import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../runtime/codec/bare.ts';
import { PosternError } from '../../runtime/errors.ts';
import type { Message } from '../../runtime/message.ts';
import { ReceivedCount, SentCount } from '../../workers/portal/byte-counts.ts';
import {
  decodePortalMessage,
  encodeDataHead,
  encodeDisconnect,
  encodeEnd,
  encodePayloadHead,
  encodePing,
  encodePong,
  encodeProbe,
  encodeReset,
  encodeWindow,
  type PortalMessage,
  RESET_REASONS,
} from '../../workers/portal/portal-message.ts';
import { hostileBytes, payloads } from '../arbitraries/bytes.ts';
import { SHARE } from '../full-counts.ts';
import { type Edit, isPrefix, pattern, PortalWorld, type Program, withPayload } from '../portal-world.ts';

const offsets = fc.oneof(fc.nat(1_000), fc.maxSafeNat());

/** A message and its bytes. */
const written: fc.Arbitrary<[PortalMessage, Uint8Array]> = fc.oneof(
  fc
    .tuple(fc.constantFrom('ping', 'pong'), fc.option(offsets, { nil: undefined }))
    .map(([kind, windowBytes]): [PortalMessage, Uint8Array] => {
      const announcement = windowBytes === undefined ? undefined : { version: 1, capabilities: 0, windowBytes };
      return [{ kind, announcement }, (kind === 'ping' ? encodePing : encodePong)(windowBytes)];
    }),
  fc.constant<[PortalMessage, Uint8Array]>([{ kind: 'disconnect' }, encodeDisconnect()]),
  payloads().map((bytes): [PortalMessage, Uint8Array] => [
    { kind: 'payload', bytes, counter: undefined },
    concat(encodePayloadHead(bytes.length), bytes),
  ]),
  fc
    .tuple(offsets, payloads())
    .map(([offset, bytes]): [PortalMessage, Uint8Array] => [{ kind: 'data', offset, bytes }, concat(encodeDataHead(offset), bytes)]),
  fc
    .tuple(offsets, offsets)
    .map(([received, limit]): [PortalMessage, Uint8Array] => [{ kind: 'window', received, limit }, encodeWindow(received, limit)]),
  offsets.map((total): [PortalMessage, Uint8Array] => [{ kind: 'end', total }, encodeEnd(total)]),
  offsets.map((sent): [PortalMessage, Uint8Array] => [{ kind: 'probe', sent }, encodeProbe(sent)]),
  fc.constantFrom(...RESET_REASONS).map((reason): [PortalMessage, Uint8Array] => [{ kind: 'reset', reason }, encodeReset(reason)]),
);

test('what is written is read', () => {
  fc.assert(
    fc.property(written, ([message, bytes]) => {
      expect(decodePortalMessage(bytes)).toEqual(message);
    }),
  );
});

test('any other bytes are a message, or an error of ours', () => {
  const genuine = written.map(([, bytes]) => bytes);
  fc.assert(
    fc.property(hostileBytes({ genuine }), (bytes) => {
      try {
        expect(decodePortalMessage(bytes).kind).toBeTypeOf('string');
      } catch (thrown) {
        if (!(thrown instanceof PosternError)) throw thrown;
      }
    }),
    { numRuns: 1_000 },
  );
});

test('what is out never passes what is in, and credit never runs over the window', () => {
  // A list of bytes is the model of a stream; the counts must agree with it whatever order things happen in.
  const step = fc.oneof(
    fc.record({ kind: fc.constant('send' as const), count: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ kind: fc.constant('arrive' as const), skip: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ kind: fc.constant('write' as const), count: fc.integer({ min: 1, max: 400 }) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.array(step, { maxLength: 60 }), (windowBytes, steps) => {
      const sent = new SentCount(windowBytes);
      const received = new ReceivedCount(windowBytes);
      const flying: { offset: number; count: number }[] = [];
      let delivered = 0;
      let out = 0;
      for (const each of steps) {
        if (each.kind === 'send') {
          const count = Math.min(each.count, sent.credit);
          flying.push({ offset: sent.sent, count });
          sent.sent += count;
        } else if (each.kind === 'arrive') {
          const [chunk] = flying.splice(each.skip, 1);
          if (chunk === undefined) continue;
          const isNext = chunk.offset === delivered;
          expect(received.data(chunk.offset, chunk.count)).toBe(isNext ? undefined : 'gap');
          if (isNext) delivered += chunk.count;
        } else {
          const count = Math.min(each.count, delivered - out);
          out += count;
          if (received.written(count)) expect(sent.window(received.acknowledgement, received.limit)).toBe(true);
        }
        expect(received.received).toBe(delivered);
        expect(sent.sent - out).toBeLessThanOrEqual(windowBytes);
        expect(sent.credit).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});

interface Side {
  /** How the bytes are cut. */
  readonly chunks: readonly number[];
  /** Breaks off after so many chunks, instead of the end. */
  readonly resetAfter?: number | undefined;
}

interface Outcome {
  readonly client: Program;
  readonly target: Program | undefined;
  readonly there: Uint8Array;
  readonly back: Uint8Array;
  readonly clientMs: number;
}

function speak(program: Program, bytes: Uint8Array, { chunks, resetAfter }: Side): void {
  let at = 0;
  for (const [index, count] of chunks.entries()) {
    if (index === resetAfter) return program.stream.reset();
    program.stream.write([bytes.subarray(at, at + count)]);
    at += count;
  }
  if (resetAfter === undefined) program.stream.end();
  else program.stream.reset();
}

/** One stream from its first byte to the silence after it. */
async function runStream(world: PortalWorld, near: Side, far: Side): Promise<Outcome> {
  const total = ({ chunks }: Side) => chunks.reduce((sum, count) => sum + count, 0);
  const there = pattern(total(near), 1);
  const back = pattern(total(far), 2);
  let target: Program | undefined;
  world.onTarget = (program) => {
    target ??= program;
    speak(program, back, far);
  };
  const client = await world.connect();
  speak(client, there, near);
  const isIdle = () => world.inlet.streams + world.outlet.streams === 0;
  const clientMs = await world.until(() => client.isOver || near.resetAfter !== undefined);
  await world.until(isIdle, 90_000);
  await world.run(10);
  expect([world.inlet.streams, world.outlet.streams]).toEqual([0, 0]);
  return { client, target, there, back, clientMs };
}

/** Out is a prefix of in, and all of it where the end is clean. */
function expectExact({ client, target, there, back }: Outcome): void {
  expect(isPrefix(client.received, back)).toBe(true);
  expect(isPrefix(target?.received ?? new Uint8Array(), there)).toBe(true);
  if (client.hasEnd) expect(client.byteCount).toBe(back.length);
  if (target?.hasEnd === true) expect(target.byteCount).toBe(there.length);
}

const sides = fc.record({
  chunks: fc.array(
    fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 2_000 }) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 120_000 }) }),
    {
      minLength: 1,
      maxLength: 8,
    },
  ),
  resetAfter: fc.option(fc.nat(8), { nil: undefined, freq: 2 }),
});

test('out is a prefix of in, for any chunks and any moment of reset; all of it when nobody resets', async () => {
  await fc.assert(
    fc.asyncProperty(sides, sides, fc.constantFrom(100, 5_000, 1_048_576), async (near, far, windowBytes) => {
      const world = await PortalWorld.make({ inlet: { windowBytes }, outlet: { windowBytes } });
      const outcome = await runStream(world, near, far);
      expectExact(outcome);
      if (near.resetAfter === undefined && far.resetAfter === undefined) {
        expect([outcome.client.hasEnd, outcome.target?.hasEnd]).toEqual([true, true]);
      }
      await world.stop();
      expect(world.network.listenerCount).toBe(1);
    }),
    { numRuns: 60 },
  );
});

/** What a relay of the enemy does to one message. Source: reliability.md PO1 */
const EDITS = {
  drop: () => [],
  duplicate: (message: Message) => [message, withPayload(message, message.payload)],
  truncate: (message: Message) => [withPayload(message, message.payload.slice(0, message.payload.length >> 1))],
  delay: (message: Message, world: PortalWorld, passOn: (later: Message) => void) => {
    world.clock.setTimer(700, () => passOn(message));
    return [];
  },
  swap: (message: Message, world: PortalWorld, passOn: (later: Message) => void) => {
    held = message;
    // The last message of all has none behind it.
    world.clock.setTimer(400, () => {
      if (held === message) passOn(message);
      held = undefined;
    });
    return [];
  },
} as const;
let held: Message | undefined;

describe('a relay that edits one message: no stream is altered, no end is clean before the last byte', () => {
  const positions = 1_000 / SHARE;
  const kinds = Object.keys(EDITS) as (keyof typeof EDITS)[];
  test.each(kinds.flatMap((kind) => [[kind, 'there'] as const, [kind, 'back'] as const]))('%s, %s', async (kind, direction) => {
    const world = await PortalWorld.make({ inlet: { pongTimeoutMs: 8_000 } });
    const chunks = Array.from({ length: positions }, (_, index) => 1 + ((index * 7) % 40));
    const few = [10, 2_000, 30];
    let edited = 0;
    for (let position = 0; position < positions; position++) {
      world.relay.counts.there = 0;
      world.relay.counts.back = 0;
      held = undefined;
      const edit: Edit = (message, way, index, passOn) => {
        if (way !== direction) return [message];
        if (index === position) {
          edited++;
          return EDITS[kind](message, world, passOn);
        }
        const before = held;
        held = undefined;
        return before === undefined ? [message] : [message, before];
      };
      world.relay.edit = edit;
      const outcome = await runStream(
        world,
        { chunks: direction === 'there' ? chunks : few },
        { chunks: direction === 'back' ? chunks : few },
      );
      expectExact(outcome);
      expect(outcome.client.isOver).toBe(true);
      expect(outcome.clientMs).toBeLessThan(10_000);
    }
    expect(edited).toBe(positions);
  });
});
