import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { relaySession } from '../../workers/relay/relay-session.ts';
import { connectionSession } from '../../workers/session/connection-session.ts';
import type { Program } from '../portal-world.ts';
import { relayWorld } from '../relay-world.ts';
import { DemoWorld } from './demo-world.ts';
import { PATIENCE_MS } from './processes.ts';
import { inTurn, type Row, Tally } from './row.ts';
import { faultOf, isComplete, type Script, script, speak } from './streams.ts';

/** Source: reliability.md R-C2 */
const OVER_MS_MAX = 30_000;
const BACK_MS_MAX = 5_000;
const OUTAGES_MS = [1_000, 5_000, 15_000, 60_000, 180_000] as const;

interface Running {
  readonly client: Program;
  readonly said: Script;
  readonly target: Program | undefined;
}

/** Starts streams; `busyBytes` each way are said at once, an idle one says a byte each way and no end. */
async function begin(world: DemoWorld, busy: number, idle: number, busyBytes: number, seed: number): Promise<Running[]> {
  const streams: Running[] = [];
  for (let index = 0; index < busy + idle; index++) {
    const isBusy = index < busy;
    const said = script(isBusy ? busyBytes : 1, isBusy ? busyBytes : 1, seed + 2 * index);
    const client = await reach(world);
    const running: Running = { client, said, target: world.targets.at(-1) };
    for (const [program, bytes] of [
      [running.client, said.there],
      [running.target, said.back],
    ] as const) {
      if (program === undefined) continue;
      if (isBusy) speak(program, bytes, 8_192);
      else program.stream.write([bytes]);
    }
    streams.push(running);
  }
  return streams;
}

/** A client whose connection has reached the target. */
async function reach(world: DemoWorld): Promise<Program> {
  const before = world.targets.length;
  world.onTarget = () => undefined;
  const client = await world.connect();
  await world.until(() => world.targets.length > before || client.isOver);
  return client;
}

/** Connects again and again until an answer comes. @returns how long it took */
async function untilAnswered(world: DemoWorld, msMax: number): Promise<number> {
  const startMs = world.clock.monotonicMs();
  const isLate = () => world.clock.monotonicMs() - startMs > msMax;
  while (!isLate()) {
    world.onTarget = (program) => void program.stream.write([Uint8Array.of(33)]);
    const client = await world.connect();
    await world.until(() => client.isOver || client.byteCount > 0 || isLate(), PATIENCE_MS);
    const isAnswered = client.byteCount > 0;
    if (!client.isOver) client.stream.reset();
    if (isAnswered) return world.clock.monotonicMs() - startMs;
  }
  return Number.POSITIVE_INFINITY;
}

const faultOfAll = (streams: readonly Running[]) =>
  streams.map(({ client, target, said }) => faultOf(client, target, said)).find((fault) => fault !== undefined);

export const rows: readonly Row[] = [
  {
    id: 'PO2',
    about: 'a link or the relay is cut at a random point of a stream: no clean end unless it is complete',
    full: 1_000,
    run: async ({ count, seed }) => {
      const world = await DemoWorld.make({ seed });
      const random = seededRandom(seed);
      return inTurn(count, async (index, tally) => {
        const [stream] = await begin(world, 1, 0, 40_000, seed + 2 * index);
        if (stream === undefined) return 'no stream';
        const [steps = 0, more = 0, kind = 0] = random.bytes(3);
        for (let step = 0; step < steps + more; step++) world.clock.step();
        if (kind % 2 === 0) world.network.reset('relay', kind % 4 === 0 ? 'bank' : 'analysis');
        else stream.target?.stream.reset();
        await world.until(() => stream.client.isOver && stream.target?.isOver !== false, OVER_MS_MAX);
        const fault = faultOf(stream.client, stream.target, stream.said);
        if (fault !== undefined) return fault;
        if (!stream.client.isOver)
          return `cut ${kind % 4}: the client hears nothing for ${OVER_MS_MAX} ms (${stream.client.byteCount}, ${world.toBank.state})`;
        if ((await world.untilIdle(OVER_MS_MAX)) > 0) return 'a stream is left';
        // More than 32 frames lost wedge a channel, and the one inside it has to find out that its way leads nowhere now.
        const backMs = await untilAnswered(world, OVER_MS_MAX);
        tally.measured(backMs, 'ms until a new connection worked');
        return backMs <= OVER_MS_MAX ? undefined : `cut ${kind % 4}: new connections do not work again`;
      });
    },
  },
  {
    id: 'R-C3',
    about: 'the outlet’s machine falls silent for 1, 5, 15, 60 and 180 s under 16 busy and 16 idle streams, 5 times each',
    full: 25,
    run: ({ count, seed }) =>
      inTurn(count, async (index, tally) => {
        const outageMs = OUTAGES_MS[index % OUTAGES_MS.length] ?? 1_000;
        const world = await DemoWorld.make({ seed: seed + index });
        const streams = await begin(world, 16, 16, 300_000, seed);
        await world.run(20);
        world.network.partition('relay', 'bank');
        // Those that are over within the outage are over at the near end: the far one cannot be told.
        await world.run(outageMs);
        if (outageMs >= 60_000 && streams.some(({ client }) => !client.isOver)) return 'a client heard nothing of a long silence';
        world.network.heal('relay', 'bank');
        const backMs = await untilAnswered(world, 15_000);
        tally.measured(backMs, 'ms until a new connection worked');
        if (backMs > BACK_MS_MAX) return `${outageMs} ms of silence: new connections work after ${backMs} ms`;
        const busy = streams.slice(0, 16);
        await world.until(() => busy.every(({ client }) => client.isOver), 2 * OVER_MS_MAX);
        if (busy.some((stream) => !stream.client.wasReset && !isComplete(stream.client, stream.said))) return 'a stream hangs';
        return faultOfAll(streams);
      }),
  },
  {
    id: 'R-C2S',
    about:
      'kill -9 of the relay in virtual time, away for 0.1 to 10 s: the link sessions know at once, a new connection works within 5 s of its return',
    full: 200,
    run: ({ count, seed }) => {
      const random = seededRandom(seed);
      return inTurn(count, async (index, tally) => {
        const world = await DemoWorld.make({ seed: seed + index });
        const streams = await begin(world, 4, 2, 300_000, seed);
        await world.run(20);
        await world.kill('relay');
        const [high = 0, low = 0] = random.bytes(2);
        const awayMs = 100 + ((high * 256 + low) % 9_900);
        await world.run(awayMs);
        await world.restart('relay');
        const backMs = await untilAnswered(world, 15_000);
        tally.measured(backMs, 'ms until a new connection worked');
        if (backMs > BACK_MS_MAX) return `away for ${awayMs} ms: new connections work after ${backMs} ms`;
        const busy = streams.slice(0, 4);
        await world.until(() => busy.every(({ client, target }) => client.isOver && target?.isOver === true), OVER_MS_MAX - awayMs);
        if (!busy.every(({ client, target }) => client.isOver && target?.isOver === true)) return 'a stream hangs';
        return faultOfAll(streams);
      });
    },
  },
  {
    id: 'R-C12',
    about: '200 clients of a relay come back when it returns: all within 15 s, no second carrying more than 3 times the average',
    full: 200,
    run: async ({ count, seed }) => {
      const world = relayWorld(seed);
      const first = await world.relayNode('relay');
      const clients = Array.from({ length: count }, (_, index) => {
        const node = world.node(`client-${index}`);
        return relaySession(node, connectionSession(node, tcp(), 'relay:4000'), { name: `client-${index}` });
      });
      await world.pass(10_000);
      if (clients.some(({ state }) => state !== 'up')) return { attempted: count, passed: 0, worst: 'not all came up' };
      await world.clock.runUntil(first.node.stop());
      await world.pass(60_000);
      await world.relayNode('relay');
      const returnedAtMs = world.clock.monotonicMs();
      const perSecond = new Map<number, number>();
      const tally = new Tally();
      for (const client of clients) {
        client.onChange(() => {
          if (client.current === undefined) return;
          const tookMs = world.clock.monotonicMs() - returnedAtMs;
          tally.measured(tookMs, 'ms until a client was registered again');
          perSecond.set(Math.floor(tookMs / 1_000), (perSecond.get(Math.floor(tookMs / 1_000)) ?? 0) + 1);
        });
      }
      await world.pass(15_000);
      const average = count / Math.max(1, ...[...perSecond.keys()].map((second) => second + 1));
      const isHerd = Math.max(...perSecond.values()) > 3 * average;
      for (const { state } of clients) tally.add(state !== 'up' ? 'not back' : isHerd ? 'they come as a herd' : undefined);
      return tally.result;
    },
  },
];
