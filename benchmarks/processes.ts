import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Usage } from './programs/serve.ts';

/** How long a program has to end by itself before it is ended. */
const STOP_MS = 5_000;

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (cause: Error) => void;
}

interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

const running = new Set<Program>();

/** One program under `programs/`, in a process of its own; it is asked by name and answers once. See `programs/serve.ts`. */
export class Program {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #isStopping = false;

  /** @param name for errors and profiles */
  constructor(file: string, name: string = file) {
    this.name = name;
    this.#process = fork(new URL(`programs/${file}.ts`, import.meta.url), { execArgv: [...process.execArgv, ...profiling(name)] });
    this.#process.on('message', ({ id, answer, error }: Reply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(answer as never);
      else waiting?.reject(new Error(`${name}: ${error}`));
    });
    this.#process.once('exit', (code, signal) => {
      running.delete(this);
      const cause = new Error(`The program ${name} ended by itself (${code ?? signal ?? 'no code'}).`);
      for (const { reject } of this.#waiting.values()) reject(cause);
      if (!this.#isStopping) fail(cause);
    });
    running.add(this);
  }

  ask<Answer = undefined>(question: string, argument?: unknown): Promise<Answer> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, name: question, argument }, (cause) => cause && reject(cause));
    });
  }

  usage(): Promise<Usage> {
    return this.ask('usage');
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const tooLong = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS);
    await exit;
    clearTimeout(tooLong);
  }
}

/** Ends every program that was started, each by its own process. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()));
}

function fail(cause: Error): void {
  console.error(cause.message);
  void stopAll().finally(() => process.exit(1));
}

/** `POSTERN_CPU_PROFILES=DIR` writes the CPU profile of each program to a folder of its name there. */
function profiling(name: string): string[] {
  const folder = process.env['POSTERN_CPU_PROFILES'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}/${name}`];
}

process.once('SIGINT', () => fail(new Error('Stopped by Ctrl-C.')));
process.once('SIGTERM', () => fail(new Error('Stopped.')));
