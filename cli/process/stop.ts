import { setTimeout as pause } from 'node:timers/promises';
import { type ProcessMark, processStatus } from './process-state.ts';

const STEP_MS = 100;
const PATIENCE_MS = 5_000;

/**
 * Ends a process: SIGTERM, and SIGKILL when it is still there after 5 s. One that is gone is fine, and so is one that is dead and
 * not reaped. Our own process is never ended.
 * @param onWait called once, when it takes longer than half a second
 * @returns whether it is gone
 * Source: command-line.md 4.2
 */
export async function stopProcess(mark: ProcessMark, onWait: () => void = () => undefined): Promise<boolean> {
  if (mark.pid === process.pid) return false;
  let waitedMs = 0;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if ((await processStatus(mark)) !== 'running') return true;
    send(mark.pid, signal);
    for (let leftMs = PATIENCE_MS; leftMs > 0; leftMs -= STEP_MS) {
      if ((await processStatus(mark)) !== 'running') return true;
      await pause(STEP_MS);
      waitedMs += STEP_MS;
      if (waitedMs === 5 * STEP_MS) onWait();
    }
  }
  return (await processStatus(mark)) !== 'running';
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It went away by itself, or is not ours: the status tells.
  }
}
