import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const EXAMPLE_MS = 600_000;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-portal-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs a walk-through, or its cleanup. @returns its exit code and what it printed */
async function ran(name: string, ...args: string[]): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const script = fileURLToPath(new URL(`${name}/run.sh`, import.meta.url));
  const child = spawn('sh', [script, ...args], { env: { ...process.env, WORK: join(folder, 'work') }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, code] = await Promise.all([said(child.stdout), said(child.stderr), ended(child)]);
  return { code, out, err };
}

async function said(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

/** Whose command line or environment names the folder. */
async function processesIn(place: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const facts = await Promise.all(['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')));
    if (Number(pid) !== process.pid && facts.some((text) => text.includes(place))) found.push(facts[0] ?? '');
  }
  return found;
}

describe.each([
  ['Z1', 'how-it-works', 'Ada ada@example.com'],
  ['Z2', 'postgres', 'Grace grace@example.com'],
  ['Z3', 'mongodb', 'Grace grace@example.com'],
  ['Z4', 'influxdb', 'h3: 25 points'],
  ['Z5', 'git-ssh', 'Two megabytes and a line'],
])('%s: the walk-through %s', (_criterion, name, seen) => {
  test(
    'runs on one machine, and its cleanup leaves nothing',
    async () => {
      const { code, out, err } = await ran(name);
      expect(code, err).toBe(0);
      expect(out).toContain(seen);
      expect(out.trimEnd().split('\n').at(-1)).toBe('The example run was successful 🥳');
      expect(await ran(name, 'cleanup')).toMatchObject({ code: 0 });
      expect(existsSync(join(folder, 'work'))).toBe(false);
      expect(await processesIn(join(folder, 'work'))).toEqual([]);
    },
    EXAMPLE_MS,
  );
});
