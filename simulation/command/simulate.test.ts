import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeTrace } from '../trace-file.ts';
import { main } from './simulate.ts';

let folder = '';
const fileOf = (name: string, source: string) => {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, source);
  return file;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-simulate-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...args: string[]) {
  const said = { out: '', error: '' };
  const output = {
    out: (text: string) => void (said.out += `${text}\n`),
    error: (text: string) => void (said.error += text),
    isTerminal: false,
  };
  return { code: await main(args, output), ...said };
}

const quiet = `export const scenario = { name: 'quiet', play: (world) => world.pass('90s') };`;
const restless = `export default {
  name: 'restless',
  faults: [
    { kind: 'skewClock', atMs: 10, node: 'one', seconds: 5 },
    { kind: 'pause', atMs: 20, node: 'one', forMs: 100 },
  ],
  invariants: [{ name: 'no pause', check: ({ events }) => {
    const at = events.findIndex(({ kind, fault }) => kind === 'fault' && fault.kind === 'pause');
    return at < 0 ? undefined : { invariant: 'no pause', text: 'one stood still', at };
  } }],
  play: (world) => { world.nodes('one'); return world.pass('1s'); },
};`;

test('one run that holds, under a seed', async () => {
  const { code, out, error } = await run(fileOf('quiet', quiet), '--seed', '7');
  expect([code, error]).toEqual([0, '']);
  expect(out).toMatch(/^quiet: 1 run held in .* s \(.* a second, 90 s of virtual time\), seed 7\.\n$/);
});

test('many runs that hold', async () => {
  const { code, out } = await run(fileOf('quiet', quiet), '--runs', '30', '--seed', '7');
  expect(code).toBe(0);
  expect(out).toContain('30 runs held');
  expect(out).toContain('45 min of virtual time');
});

test('a run that fails ends with 1, and says what broke and how to see it again', async () => {
  const file = fileOf('restless', restless);
  const { code, error } = await run(file, '--seed', '7');
  expect(code).toBe(1);
  expect(error).toContain('no pause: one stood still');
  expect(error).toContain('faults: 10 ms skewClock one by 5 s; 20 ms pause one for 100 ms');
  const command = /again: npm run simulate -- (.*) --seed 7 --faults '(.*)'/.exec(error);
  expect(command?.[1]).toBe(file);
  expect(await run(file, '--seed', '7', '--faults', command?.[2] ?? '')).toMatchObject({ code: 1, error });
});

test('faults that are given take the place of those of the scenario', async () => {
  expect((await run(fileOf('restless', restless), '--faults', '[]')).code).toBe(0);
});

test.each([
  [[], 'Which scenario?'],
  [['a.ts', 'b.ts'], 'One file at a time; beside a.ts there is also b.ts.'],
  [['a.ts', '--seed', 'x'], "--seed takes a whole number from 0 to 2147483647, not 'x'."],
  [['a.ts', '--runs', '0'], "--runs takes a whole number from 1 to 1000000000, not '0'."],
  [['a.ts', '--faults', '{}'], '--faults takes a JSON list of faults, as a failure prints it.'],
  [['a.ts', '--faults', '[{"kind":"earthquake","atMs":1}]'], '--faults takes a JSON list of faults, as a failure prints it.'],
  [['a.ts', '--faults', '[{"kind":"reset","atMs":1,"one":"a"}]'], '--faults takes a JSON list of faults, as a failure prints it.'],
  [['a.ts', '--world', 'moon'], "--world is 'simulated' or 'loopback', not 'moon'."],
  [['a.ts', '--world', 'loopback', '--runs', '2'], '--world loopback takes no --runs.'],
  [['a.ts', '--colour'], "Unknown option '--colour'"],
  [['nowhere.mjs'], 'nowhere.mjs cannot be loaded'],
])('an order that makes no sense ends with 64 and says why: %j', async (args, why) => {
  const { code, error } = await run(...args);
  expect(code).toBe(64);
  expect(error).toContain(why);
  expect(error).toContain('Usage: npm run simulate');
});

test('a file without a scenario is told from one that does not load', async () => {
  const { code, error } = await run(fileOf('empty', 'export const other = 1;'));
  expect([code, error.includes('exports no scenario')]).toEqual([64, true]);
});

test('--trace writes what happened, of a run that held and of one that failed', async () => {
  for (const [name, source, code] of [
    ['quiet', quiet, 0],
    ['restless', restless, 1],
  ] as const) {
    const file = join(folder, `${name}.trace`);
    const ran = await run(fileOf(name, source), '--seed', '7', '--trace', file);
    expect([ran.code, ran.out.includes(`what happened is in ${file}`)]).toEqual([code, true]);
    expect(decodeTrace(readFileSync(file))).toMatchObject({ scenario: name, seed: 7 });
  }
});

test('--picture and --mermaid draw the run that held, and the failure with what broke', async () => {
  const [html, mermaid] = [join(folder, 'out.html'), join(folder, 'out.mmd')];
  const pictures = ['--picture', html, '--mermaid', mermaid];
  const held = await run(fileOf('quiet', quiet), '--seed', '7', ...pictures);
  expect([held.code, held.out.includes(`its picture is in ${html}\nits picture as Mermaid text is in ${mermaid}\n`)]).toEqual([0, true]);
  expect(readFileSync(html, 'utf8')).toContain('quiet, seed 7');
  expect(readFileSync(mermaid, 'utf8')).toMatch(/^sequenceDiagram\n.*quiet, seed 7/s);

  expect(await run(fileOf('restless', restless), '--seed', '7', '--runs', '3', ...pictures)).toMatchObject({ code: 1 });
  expect(readFileSync(html, 'utf8')).toContain('no pause: one stood still');
  expect(readFileSync(mermaid, 'utf8')).toContain('no pause#58; one stood still');
});

test('a scenario that throws is drawn too, with its words', async () => {
  const file = fileOf('hasty', `export default { name: 'hasty', play: (world) => { world.nodes('one'); throw new Error('too soon'); } };`);
  const mermaid = join(folder, 'hasty.mmd');
  expect(await run(file, '--mermaid', mermaid)).toMatchObject({ code: 1 });
  expect(readFileSync(mermaid, 'utf8')).toContain('the scenario threw#58; Error#58; too soon');
});

test('--world loopback runs a process for each node, and says what a failure is run again with', async () => {
  const file = fileOf(
    'real',
    `const run = ({ settings }) => settings.answer;
export const answering = Object.assign(run, { module: import.meta.url, exportName: 'answering' });
export default { name: 'real', play: async (world) => {
  const answer = await world.node('one', answering, { settings: { answer: 42 } }).ready;
  if (answer !== 42) throw new Error('another answer');
  if (world.seed === 8) world.skewClock('one', 5);
} };`,
  );
  const held = await run(file, '--world', 'loopback', '--seed', '7');
  expect([held.code, held.error]).toEqual([0, '']);
  expect(held.out).toMatch(/^real: 1 run held in .* of real time\), seed 7\.\n$/);
  const failed = await run(file, '--world', 'loopback', '--seed', '8');
  expect(failed.code).toBe(1);
  expect(failed.error).toContain('All processes of a machine share its clock');
  expect(failed.error).toContain(`again: npm run simulate -- ${file} --seed 8 --world loopback`);
}, 60_000);

test('Ctrl-C says how far it was, and ends with 130', async () => {
  const file = fileOf(
    'endless',
    `export default { name: 'endless', play: (world) => { console.log('begun'); return world.pass('90s'); } };`,
  );
  const args = ['--import', 'tsx', '--conditions=postern-source', fileURLToPath(new URL('main.ts', import.meta.url))];
  const child = spawn(process.execPath, [...args, file, '--runs', '1000000000', '--seed', '7'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text: Buffer) => {
    if (said === '') child.kill('SIGINT');
    said += text.toString();
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(said.replaceAll('begun\n', '')).toMatch(/^endless: interrupted\. \d+ runs? held in .* of virtual time\), seed 7\.\n$/);
  expect(code).toBe(130);
});

test('--help names every option', async () => {
  const { code, out } = await run('--help');
  expect([code, out.startsWith('Usage:')]).toEqual([0, true]);
  for (const option of ['seed', 'runs', 'faults', 'world', 'trace', 'picture', 'mermaid', 'help']) expect(out).toContain(`  --${option} `);
});
