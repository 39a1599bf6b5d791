import { spawn } from 'node:child_process';
import { valueOf, VARIABLES } from './environment.ts';
import type { Invocation } from './invocation.ts';

/** Colours pass, what fits is not paged, and the text stays on the screen. Source: command-line.md 8.3 */
const LESS = 'FRX';

/** Shows a text by $PAGER where a person reads it, else prints it. */
export async function paged(text: string, { stdout, env }: Pick<Invocation, 'stdout' | 'env'>): Promise<void> {
  const pager = env['PAGER'] === '' ? '' : (valueOf(VARIABLES.pager, env) ?? VARIABLES.pager.default);
  const isOver = stdout.isTTY === true && pager !== '' && (await throughPager(pager, text, env));
  if (!isOver) stdout.write(text);
}

/** @returns whether it could be started */
function throughPager(pager: string, text: string, env: Invocation['env']): Promise<boolean> {
  return new Promise((resolve) => {
    // It is a command line, as in other programs.
    const child = spawn('/bin/sh', ['-c', `command -v ${pager.split(' ')[0] ?? ''} > /dev/null || exit 127; exec ${pager}`], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { LESS, LESSCHARSET: 'utf-8', ...env },
    });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code !== 127));
    // It may be left before it has read all.
    child.stdin.on('error', () => undefined);
    child.stdin.end(text);
  });
}
