import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import type { AnyWorld } from '../any-world.ts';
import type { Fault } from '../faults.ts';
import { everyMessageEnds, nothingLeft, orderPerSender } from '../invariants/index.ts';
import { type PlayAnywhere, simulate, type SimulationFailure } from '../simulate.ts';
import { isTraceEvent } from '../trace-shapes.ts';
import type { World } from '../world.ts';
import type { NodeProgram } from '../world-node.ts';
import { loopback } from './index.ts';
import { asker, dialler, echo, leaky, misnamed, quitter, returnsCode, storesCode, thrower } from './programs.fixture.ts';

/** Each process takes a second to start, and many on a machine that does much else. */
const PATIENCE_MS = 120_000;
const invariants = [everyMessageEnds, orderPerSender, nothingLeft];
const inProcesses = { seed: 1, world: loopback(), invariants } as const;
const noted = ({ trace }: AnyWorld, text: string) => trace.events.filter((event) => event.kind === 'note' && event.text === text).length;
const processes = () => process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length;
/** Their handles are closed a little after they are gone. */
const noProcessIsLeft = () => vi.waitFor(() => expect(processes()).toBe(0));
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (thrown: unknown) => thrown as SimulationFailure,
  );

test(
  'faults of every kind that reality offers: what is asked is answered again, and storage outlives signal 9',
  async () => {
    const { trace } = await simulate(inProcesses, async (world) => {
      const answering = world.node('echo', echo);
      expect(await answering.ready).toEqual({ lives: 1, isFirst: true });
      expect(answering.storage.get('lives')).toBe(1);
      await world.node('asker', asker, { settings: { word: 'hello' } }).ready;
      const answers = () => noted(world, 'hello');
      const isAnsweredOn = async () => {
        const before = answers();
        await world.until(() => answers() > before + 1);
      };
      /** While it lasts nothing is answered, but for what is under way when it begins. */
      const isSilentWhile = async (begin: () => void, end: () => void) => {
        begin();
        await world.settled({ quiet: 200 });
        const before = answers();
        await world.pass(300);
        expect(answers()).toBe(before);
        end();
        await isAnsweredOn();
      };

      await isAnsweredOn();
      await isSilentWhile(
        () => world.partition('echo', 'asker'),
        () => world.heal('asker', 'echo'),
      );
      await isSilentWhile(
        () => world.hold('echo', 'asker'),
        () => world.release('echo', 'asker'),
      );
      await isSilentWhile(
        () => {
          world.pause('echo', '700ms');
          world.pause('echo', '100ms'); // within the other
        },
        () => undefined,
      );
      world.reset('echo', 'asker');
      world.crash(answering);
      expect(answering.isUp).toBe(false);
      expect(await world.restart(answering)).toEqual({ lives: 2, isFirst: false });
      world.crash(answering, { losesStorage: true });
      await world.restart(answering);
      expect(answering.storage.get('lives')).toBe(3);
      world.note('seen', answering);
    });
    expect(trace.events.every(isTraceEvent)).toBe(true);
    expect(trace.events.map(({ atMs }) => atMs)).toEqual(trace.events.map(({ atMs }) => atMs).sort((one, other) => one - other));
    const lives = trace.events.flatMap((event) => (event.kind === 'node' && event.node === 'echo' ? [`${event.what} ${event.life}`] : []));
    expect(lives).toEqual(['started 1', 'crashed 1', 'started 2', 'crashed 2', 'started 3', 'stopped 3']);
    expect(trace.events).toContainEqual(expect.objectContaining({ kind: 'stream', from: 'asker', to: 'echo', port: 4000, what: 'reset' }));
    await noProcessIsLeft();
  },
  PATIENCE_MS,
);

test(
  'dials by name: to nobody, to a closed port, through a partition, into NAT',
  async () => {
    await simulate(inProcesses, async (world) => {
      const behind = world.node('behind', echo, { host: { isBehindNat: true } });
      const answering = world.node('echo', echo);
      await Promise.all([behind.ready, answering.ready]);
      world.partition('echo', 'cut');
      const dial = (name: string, host: string, port = 4000) => world.node(name, dialler, { settings: { host, port } }).ready;
      expect(
        await Promise.all([
          dial('one', 'echo'),
          dial('two', 'nobody'),
          dial('three', 'echo', 4001),
          dial('cut', 'echo'),
          dial('four', 'behind'),
          dial('five', 'five'),
        ]),
      ).toEqual(['connected', 'NAME_UNKNOWN', 'CONNECT_REFUSED', 'CONNECT_TIMEOUT', 'CONNECT_TIMEOUT', 'CONNECT_REFUSED']);
    });
  },
  PATIENCE_MS,
);

test.each([
  ['throws', thrower, 'The program of one threw: no licence'],
  ['ends by itself', quitter, 'The program of one ended by itself: 3.'],
  ['is not where it says', misnamed, 'exports no program as elsewhere'],
  ['returns a function', returnsCode, 'What a program returns is data'],
  ['stores a function', storesCode, 'What is stored on a disk is data'],
  ['leaves a timer', leaky, 'one left behind: 1 timers'],
] as const)(
  'a program that %s fails the run, and nothing is left',
  async (_, run: NodeProgram, text) => {
    const failure = await failureOf(
      simulate({ ...inProcesses, file: 'it.ts' }, async (world) => {
        await world.node('one', run).ready.catch(() => undefined);
        if (run !== leaky) await world.pass('1h');
      }),
    );
    expect(failure?.message).toContain(text);
    expect(failure?.message).toContain('again: npm run simulate -- it.ts --seed 1 --world loopback');
    await noProcessIsLeft();
  },
  PATIENCE_MS,
);

test('what reality does not offer says so, before anything begins', async () => {
  const refused = async (play: (world: World) => unknown, faults: readonly Fault[] = []) => {
    const failure = await failureOf(simulate({ ...inProcesses, faults }, play as PlayAnywhere));
    return failure?.cause;
  };
  const skew: Fault = { kind: 'skewClock', atMs: 1, node: 'one', seconds: 3_600 };
  const told = [
    await refused(() => undefined, [skew]),
    await refused((world) => world.skewClock('one', 5)),
    await refused((world) => world.tamper('one', 'two', 'corrupt')),
    await refused((world) => world.link('one', 'two', { latencyMs: 5 })),
    await refused((world) => world.nodes('one')),
    await refused((world) => world.network),
    await refused((world) => world.node('one', () => undefined)),
    await refused((world) => world.node('one', dialler, { settings: { host: 'x', port: 1, run: () => undefined } as never })),
    await refused((world) => world.node('one', echo, { host: { nameAlsoLeadsTo: 'dead' } })),
  ];
  for (const cause of told) expect(cause).toMatchObject({ code: 'NOT_ON_LOOPBACK' });
  expect(await refused((world) => world.get('one'))).toMatchObject({ code: 'WORLD' });
  expect(await refused((world) => world.until(() => false, { within: 20 }))).toMatchObject({ code: 'NEVER_SETTLED' });
});

test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
  'a run that is ended by %s leaves no process, not even one that stands still',
  async (signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-loopback-'));
    const here = new URL('.', import.meta.url).href;
    const file = join(folder, 'run.mts');
    writeFileSync(
      file,
      `import { simulate } from '${here}../simulate.ts';
import { loopback } from '${here}index.ts';
import { echo } from '${here}programs.fixture.ts';
await simulate({ world: loopback() }, async (world) => {
  const [one, two] = [world.node('one', echo), world.node('two', echo)];
  await Promise.all([one.ready, two.ready]);
  world.pause(two, '1h');
  console.log('begun');
  await world.pass('1h');
});`,
    );
    const tsx = fileURLToPath(import.meta.resolve('tsx'));
    const child = spawn(process.execPath, ['--import', tsx, '--conditions=postern-source', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: folder },
    });
    // The nodes have the same standard output: it ends when all of them have.
    let said = '';
    for await (const text of child.stdout as AsyncIterable<Buffer>) {
      said += text.toString();
      if (said === 'begun\n') child.kill(signal);
    }
    expect(said).toBe('begun\n');
    rmSync(folder, { recursive: true });
  },
  PATIENCE_MS,
);
