import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const demo = fileURLToPath(new URL('demo.ts', import.meta.url));
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('postern-demo-'));

test('the demo reaches the database by tickets, denies who lacks the attribute, the project reads nothing, and nothing is left behind', {
  timeout: 90_000,
}, async () => {
  const before = leftovers();
  const { code, printed, complaints } = await new Promise<{ code: number | null; printed: string; complaints: string }>((resolve) => {
    const child = execFile(process.execPath, ['--import', 'tsx', '--conditions=postern-source', demo], (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, printed: stdout, complaints: stderr });
    });
  });
  expect({ code, complaints }).toEqual({ code: 0, complaints: '' });
  expect(printed).toContain('2 | a secret menu: cortado, 3.20');
  expect(printed).toMatch(/marketing {2}I[0-9a-f]{64}, listens nowhere: department=marketing/);
  expect(printed).toContain('| Denied: subject.postgres-inlet is not known of the subject.');
  expect(printed).toContain('Smallest change that would allow: subject.postgres-inlet = "true".');
  expect(printed).toMatch(/searched each of them for «.*»: found 0 times/);
  expect(printed).toMatch(/where the channel ends: found [1-9]\d* times/);
  expect(printed.trimEnd().split('\n').at(-1)).toBe('The example run was successful 🥳');
  expect(leftovers()).toEqual(before);
});
