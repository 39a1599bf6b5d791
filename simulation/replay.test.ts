import { expect, test } from 'vitest';
import { allowEveryone } from '../runtime/access-control.ts';
import { route } from '../runtime/route.ts';
import { tcp } from '../transports/tcp.ts';
import { echo } from '../workers/echo.ts';
import { connectionSession } from '../workers/session/connection-session.ts';
import { whenThere } from '../runtime/way.ts';
import type { Fault } from './faults.ts';
import { replay } from './replay.ts';
import { simulate, SimulationFailure, type SimulateOptions } from './simulate.ts';
import type { Trace } from './trace.ts';
import { decodeTrace, encodeTrace } from './trace-file.ts';
import type { World } from './world.ts';

/** Asks so many times, at moments drawn by chance, and never minds when nobody answers. */
const asking = (count: number) => async (world: World) => {
  const server = world.node('server', async ({ node }) => {
    node.start('echo', echo);
    node.publish('echo', { on: await node.listen(tcp(), '0.0.0.0:4000'), allow: allowEveryone });
  });
  await server.ready;
  const client = world.node('client');
  world.link(server, client, { latencyMs: [5, 50] });
  const session = connectionSession(client.node, tcp(), 'server:4000');
  for (let asked = 0; asked < count; asked++) {
    await world.pass(500 + (world.random.bytes(1)[0] ?? 0));
    const way = route(await whenThere(session), 'echo');
    await client.node.request(way, world.random.bytes(20), { timeoutMs: 1_000 }).catch(() => world.note(`no answer to ${asked}`));
  }
};
const play = asking(8);
const faults: readonly Fault[] = [
  { kind: 'crash', atMs: 2_000, node: 'server' },
  { kind: 'restart', atMs: 3_000, node: 'server' },
  { kind: 'skewClock', atMs: 3_500, node: 'client', seconds: -20 },
];
const run = async (options: Partial<Omit<SimulateOptions, 'world'>> = {}) =>
  (await simulate({ seed: 5, name: 'asking', faults, replays: false, ...options }, play)).trace;
const fromFile = (trace: Trace, keepBytes = false) => decodeTrace(encodeTrace(trace, { keepBytes }));

test('a run happens again out of its trace, be it read from a file or not', async () => {
  const trace = await run();
  expect(trace.events.filter(({ kind }) => kind === 'fault')).toHaveLength(3);
  for (const recorded of [trace, fromFile(trace)]) {
    const { difference, failure, report } = await replay(recorded, { play });
    expect(difference).toBeUndefined();
    expect(failure).toBeUndefined();
    expect(report.trace.events).toHaveLength(trace.events.length);
    expect(report.faults).toEqual(faults);
  }
});

test('bytes are compared as far as the trace has them', async () => {
  const trace = await run({ keepBytes: true });
  expect(trace.events.some((event) => event.kind === 'bytes' && event.bytes !== undefined)).toBe(true);
  for (const recorded of [trace, fromFile(trace, true), fromFile(trace)])
    expect((await replay(recorded, { play })).difference).toBeUndefined();
  const at = trace.events.findIndex((event) => event.kind === 'message');
  const altered = trace.events.map((event, index) => (index === at ? { ...event, payload: Uint8Array.of(1) } : event));
  expect((await replay({ ...trace, events: altered }, { play })).difference).toMatchObject({ at });
});

test('every setting that shapes a run is recorded', async () => {
  for (const options of [{ eventsMax: 50 }, { logLevel: 'debug' }, { stepsMax: 5_000 }, { eventsAtOnceMax: 10_000 }] as const) {
    const trace = fromFile(await run(options));
    expect(trace.settings).toMatchObject({ faults, ...options });
    expect((await replay(trace, { play })).difference).toBeUndefined();
  }
  const short = await run({ eventsMax: 50 });
  expect((await replay({ ...short, leftOut: { message: 1 } }, { play })).difference).toMatchObject({
    at: 50,
    one: 'left out: {"message":1}',
  });
});

test('another scenario, seed or fault differs, and the first event that does is named', async () => {
  const trace = await run();
  const last = trace.events.findLastIndex(({ kind }) => kind !== 'node');
  const longer = await replay(trace, { play: asking(9) });
  expect(longer.difference?.at).toBeGreaterThan(last - 30);
  expect((await replay({ ...trace, seed: 6 }, { play })).difference).toBeDefined();
  const { difference } = await replay({ ...trace, settings: { faults: faults.slice(1) } }, { play });
  const at = trace.events.findIndex(({ kind }) => kind === 'fault');
  expect(difference).toMatchObject({ at, one: expect.stringContaining('"crash"') as string });
});

test('a failure fails again', async () => {
  const invariant = {
    name: 'nobody crashes',
    check: ({ events }: Trace) => {
      const at = events.findIndex((event) => event.kind === 'node' && event.what === 'crashed');
      return at < 0 ? undefined : { invariant: 'nobody crashes', text: 'one did', at };
    },
  };
  const failure = await run({ invariants: [invariant] }).catch((thrown: unknown) => thrown);
  if (!(failure instanceof SimulationFailure)) throw new Error('The run held.');
  const again = await replay(fromFile(failure.report.trace), { play, invariants: [invariant] });
  expect(again.difference).toBeUndefined();
  expect(again.failure?.violation).toEqual(failure.violation);
});
