import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('.', import.meta.url));
const LINES_MAX = 40;

/** What the comment at the end of an example says that it prints. */
function promised(file: string): string {
  const source = readFileSync(`${folder}${file}`, 'utf8');
  expect(source.split('\n').length, `${file} has fewer than ${LINES_MAX} lines`).toBeLessThanOrEqual(LINES_MAX);
  const [, comment = ''] = source.split('// Prints:\n');
  return comment.replaceAll(/^\/\/ {3}/gm, '').trimEnd();
}

function start(file: string, ...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=postern-source', `${folder}${file}`, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const ended = new Promise<{ code: number | null; printed: string; complaints: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, printed: printed.trimEnd(), complaints }));
  });
  const line = () => new Promise<string>((resolve) => child.stdout.once('data', () => resolve(printed)));
  return { child, ended, line };
}

const alone = readdirSync(folder).filter((file) => /^\d\d-.*\.ts$/.test(file) && !file.startsWith('03-') && !file.endsWith('.test.ts'));

test('every example is run', () => {
  expect(alone).toHaveLength(7);
});

test.each(alone)('%s prints what its comment says', async (file) => {
  expect(await start(file).ended).toEqual({ code: 0, printed: promised(file), complaints: '' });
});

test('03: a responder and an initiator talk over TCP, and Ctrl-C stops the responder', async () => {
  const responder = start('03-tcp-responder.ts', '0');
  const first = await responder.line();
  const port = /listening on (\d+)/.exec(first)?.[1] ?? '';
  expect(await start('03-tcp-initiator.ts', port).ended).toEqual({ code: 0, printed: promised('03-tcp-initiator.ts'), complaints: '' });
  responder.child.kill('SIGINT');
  const { code, printed } = await responder.ended;
  expect(code).toBe(0);
  expect(printed).toBe(`${promised('03-tcp-responder.ts').replace('4000', port)}\nstopped`);
});
