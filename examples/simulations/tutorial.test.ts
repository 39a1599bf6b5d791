import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tutorial = readFileSync(join(root, 'docs', 'simulation.md'), 'utf8');
const folder = mkdtempSync(join(root, 'examples', '.tutorial-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** For a machine that does much else; alone, none takes more than 10 s. */
const PATIENCE_MS = 120_000;

/** Programs with what they print, and files that have a name. */
const blocks = [...tutorial.matchAll(/```ts(?: (\S+))?\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g)];
for (const [, name, source = ''] of blocks) if (name !== undefined) writeFileSync(join(folder, name), source);
const programs = blocks
  .filter(([, name]) => name === undefined)
  .map(([, , source = '', prints], index) => ({ number: index + 1, source, prints }));

test('the tutorial has five programs, and says of each what it prints', () => {
  expect(programs.map(({ prints = '' }) => prints.length > 0)).toEqual([true, true, true, true, true]);
});

test.each(programs)(
  'program $number prints what the tutorial says',
  ({ number, source, prints }) => {
    const file = join(folder, `program-${number}.ts`);
    writeFileSync(file, source);
    const printed = execFileSync(process.execPath, ['--import', 'tsx', '--conditions=postern-source', file], { cwd: root });
    expect(printed.toString()).toBe(prints);
  },
  PATIENCE_MS,
);
