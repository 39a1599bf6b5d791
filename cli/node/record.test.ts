import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Settings } from 'postern/manager';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Cli } from '../cli.ts';
import { markOf, type ProcessMark } from '../process/process-state.ts';
import { checkNotRunning, claim, release, writeNode } from './record.ts';
import { knownNode, type NodeSettings } from './settings.ts';

const SETTINGS: NodeSettings = { identity: 'i', listen: '127.0.0.1:0', trust: { kind: 'open' }, verbosity: 0 };

let folder: string;
let cli: Cli;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-record-'));
  cli = new Cli({
    programName: 'postern',
    args: [],
    env: { POSTERN_HOME: join(folder, 'home') },
    cwd: folder,
    stdin: Readable.from([]),
    stdout: { write: () => true },
    stderr: { write: () => true },
    program: ['/nonexistent'],
    onSignal: () => () => undefined,
  });
});
afterEach(async () => {
  await cli.close();
  await rm(folder, { recursive: true });
});

const nodes = async () => (await cli.home()).state.nodes;
const markIn = async (name: string) => {
  const record = await (await nodes()).get(name);
  return record && knownNode(record).process;
};
const writeMark = async (name: string, mark: ProcessMark) =>
  (await nodes()).change(name, () => ({ settings: SETTINGS as unknown as Settings, state: { process: { ...mark } } }));

/** The first process runs, and did not make us. */
async function another(): Promise<ProcessMark> {
  const mark = await markOf(1);
  if (mark === undefined) throw new Error('There is no first process.');
  return mark;
}

test('a process that comes late, after another one became the node, does not become it', async () => {
  await writeMark('n', await another());
  await expect(claim(cli, 'n')).rejects.toMatchObject({ code: 'P409' });
  await expect(checkNotRunning(cli, 'n')).rejects.toMatchObject({ code: 'P409' });
  await expect(writeNode(cli, 'n', SETTINGS)).rejects.toMatchObject({ code: 'P409' });
  expect(await markIn('n')).toMatchObject({ pid: 1 });
  await release(await cli.home(), 'n');
  expect(await markIn('n')).toMatchObject({ pid: 1 });
  await expect(claim(cli, 'gone')).rejects.toMatchObject({ code: 'P404' });
});

test('whoever was made by the process that wrote the node down becomes it, and so does whoever comes after a dead one', async () => {
  const parent = await markOf(process.ppid);
  const own = await markOf(process.pid);
  for (const before of [parent, { ...(await another()), started: 'long ago' }]) {
    if (before === undefined) throw new Error('There is no parent.');
    await writeMark('n', before);
    await claim(cli, 'n');
    expect(await markIn('n')).toEqual(own);
  }
  await release(await cli.home(), 'n');
  expect(await markIn('n')).toBeUndefined();
});

test('to skip the check takes over from a node that seems to run', async () => {
  await writeMark('n', await another());
  await writeNode(cli, 'n', SETTINGS, { ignoresRunning: true });
  expect(await markIn('n')).toEqual(await markOf(process.pid));
});
