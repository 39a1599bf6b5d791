import { setTimeout as pause } from 'node:timers/promises';
import type { Cli } from '../cli.ts';
import { knownNodes } from './known.ts';
import { statusOf } from './settings.ts';
import { stopNode } from './start-node.ts';

const LOOK_MS = 200;

/** Waits until none of these nodes runs. A signal is passed on: it ends them. Source: command-line.md 6.6 */
export async function untilEnded(cli: Cli, names: readonly string[]): Promise<void> {
  const stopping = new AbortController();
  cli.atEnd(cli.invocation.onSignal(() => stopping.abort()));
  for (;;) {
    const known = await knownNodes(cli);
    const statuses = await Promise.all(known.map(statusOf));
    const running = known.filter(({ name }, index) => names.includes(name) && statuses[index] === 'running');
    if (running.length === 0) return;
    if (stopping.signal.aborted) await Promise.all(running.map((node) => stopNode(cli, node)));
    else await pause(LOOK_MS);
  }
}
