import type { Socket } from 'node:net';
import { seededRandom } from '../../simulation/random.ts';
import { isPrefix, pattern } from '../portal-world.ts';
import { ProcessWorld } from './processes.ts';
import { inTurn, type Row, type RowResult, Tally } from './row.ts';

const STREAMS = 16;
const STREAM_BYTES = 64 * 1024 * 1024;
const BLOCK_BYTES = 256 * 1024;
/** Within that time each stream has completed or was reset. Source: reliability.md R-C2 */
const OVER_MS_MAX = 30_000;
/** A new connection works within that time of the relay's return: 95 of 100, and all. Source: reliability.md R-C2 */
const BACK_MS_P95 = 5_000;
const BACK_MS_MAX = 15_000;
/** Source: reliability.md RT9 */
const RECLAIMED_MS_MAX = 5_000;
/** Source: reliability.md R-C4 */
const OUTLET_LOST_MS_MAX = 35_000;

/** Bytes of a stream: known at each offset without keeping all of them. */
const BLOCK = pattern(BLOCK_BYTES, 11);

/** A stream that one end writes without end and the other compares. */
class Flow {
  byteCount = 0;
  isAltered = false;
  hasEnd = false;
  wasReset = false;
  readonly over: Promise<void>;

  constructor(reader: Socket) {
    reader.on('data', (bytes) => this.#read(bytes));
    reader.once('end', () => (this.hasEnd = true));
    this.over = new Promise((resolve) => {
      reader.once('close', (hadError) => {
        this.wasReset = hadError;
        resolve();
      });
      reader.once('end', resolve);
    });
  }

  /** Out is a prefix of in; an end is clean only after the last byte. */
  get fault(): string | undefined {
    if (this.isAltered) return 'a byte was altered';
    if (this.hasEnd && this.byteCount !== STREAM_BYTES) return `a clean end after ${this.byteCount} of ${STREAM_BYTES} bytes`;
    return this.hasEnd || this.wasReset ? undefined : 'neither ended nor was reset';
  }

  #read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const from = (this.byteCount + at) % BLOCK_BYTES;
      const part = bytes.subarray(at, at + BLOCK_BYTES - from);
      if (!isPrefix(part, BLOCK.subarray(from))) this.isAltered = true;
      at += part.length;
    }
    this.byteCount += bytes.length;
  }
}

/** Says all bytes of a stream as fast as they are taken, then the end. */
function write(socket: Socket): void {
  let left = STREAM_BYTES;
  const more = () => {
    while (left > 0) {
      left -= BLOCK_BYTES;
      if (!socket.write(BLOCK)) return void socket.once('drain', more);
    }
    socket.end();
  };
  more();
}

interface KillOptions {
  readonly world: ProcessWorld;
  readonly victim: 'relay' | 'bank';
  readonly afterMs: number;
  readonly downMs: number;
  readonly streams: number;
}

export interface KillFigures {
  /** Kill to the last stream that was over. */
  readonly overMs: number;
  /** Return to the first answer to a new connection. */
  readonly backMs: number;
  readonly fault: string | undefined;
}

/** Kills one process under streams of 64 MiB, half of them each way, and starts it again on the same port. */
export async function killUnder({ world, victim, afterMs, downMs, streams }: KillOptions): Promise<KillFigures> {
  const flows: Flow[] = [];
  let asWriter = true;
  const targetFlows: Flow[] = [];
  // A client says first which way the bytes go.
  world.onTarget = (socket) =>
    void socket.once('data', (first: Uint8Array) => {
      if (first[0] === 0x3f) return void socket.end('!');
      if (first[0] === 0x72) return write(socket);
      targetFlows.push(new Flow(socket));
      socket.unshift(first.subarray(1));
      return undefined;
    });
  for (let index = 0; index < streams; index++, asWriter = !asWriter) {
    const socket = world.client();
    socket.write(asWriter ? 'w' : 'r');
    if (asWriter) write(socket);
    if (!asWriter) flows.push(new Flow(socket));
  }
  await sleep(afterMs);
  const killedAtMs = performance.now();
  await world[victim].kill();
  // The machine of a killed outlet ends its connections to targets as if in good order: of those only the clients can tell.
  const all = victim === 'relay' ? [...flows, ...targetFlows] : flows;
  const limitMs = victim === 'relay' ? OVER_MS_MAX : OUTLET_LOST_MS_MAX;
  const overs = Promise.all(all.map(({ over }) => over)).then(() => performance.now() - killedAtMs);
  const restarted = sleep(downMs).then(async () => {
    await world[victim].start(victim === 'relay' ? 'port' : 'registered');
    return world.untilAnswered(BACK_MS_MAX + 5_000);
  });
  const [overMs, backMs] = await Promise.all([Promise.race([overs, sleep(limitMs).then(() => Number.POSITIVE_INFINITY)]), restarted]);
  const fault =
    all.map((flow) => flow.fault).find((each) => each !== undefined) ??
    (overMs <= limitMs ? undefined : `streams went on for more than ${limitMs} ms`) ??
    (backMs <= BACK_MS_MAX ? undefined : 'no new connection worked in time');
  return { overMs, backMs, fault };
}

const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

async function killAgainAndAgain(victim: 'relay' | 'bank', count: number, seed: number): Promise<RowResult> {
  const random = seededRandom(seed);
  const fraction = () => new DataView(random.bytes(4).buffer).getUint32(0) / 2 ** 32;
  const world = await ProcessWorld.make();
  const backs: number[] = [];
  const overs: number[] = [];
  const tally = new Tally();
  try {
    for (let index = 0; index < count; index++) {
      await tally.trial(async () => {
        const downMs = 100 + fraction() * 9_900;
        const figures = await killUnder({ world, victim, afterMs: 300 + fraction() * 1_500, downMs, streams: STREAMS });
        backs.push(figures.backMs);
        overs.push(figures.overMs);
        return figures.fault;
      });
    }
  } finally {
    await world.stop();
  }
  backs.sort((one, other) => one - other);
  const p95 = backs[Math.ceil(backs.length * 0.95) - 1] ?? Number.POSITIVE_INFINITY;
  const times = `streams over after ${Math.round(Math.max(...overs))} ms, back after ${Math.round(p95)} ms (p95), ${Math.round(Math.max(...backs))} ms (worst)`;
  const { attempted, passed, worst } = tally.result;
  const isSoonEnough = victim === 'bank' || p95 <= BACK_MS_P95;
  return {
    attempted,
    passed: isSoonEnough ? passed : Math.min(passed, attempted - 1),
    worst: worst === undefined ? times : `${worst}; ${times}`,
  };
}

export const rows: readonly Row[] = [
  {
    id: 'R-C2',
    about:
      'kill -9 of the relay under 16 streams of 64 MiB, back after 0.1 to 10 s: exact prefixes, over within 30 s, new ones within 5 s (p95)',
    full: 20,
    run: ({ count, seed }) => killAgainAndAgain('relay', count, seed),
  },
  {
    id: 'R-C4',
    about: 'kill -9 of the outlet’s node under 16 streams: every client reset within 35 s, new ones within 15 s of its return',
    full: 20,
    run: ({ count, seed }) => killAgainAndAgain('bank', count, seed),
  },
  {
    id: 'RT9',
    about:
      'kill -9 of the registered node: its name is reclaimed within 5 s of its reconnecting, and what is sent to it arrives within 15 s',
    full: 100,
    run: async ({ count }) => {
      const world = await ProcessWorld.make();
      world.onTarget = (socket) => void socket.once('data', () => socket.end('!'));
      try {
        return await inTurn(count, async (_, tally) => {
          await world.bank.kill();
          const registeredAtMs = Number(await world.bank.start('registered'));
          const linked = world.bank.facts.findLast(({ link }) => link === 'up');
          const tookMs = registeredAtMs - Number(linked?.['atMs']);
          tally.measured(tookMs, 'ms from its connection to its registration');
          if (!(tookMs <= RECLAIMED_MS_MAX)) return `registered after ${Math.round(tookMs)} ms`;
          const answeredMs = await world.untilAnswered(BACK_MS_MAX);
          return answeredMs <= BACK_MS_MAX ? undefined : 'nothing arrives under the name';
        });
      } finally {
        await world.stop();
      }
    },
  },
];
