import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT } from '../failure.ts';
import { newestLog } from './log-file.ts';

/** Secrets that no child inherits. Source: decisions.md E5 */
const SECRET_VARIABLES = ['ENROLLMENT_TICKET'];
/** So much of a log says why a process ended. */
const TAIL_BYTES = 4_096;
const TAIL_LINES = 12;

const FIRST_PAUSE_MS = 25;
const PAUSE_MS_MAX = 1_000;

export interface Background {
  readonly pid: number;
  /** Resolves when the process ended by itself. */
  readonly ended: Promise<number | null>;
}

/** Starts this program again, in a process group of its own, that survives us. What it says outside of its log goes to `logFile`. */
export function startBackground(cli: Cli, args: readonly string[], logFile: string): Background {
  const [executable, ...before] = cli.invocation.program;
  const env = Object.fromEntries(Object.entries(cli.invocation.env).filter(([name]) => !SECRET_VARIABLES.includes(name)));
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const descriptor = openSync(logFile, flags, 0o600);
  try {
    const child = spawn(executable, [...before, ...args], {
      detached: true,
      // The folder that we are in may be removed while the process lives.
      cwd: dirname(before.at(-1) ?? executable),
      env: { ...env, POSTERN_HOME: cli.folder },
      stdio: ['ignore', descriptor, descriptor],
    });
    const ended = new Promise<number | null>((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.once('error', () => resolve(EXIT.failure));
    });
    child.unref();
    if (child.pid === undefined) throw new CommandError(EXIT.failure, `The background process could not be started: ${executable}.`);
    return { pid: child.pid, ended };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Waits until a background process answers.
 * @param ask throws while it does not
 * @throws {CommandError} at once when the process ends, with the last lines of its log; `unavailable` when it never answers
 * Source: command-line.md 4.2
 */
export async function whenReady<Answer>(
  background: Background,
  ask: () => Promise<Answer>,
  { what, logFolder, timeoutMs }: { readonly what: string; readonly logFolder: string; readonly timeoutMs: number },
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, PAUSE_MS_MAX)) {
    try {
      return await ask();
    } catch (cause) {
      if (performance.now() > deadline)
        throw new CommandError(EXIT.unavailable, `${what} did not become ready; its log is in ${logFolder}.`, { cause });
    }
    const isOver = await Promise.race([background.ended.then((code) => ({ code })), pausing(pauseMs)]);
    if (isOver !== undefined) throw await endedEarly(what, logFolder, isOver.code);
  }
}

const pausing = (ms: number) =>
  new Promise<undefined>((resolve) => {
    setTimeout(resolve, ms, undefined);
  });

async function endedEarly(what: string, logFolder: string, code: number | null): Promise<CommandError> {
  const tail = await tailOf(logFolder);
  const isOurs = code === EXIT.usage || code === EXIT.data || code === EXIT.notPermitted || code === EXIT.configuration;
  return new CommandError(
    isOurs ? code : EXIT.failure,
    `${what} ended while it started${tail === '' ? '.' : `; the end of its log:\n${tail}`}`,
    {
      help: `The whole log is in ${logFolder}.`,
    },
  );
}

async function tailOf(logFolder: string): Promise<string> {
  const path = await newestLog(logFolder);
  if (path === undefined) return '';
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(TAIL_BYTES), position: Math.max(0, size - TAIL_BYTES) });
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  } finally {
    await file.close();
  }
}
