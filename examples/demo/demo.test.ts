import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const demo = fileURLToPath(new URL('demo.ts', import.meta.url));
const run = ['--import', 'tsx', '--conditions=postern-source', demo];
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('postern-demo-'));

test('the demo reaches the database by tickets, denies who lacks the attribute, the project reads nothing, and nothing is left behind', {
  timeout: 90_000,
}, async () => {
  const before = leftovers();
  const { code, printed, complaints } = await new Promise<{ code: number | null; printed: string; complaints: string }>((resolve) => {
    const child = execFile(process.execPath, run, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, printed: stdout, complaints: stderr });
    });
  });
  expect({ code, complaints }).toEqual({ code: 0, complaints: '' });
  expect(printed).toContain('2 | a secret menu: cortado, 3.20');
  expect(printed).toContain('in a home of its own, as are those of the others: one file, mode 600.');
  expect(printed).toMatch(/marketing {2}I[0-9a-f]{64}, listens nowhere: department=marketing/);
  expect(printed).toContain('| Denied: subject.postgres-inlet is not known of the subject.');
  expect(printed).toContain('Smallest change that would allow: subject.postgres-inlet = "true".');
  expect(printed).toMatch(/searched each of them for «.*»: found 0 times/);
  expect(printed).toMatch(/where the channel ends: found [1-9]\d* times/);
  expect(printed.trimEnd().split('\n').at(-1)).toBe('The example run was successful 🥳');
  expect(leftovers()).toEqual(before);
});

test.each(['1. The bank starts', '3. Three companies enroll', '5. An ordinary PostgreSQL client'])(
  'Ctrl-C behind «%s» ends it, and leaves no process and no file behind',
  { timeout: 90_000 },
  async (step) => {
    const before = leftovers();
    // A group of its own, as a terminal makes one: Ctrl-C reaches all that is in it.
    const child = spawn(process.execPath, run, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(child, 'close') as Promise<[number | null]>;
    let [printed, complaints] = ['', ''];
    const reached = new Promise<void>((resolve) => {
      child.stdout.on('data', (data: Buffer) => {
        printed += String(data);
        if (printed.includes(step)) resolve();
      });
    });
    child.stderr.on('data', (data: Buffer) => (complaints += String(data)));
    await reached;
    process.kill(-child.pid!, 'SIGINT');
    const [code] = await closed;
    expect({ code, complaints }).toEqual({ code: 1, complaints: expect.stringContaining('stopped by Ctrl-C') as string });
    expect(complaints.trim()).not.toContain('\n');
    await until(() => isGroupEmpty(child.pid!));
    expect(leftovers()).toEqual(before);
  },
);

function isGroupEmpty(group: number): boolean {
  try {
    process.kill(-group, 0);
    return false;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => void setTimeout(resolve, 20));
}
