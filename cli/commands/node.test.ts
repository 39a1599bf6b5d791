import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { systemClock, systemRandom } from 'postern';
import { Home } from 'postern/manager';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../run.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-prompts-'));
  await using home = await Home.open(join(folder, 'home'), { clock: systemClock, random: systemRandom });
  const settings = { identity: 'i', listen: '127.0.0.1:0', trust: { kind: 'open' }, verbosity: 0 };
  for (const name of ['n1', 'n2', 'n3']) await home.state.nodes.change(name, () => ({ settings, state: {} }));
});
afterEach(() => rm(folder, { recursive: true }));

/** A person at a terminal, who presses these keys one after another once there is a question. */
async function atTerminal(line: string, keys: readonly string[], options: { readonly env?: Record<string, string> } = {}) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
  let said = '';
  const left = [...keys];
  const stderr = Object.assign(
    new Writable({
      write: (chunk: Buffer, _, done) => {
        said += chunk.toString();
        // The next key comes once what the last one did was drawn.
        if (said.includes('?'))
          setImmediate(() => {
            if (left.length > 0) stdin.write(left.shift());
          });
        done();
      },
    }),
    { isTTY: true, columns: 80 },
  );
  const out: string[] = [];
  const code = await run({
    programName: 'postern',
    args: line.split(' '),
    env: { POSTERN_HOME: join(folder, 'home'), NO_COLOR: '1', ...options.env },
    cwd: folder,
    stdin,
    stdout: { isTTY: true, write: (text) => out.push(text) },
    stderr,
    program: ['/nonexistent'],
    onSignal: () => () => undefined,
  });
  return { code, out: out.join(''), said };
}

const ENTER = '\r';
const SPACE = ' ';
const DOWN = '\u001b[B';

const names = async () => {
  await using home = await Home.open(join(folder, 'home'), { clock: systemClock, random: systemRandom });
  return (await home.state.nodes.list()).map(({ name }) => name);
};

test('to delete asks first: no is no, yes is the default, and --no-input asks nothing', async () => {
  expect(await atTerminal('node delete n1', ['n', ENTER])).toMatchObject({ code: 0 });
  expect(await names()).toEqual(['n1', 'n2', 'n3']);
  const asked = await atTerminal('node delete n1', [ENTER]);
  expect(asked.said).toContain('Delete node n1?');
  expect(await names()).toEqual(['n2', 'n3']);
  expect(await atTerminal('node delete --all --no-input', [])).toMatchObject({ code: 70 });
  expect(await atTerminal('node delete --all --quiet', [])).toMatchObject({ code: 70 });
  expect(await atTerminal('node delete n2', [], { env: { NO_INPUT: '1' } })).toMatchObject({ code: 70 });
  const all = await atTerminal('node delete --all', [ENTER]);
  expect(all.said).toContain('Delete 2 of kind node?');
  expect(await names()).toEqual([]);
});

test('what is not named is picked from a list: to show, to delete, to start', async () => {
  const shown = await atTerminal('node show', [DOWN, SPACE, ENTER]);
  expect(shown.out).toContain('Node n2');
  expect(shown.out).not.toContain('Node n1');
  const none = await atTerminal('node start', [ENTER]);
  expect(none.said).toContain('Start which node?');
  expect(none.out).toContain('No node was started.');
  await atTerminal('node delete', [SPACE, DOWN, SPACE, ENTER, ENTER]);
  expect(await names()).toEqual(['n3']);
});
