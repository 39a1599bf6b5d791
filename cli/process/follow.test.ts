import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { followLog } from './follow.ts';

test('a log is followed from its beginning, beyond the end of a file, until it is told to stop', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-follow-'));
  const today = join(folder, 'stdout.2026-01-01.log');
  const stop = new AbortController();
  let said = '';
  expect(await followLog(folder, () => undefined, stop.signal)).toBe(false);
  await writeFile(today, 'one\n');
  const done = followLog(folder, (text) => (said += text), stop.signal);
  await vi.waitFor(() => expect(said).toBe('one\n'));
  await appendFile(today, 'two ');
  await vi.waitFor(() => expect(said).toBe('one\ntwo '));
  // It is put aside, as when it became too long.
  await appendFile(today, 'three\n');
  await rename(today, join(folder, 'stdout.2026-01-01.1.log'));
  await writeFile(today, 'four\n');
  await vi.waitFor(() => expect(said).toBe('one\ntwo three\nfour\n'), { timeout: 5_000 });
  await writeFile(join(folder, 'stdout.2026-01-02.log'), 'five\n');
  await vi.waitFor(() => expect(said).toBe('one\ntwo three\nfour\nfive\n'), { timeout: 5_000 });
  stop.abort();
  expect(await done).toBe(true);
  await rm(folder, { recursive: true });
});
