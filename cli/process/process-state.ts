import { readFile } from 'node:fs/promises';
import * as z from 'zod';

/** A process, and when it began: a number that is given again does not make another process the same. Source: reliability.md LO4 */
export const processMark = z.object({ pid: z.number().int().positive(), started: z.string() });
export type ProcessMark = z.infer<typeof processMark>;

export type ProcessStatus = 'running' | 'zombie' | 'stopped';

/** Where the status and the time of start stand in `/proc/PID/stat`, counted after the name. Source: proc(5) */
const STATUS_FIELD = 0;
const STARTED_FIELD = 19;

interface ProcessFacts {
  readonly status: string;
  readonly started: string;
}

/** The mark of a process that runs. @returns undefined when there is none of that number */
export async function markOf(pid: number): Promise<ProcessMark | undefined> {
  const facts = await factsOf(pid);
  return facts && { pid, started: facts.started };
}

/** Asked anew each time. A dead process that nobody reaped is a zombie. Source: command-line.md 4.2 */
export async function processStatus(mark: ProcessMark | undefined): Promise<ProcessStatus> {
  if (mark === undefined) return 'stopped';
  const facts = await factsOf(mark.pid);
  if (facts?.started !== mark.started) return 'stopped';
  return facts.status === 'Z' || facts.status === 'X' ? 'zombie' : 'running';
}

async function factsOf(pid: number): Promise<ProcessFacts | undefined> {
  if (process.platform !== 'linux') return isThere(pid) ? { status: 'R', started: '' } : undefined;
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name may hold anything, also brackets.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { status: fields[STATUS_FIELD] ?? '', started: fields[STARTED_FIELD] ?? '' };
  } catch {
    return undefined;
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
