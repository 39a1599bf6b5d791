import { expect, test } from 'vitest';
import { PortalWorld, type Program } from '../../property-tests/portal-world.ts';

const STREAMS = 50;
const PIECE_BYTES = 64 * 1024;
/** What stands in every byte of the stream that stalls, so that it is known wherever it is. */
const MARK = 0xee;
const DATA = 0x10;

/** Writes for ever, as fast as it is taken. */
function pump({ stream }: Program, fill: number): void {
  const piece = new Uint8Array(PIECE_BYTES).fill(fill);
  const push = (): void => {
    stream.write([piece]);
    stream.drained(push);
  };
  push();
}

// Source: reliability.md PO6, R-C9. The link carries 128 KiB each 10 ms, and all streams share it.
test('one of 50 readers stalls: the others go on at their rate, and less than 2 MiB of its stream are in all nodes together', async () => {
  const world = await PortalWorld.make({ latencyMs: 5, windowBytes: 2 * PIECE_BYTES });
  let markedIn = 0;
  world.near.trace(({ kind, message }) => {
    if (kind !== 'sent') return;
    const chunks = message.payloadChunks;
    const data = chunks.at(-1);
    if (chunks.length === 2 && chunks[0]?.[0] === DATA && data?.[0] === MARK) markedIn += data.length;
  });
  for (let count = 0; count < STREAMS; count++) pump(await world.connect(), count === 0 ? MARK : 1);
  await world.until(() => world.targets.length === STREAMS && world.targets.every(({ byteCount }) => byteCount > 0));
  for (const target of world.targets) target.chunks.length = 0;
  const bytesIn8s = async () => {
    const before = world.targets.map(({ byteCount }) => byteCount);
    await world.run(8_000);
    return world.targets.map(({ byteCount }, index) => byteCount - (before[index] ?? 0));
  };
  const atFirst = await bytesIn8s();
  const stalled = world.targets.find(({ chunks }) => chunks[0]?.[0] === MARK) as Program;
  stalled.stream.pause();
  await world.run(1_000);
  const then = await bytesIn8s();
  const share = atFirst.reduce((sum, byteCount) => sum + byteCount, 0) / STREAMS;
  const others = then.filter((_, index) => world.targets[index] !== stalled);
  expect(Math.min(...atFirst)).toBeGreaterThan(0.8 * share);
  expect(Math.min(...others)).toBeGreaterThan(0.8 * share);
  expect(then[world.targets.indexOf(stalled)]).toBe(0);
  const inNodes = markedIn - stalled.byteCount;
  expect(inNodes).toBeGreaterThan(500_000);
  expect(inNodes).toBeLessThan(2 * 1024 * 1024);
  expect(stalled.isOver).toBe(false);
});
