import { everyone } from '../../identities/trust.ts';
import { seededRandom } from '../../simulation/random.ts';
import { channelSession } from '../../workers/secure-channel/channel-session.ts';
import { ChannelWorld } from '../channel-world.ts';
import { pattern, type Program } from '../portal-world.ts';
import { DemoWorld } from './demo-world.ts';
import { inTurn, type Row, Tally } from './row.ts';
import { faultOf, isComplete, script, speak } from './streams.ts';

/** Source: reliability.md PO6 */
const RATE_SHARE_MIN = 0.8;
const STREAM_BYTES = 60_000;
/** An inlet has its window; what else is on the way is in the sockets, which all streams share. Source: reliability.md PO6 */
const STALLED_BYTES_MAX = 2 * 1024 * 1024;
/** Source: reliability.md R-C11 */
const LATENCY_MS = 100;
const HANDSHAKES_LOST = 0.3;
const SLOW_SHARE = 0.02;
const TRANSFER_BYTES = 10 * 1024 * 1024;
const TRANSFER_MS_MAX = 300_000;

/** Downloads by all but the stalled: how long they take together. */
async function downloads(streams: number, stalled: number, seed: number): Promise<{ tookMs: number; ahead: number; fault?: string }> {
  const world = await DemoWorld.make({ seed });
  const clients: Program[] = [];
  const answer = pattern(STREAM_BYTES, seed);
  let ahead = 0;
  const taken: Program[] = [];
  for (let index = 0; index < streams; index++) {
    world.onTarget = (program) => void taken.push(program);
    const client = await world.connect();
    if (index < stalled) client.stream.pause();
    await world.until(() => taken.length === index + 1);
    clients.push(client);
  }
  const startMs = world.clock.monotonicMs();
  for (const [index, program] of taken.entries()) {
    if (index < stalled) writeWhileTaken(program, (byteCount) => (ahead = Math.max(ahead, byteCount)));
    else speak(program, answer, 16_384);
  }
  const readers = clients.slice(stalled);
  await world.until(() => readers.every((client) => client.isOver), 120_000);
  const tookMs = world.clock.monotonicMs() - startMs;
  const faults = readers.filter((client) => !isComplete(client, { there: answer, back: answer }));
  await world.stop();
  return { tookMs, ahead, ...(faults.length > 0 && { fault: `${faults.length} of ${readers.length} did not complete` }) };
}

/** Writes without end, as fast as it is taken. @param onTaken told how many bytes were written by now */
function writeWhileTaken({ stream }: Program, onTaken: (byteCount: number) => void): void {
  const piece = pattern(16_384, 9);
  let byteCount = 0;
  const more = () => {
    while (byteCount <= 2 * STALLED_BYTES_MAX) {
      onTaken((byteCount += piece.length));
      if (!stream.write([piece])) {
        stream.drained(more);
        return;
      }
    }
  };
  more();
}

export const rows: readonly Row[] = [
  {
    id: 'PO6',
    about: 'one of 50 clients (10 in a part of the count) does not read: the others keep 80% of their rate, at most 2 MiB are taken for it',
    full: 10,
    run: ({ count, seed }) =>
      inTurn(count, async (index, tally) => {
        const streams = count >= 10 ? 50 : 10;
        const free = await downloads(streams, 0, seed + index);
        const held = await downloads(streams, 1, seed + index);
        const share = free.tookMs / held.tookMs;
        tally.measured(100 - 100 * share, '% slower');
        const fault = free.fault ?? held.fault;
        if (fault !== undefined) return fault;
        if (held.ahead > STALLED_BYTES_MAX) return `${held.ahead} bytes were taken for the stalled one`;
        return share >= RATE_SHARE_MIN ? undefined : `the others run at ${Math.round(100 * share)}%`;
      }),
  },
  {
    id: 'R-C11',
    about: 'a link of 100 ms that loses 30% of all messages of handshakes, 2% of the time three times as slow: 50 channels, 10 MiB exact',
    full: 51,
    run: async ({ count, seed }) => {
      const tally = new Tally();
      for (let index = 1; index < count; index++) await tally.trial(() => lossyHandshake(seed + index, tally));
      await tally.trial(() => slowTransfer(seed));
      return tally.result;
    },
  },
];

async function lossyHandshake(seed: number, tally: Tally): Promise<string | undefined> {
  const world = await ChannelWorld.make({ seed, latencyMs: LATENCY_MS });
  const random = seededRandom(seed);
  const isLost = () => (random.bytes(1)[0] ?? 0) < 256 * HANDSHAKES_LOST;
  world.relay.meddle = (message) => (isLost() ? [] : [message]);
  const session = channelSession(world.near, world.way, { identity: world.alice, trust: everyone, isNeeded: true });
  const tookMs = await world.until(() => session.current !== undefined && world.channels.channels.size > 0, TRANSFER_MS_MAX);
  tally.measured(tookMs, 'ms until a channel was open at both ends');
  world.relay.meddle = (message) => [message];
  const answers = session.current !== undefined && (await world.echoes({ route: session.current }, 1, 5_000));
  await world.stop();
  return answers ? undefined : `no channel after ${tookMs} ms`;
}

async function slowTransfer(seed: number): Promise<string | undefined> {
  const world = await DemoWorld.make({ seed, latencyMs: LATENCY_MS });
  const random = seededRandom(seed);
  const said = script(1_000, TRANSFER_BYTES, seed);
  let target: Program | undefined;
  world.onTarget = (program) => {
    target = program;
    speak(program, said.back, 65_536);
  };
  const client = await world.connect();
  speak(client, said.there, 100);
  const sinceMs = world.clock.monotonicMs();
  while (!client.isOver && world.clock.monotonicMs() - sinceMs < TRANSFER_MS_MAX) {
    const isSlow = (random.bytes(1)[0] ?? 0) < 256 * SLOW_SHARE;
    world.network.setLatency('relay', 'bank', isSlow ? 3 * LATENCY_MS : LATENCY_MS);
    await world.run(50);
  }
  const fault = faultOf(client, target, said);
  await world.stop();
  return fault ?? (isComplete(client, said) ? undefined : `${client.byteCount} bytes in ${TRANSFER_MS_MAX} ms`);
}
