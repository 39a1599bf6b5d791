import { describe, expect, test } from 'vitest';
import { type Edit, pattern, PortalWorld, type Program, withPayload } from '../../property-tests/portal-world.ts';
import { DemoWorld } from '../../property-tests/reliability/demo-world.ts';
import { faultOf, script, speak } from '../../property-tests/reliability/streams.ts';

type World = Pick<PortalWorld, 'connect' | 'until' | 'inlet' | 'outlet' | 'onTarget'>;
type Relay = PortalWorld['relay'];
type Way = 'there' | 'back';

const SAID = script(3_000, 3_000, 5);
const PIECE_BYTES = 700;

/**
 * Runs one stream, and cuts the first message for which `lengthOf` gives a length down to it.
 * @returns what the programs saw; a clean end before the last byte, or bytes that were never written, fail the test
 */
async function cutStream(world: World, relay: Relay, way: Way, lengthOf: (payload: Uint8Array, index: number) => number | undefined) {
  let target: Program | undefined;
  let wasCut = false;
  world.onTarget = (program) => {
    target = program;
    speak(program, SAID.back, PIECE_BYTES);
  };
  relay.counts.there = 0;
  relay.counts.back = 0;
  const edit: Edit = (message, direction, index) => {
    const length = wasCut || direction !== way ? undefined : lengthOf(message.payload, index);
    if (length === undefined) return [message];
    wasCut = true;
    return [withPayload(message, message.payload.slice(0, length))];
  };
  relay.edit = edit;
  const client = await world.connect();
  speak(client, SAID.there, PIECE_BYTES);
  await world.until(() => client.isOver);
  await world.until(() => world.inlet.streams + world.outlet.streams === 0, 90_000);
  relay.edit = (message) => [message];
  const bothAreOver = () => client.isOver && target?.isOver !== false;
  await world.until(bothAreOver, 100); // a reset may still be on its way
  expect([wasCut, faultOf(client, target, SAID), bothAreOver(), world.inlet.streams + world.outlet.streams]).toEqual([
    true,
    undefined,
    true,
    0,
  ]);
  return { client, target };
}

describe('a relay cuts one message, wherever it can be cut: prefixes are exact, no end is clean before the last byte', () => {
  const KINDS: readonly [name: string, way: Way, kind: number, byteCount: number][] = [
    ['Ping', 'there', 0x00, 9],
    ['Pong', 'back', 0x01, 9],
    ['Data, the first', 'there', 0x10, 702],
    ['Data, the first', 'back', 0x10, 702],
    ['Data, the last', 'there', 0x10, 203],
    ['Data, the last', 'back', 0x10, 203],
    ['Window', 'there', 0x11, 6],
    ['Window', 'back', 0x11, 6],
    ['End', 'there', 0x12, 3],
    ['End', 'back', 0x12, 3],
  ];
  test.each(KINDS)('%s, %s', async (_, way, kind, byteCount) => {
    const isIt = (payload: Uint8Array) => payload[0] === kind && (kind !== 0x10 || payload.length === byteCount);
    const world = await PortalWorld.make({ inlet: { pongTimeoutMs: 2_000 } });
    for (let length = 0; length < byteCount; length++) {
      // Of data it is enough to cut the head, and at, behind and before an edge.
      if (length > 4 && length < byteCount - 2 && length !== byteCount >> 1) continue;
      // That one is no damage but a greeting of the original: see below.
      if (kind === 0x00 && length === 1) continue;
      const { client, target } = await cutStream(world, world.relay, way, (payload) => (isIt(payload) ? length : undefined));
      // Whoever had everything before may have seen its end, and of the last Window nothing depends any more.
      if (kind !== 0x11) expect([length, client.wasReset || target?.wasReset]).toEqual([length, true]);
    }
  });

  // Nonce of 8 bytes, sealed message, tag of 16 bytes.
  test.each(['there', 'back'] as const)('a frame of a channel, %s', async (way) => {
    const world = await DemoWorld.make({ seed: 3, inlet: { pongTimeoutMs: 4_000 } });
    for (const cut of [0, 1, 7, 8, 9, 23, 24, -17, -16, -15, -1]) {
      await cutStream(world, world.editor, way, ({ length }, index) =>
        index === 2 ? Math.min(length, cut < 0 ? length + cut : cut) : undefined,
      );
    }
    await world.stop();
  });
});

describe('a greeting without its announcement', () => {
  const cutGreeting =
    (kind: number): Edit =>
    (message) =>
      message.payload[0] === kind ? [withPayload(message, message.payload.slice(0, 1))] : [message];

  const open = async (options: Parameters<typeof PortalWorld.make>[0], kind: number) => {
    const reasons: unknown[] = [];
    const logger = {
      log: (_: string, event: string, fields?: { readonly reason?: unknown }) => {
        if (event === 'portal.stream.reset') reasons.push(fields?.reason);
      },
    };
    const world = await PortalWorld.make({ ...options, logger });
    world.relay.edit = cutGreeting(kind);
    const client = await world.connect();
    client.stream.write([pattern(100)]);
    await world.run(1_000);
    return { world, client, reasons };
  };

  test('a Ping: both ends speak as to an original', async () => {
    const { world, client } = await open({}, 0x00);
    expect([world.targets[0]?.byteCount, client.wasReset]).toEqual([100, false]);
  });

  test('a Pong: the outlet numbers, so the first chunk gives it away', async () => {
    const { world, client } = await open({}, 0x01);
    expect([world.targets[0]?.byteCount, world.targets[0]?.wasReset, client.wasReset]).toEqual([0, true, true]);
  });

  test('an outlet that requires numbers refuses it, and dials nobody', async () => {
    const { world, client, reasons } = await open({ outlet: { requireNumbers: true } }, 0x00);
    expect([world.targets.length, client.wasReset, reasons[0], world.outlet.streams, world.inlet.streams]).toEqual([
      0,
      true,
      'unnumbered',
      0,
      0,
    ]);
  });

  test.each([0x00, 0x01])('an inlet that requires numbers resets its client, and the far end is told (%i)', async (kind) => {
    const { world, client, reasons } = await open({ inlet: { requireNumbers: true } }, kind);
    expect([client.wasReset, reasons[0], world.targets[0]?.isOver, world.targets[0]?.byteCount]).toEqual([true, 'unnumbered', true, 0]);
    expect(world.inlet.streams).toBe(0);
  });

  test('with both requiring them, an honest stream is not refused', async () => {
    const world = await PortalWorld.make({ inlet: { requireNumbers: true }, outlet: { requireNumbers: true } });
    const client = await world.connect();
    client.stream.write([pattern(100)]);
    await world.until(() => world.targets[0]?.byteCount === 100);
    expect(world.targets[0]?.byteCount).toBe(100);
  });
});
