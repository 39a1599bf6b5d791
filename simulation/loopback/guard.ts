import { type ChildProcess, spawn } from 'node:child_process';

/** Keeps the last line it reads; when nobody is left who could write another, kills the processes that are named there. */
const SCRIPT = 'while read -r line; do pids=$line; done; test -z "$pids" || kill -9 $pids';

/**
 * Sees to it that processes that stand still do not outlive this one, should it end by signal 9: others hear that their channel
 * broke and end by themselves, and those cannot.
 */
export class Guard {
  #shell: ChildProcess | undefined;

  /** These processes, and no others, stand still now. */
  watch(pids: readonly number[]): void {
    // In a session of its own, so that Ctrl-C does not end it.
    this.#shell ??= spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#shell.stdin?.write(`${pids.join(' ')}\n`);
  }

  end(): void {
    this.#shell?.kill('SIGKILL');
  }
}
