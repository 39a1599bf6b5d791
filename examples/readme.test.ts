import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('the program on the first screen prints what the README says', () => {
  const program = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const prints = /```text\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const folder = mkdtempSync(join(root, 'examples', '.readme-'));
  try {
    writeFileSync(join(folder, 'program.ts'), program);
    const printed = execFileSync(process.execPath, ['--import', 'tsx', '--conditions=postern-source', join(folder, 'program.ts')], {
      cwd: root,
    });
    expect(printed.toString()).toBe(prints);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('every script that the README names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  for (const [, name = ''] of readme.matchAll(/npm run ([a-z:]+)/g)) expect(scripts).toHaveProperty(name);
});
