import type { CommandUnknownOpts as Command } from '@commander-js/extra-typings';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cli } from '../cli.ts';
import { pathOf } from '../doing.ts';
import { detailsOf } from '../help.ts';
import type { Invocation } from '../invocation.ts';
import { makeProgram } from '../program.ts';
import { run } from '../run.ts';

let folder: string;
let commands: readonly Command[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-help-'));
  commands = below(await makeProgram(new Cli(invocation([]).invocation)));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const below = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(below)];
const wordsOf = (command: Command) =>
  pathOf(command)
    .split(' ')
    .filter((word) => word !== '');

interface Look {
  /** Of the terminal; undefined where there is none. */
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

function invocation(args: readonly string[], { columns, env = {} }: Look = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = columns === undefined ? {} : { isTTY: true, columns };
  const made: Invocation = {
    programName: 'postern',
    args,
    // No pager: what is shown is looked at.
    env: { POSTERN_HOME: join(folder, 'home'), PAGER: '', TERM: 'xterm', ...env },
    cwd: folder,
    stdin: Readable.from([]),
    stdout: { ...terminal, write: (text) => out.push(text) },
    stderr: { ...terminal, write: (text) => err.push(text) },
    program: ['/nonexistent'],
    onSignal: () => () => undefined,
  };
  return { invocation: made, out, err };
}

async function ran(args: readonly string[], look?: Look) {
  const { invocation: made, out, err } = invocation(args, look);
  const code = await run(made);
  return { code, out: out.join(''), err: err.join('') };
}

test('X6: every command has help that names every flag; hidden ones where that is asked for', async () => {
  expect(commands.length).toBeGreaterThan(40);
  for (const command of commands) {
    const words = wordsOf(command);
    const long = await ran([...words, '--help']);
    expect(long, words.join(' ')).toMatchObject({ code: 0, err: '' });
    const short = await ran([...words, '-h']);
    expect(short.code).toBe(0);
    expect(short.out.length).toBeLessThanOrEqual(long.out.length);
    const hidden = await ran([...words, '--help'], { env: { POSTERN_HELP_SHOW_HIDDEN: '1' } });
    for (const { flags, hidden: isHidden } of command.options) {
      expect(hidden.out, words.join(' ')).toContain(flags);
      if (!isHidden) expect(long.out, words.join(' ')).toContain(flags);
    }
    for (const example of detailsOf(command).examples ?? []) {
      expect(long.out).toContain(`postern ${example}`);
      expect(short.out).not.toContain(`postern ${example}\n`);
    }
  }
}, 300_000);

test('X6: an unknown flag is a usage error at every command, with a suggestion where one is close', async () => {
  for (const command of commands) {
    const words = wordsOf(command);
    const { code, out, err } = await ran([...words, '--no-such-flag']);
    expect({ code, out }, words.join(' ')).toEqual({ code: 64, out: '' });
    expect(err).toMatch(/Error:/);
  }
  expect((await ran(['node', 'list', '--outputt', 'json'])).err).toContain('Did you mean --output?');
}, 300_000);

test('X6: every example of help can be parsed as it stands', async () => {
  for (const command of commands)
    for (const example of detailsOf(command).examples ?? []) {
      const words = (example.match(/('[^']*'|"[^"]*"|\S)+/g) ?? []).map((word) => word.replaceAll(/['"]/g, ''));
      expect(await ran(['--test-argument-parser', ...words]), example).toEqual({ code: 0, out: '', err: '' });
    }
}, 300_000);

/** They start processes, wait for a signal, or need a project: their tests are elsewhere. */
const ELSEWHERE = [
  'enroll',
  'run',
  'project create',
  'authority create',
  'rendezvous create',
  'node create',
  'manpages',
  'markdown',
  'completion',
];

/** Every command that needs no argument, as it is without one. */
const withoutArguments = () =>
  commands.filter(
    (command) =>
      command.commands.length === 0 &&
      command.parent !== null &&
      !ELSEWHERE.includes(pathOf(command)) &&
      !command.registeredArguments.some(({ required }) => required) &&
      !command.options.some(({ mandatory }) => mandatory) &&
      // These make a node where there is none.
      !(/ create$/.test(pathOf(command)) && command.options.some(({ long }) => long === '--at' || long === '--to')),
  );

test('X6: JSON can be read, nothing but the result is on standard output, and without colours there is no escape sequence', async () => {
  expect(withoutArguments().length).toBeGreaterThan(20);
  for (const command of withoutArguments()) {
    const words = wordsOf(command);
    const what = words.join(' ');
    const { code, out, err } = await ran([...words, '--output', 'json', '--quiet']);
    if (code === 0) expect(() => JSON.parse(out) as unknown, what).not.toThrow();
    else {
      expect(out, what).toBe('');
      expect(JSON.parse(err.trimEnd().split('\n').at(-1) ?? ''), what).toMatchObject({ error: { message: expect.any(String) as string } });
    }
    const plain = await ran([...words, '--no-color'], { columns: 80 });
    expect(plain.out + plain.err, what).not.toContain('\u001b[3');
    const help = await ran([...words, '--help', '--no-color'], { columns: 80 });
    expect(help.out, what).not.toContain('\u001b');
  }
}, 300_000);

// eslint-disable-next-line no-control-regex -- what a terminal takes for colours
const visible = (text: string) => text.replaceAll(/\u001b\[[\d;]*[A-Za-z]/g, '');

test('nothing is wider than the terminal, save words that cannot be broken', async () => {
  await ran(['identity', 'create', 'alice']);
  for (const columns of [40, 66, 80, 200]) {
    for (const command of commands) {
      const { out } = await ran([...wordsOf(command), '--help'], { columns });
      for (const line of visible(out).split('\n'))
        if (line.length > columns)
          expect(line.trim().replace(/ \\$/, ''), `${pathOf(command)} at ${columns}`).toMatch(
            /^(\S+( <\S+>| \S+)?|'.*'|\S+ \[options\].*|.*\S{30,}.*)$/,
          );
    }
    for (const args of [
      ['identity', 'list'],
      ['status'],
      ['environment'],
      ['identity', 'show', 'nobody-of-this-name-was-ever-made-here'],
    ]) {
      const { out, err } = await ran(args, { columns });
      for (const line of visible(out + err).split('\n'))
        if (line.length > columns) expect(/\S{30,}/.test(line) || line.trim().split(/\s+/).length <= 3, line).toBe(true);
    }
  }
}, 300_000);

test('colours are those that the terminal has, and change no text', async () => {
  await ran(['identity', 'create', 'alice']);
  const plain = await ran(['identity', 'list', '--no-color'], { columns: 100 });
  expect(plain.out).not.toContain('\u001b');
  const few = await ran(['identity', 'list'], { columns: 100 });
  const many = await ran(['identity', 'list'], { columns: 100, env: { COLORTERM: 'truecolor' } });
  expect(few.out).toContain('\u001b[36m');
  expect(few.out).not.toContain('\u001b[38;2;');
  expect(many.out).toContain('\u001b[38;2;');
  expect([visible(few.out), visible(many.out)]).toEqual([plain.out, plain.out]);
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
    expect((await ran(['identity', 'list'], { columns: 100, env })).out).not.toContain('\u001b');
  const json = await ran(['identity', 'list', '--output', 'json'], { columns: 100 });
  expect(json.out).toContain('\u001b[');
  expect(JSON.parse(visible(json.out))).toEqual(JSON.parse((await ran(['identity', 'list', '--output', 'json'])).out));
  expect((await ran(['identity', 'list', '--output', 'json'])).out).not.toContain('\u001b');
});

test('top-level help groups families, and hides what is hidden', async () => {
  const { out } = await ran(['--help']);
  for (const title of [
    'Getting started',
    'Project and members',
    'Nodes and messages',
    'Portals and relays',
    'Secure channels',
    'Identity and trust',
    'Utilities',
  ])
    expect(out).toContain(`${title}:`);
  expect(out).not.toContain('kafka');
  expect((await ran(['--help'], { env: { OCKAM_HELP_SHOW_HIDDEN: 'true' } })).out).toContain('kafka-outlet');
});
