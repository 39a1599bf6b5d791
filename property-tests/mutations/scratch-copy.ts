import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Mutation, mutated } from './mutation.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What no scenario runs. */
const LEFT_OUT = new Set(['benchmarks', 'coverage', 'dist', 'docs', 'examples', 'node_modules', 'vectors']);
/** A scenario takes a second or two, and many times that on a machine that does much else; one that takes so long hangs. */
const RUN_MS_MAX = 300_000;

/** What came of a scenario: how many events its trace has, or the first line of its failure. */
export type Outcome = { readonly events: number } | { readonly failure: string };

/** The sources in a folder that may be spoilt. Scenarios run there, each in a process of its own. */
export class ScratchCopy implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'postern-mutations-'));

  constructor() {
    const isKept = (path: string) =>
      path === ROOT || !(LEFT_OUT.has(basename(path)) || basename(path).startsWith('.') || /\.test\.ts$/.test(path));
    cpSync(ROOT, this.#folder, { recursive: true, filter: isKept });
    symlinkSync(join(ROOT, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  /** @param isTwice it has to do the same twice, too */
  async play(scenario: string, isTwice = false): Promise<Outcome> {
    const program = ['--import', 'tsx', '--conditions=postern-source', 'property-tests/mutations/play.ts', scenario];
    const child = spawn(process.execPath, isTwice ? [...program, 'twice'] : program, { cwd: this.#folder, timeout: RUN_MS_MAX });
    const output: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (bytes: Buffer) => (output[name] += bytes.toString()));
    const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, by) => resolve(by)));
    if (signal !== null) return { failure: `It was ended by ${signal}, after ${RUN_MS_MAX / 1_000} s if by nobody else.` };
    const line = output.stdout.trim().split('\n').at(-1) ?? '';
    if (!line.startsWith('{')) return { failure: `It said nothing of how it ended. ${output.stderr.trim().slice(0, 500)}` };
    return JSON.parse(line) as Outcome;
  }

  /** Runs the scenario of a mutation without the check, and puts the check back. @throws {Error} as `mutated` */
  async without(mutation: Mutation): Promise<Outcome> {
    const file = join(this.#folder, mutation.file);
    const source = readFileSync(file, 'utf8');
    writeFileSync(file, mutated(source, mutation));
    try {
      return await this.play(mutation.scenario);
    } finally {
      writeFileSync(file, source);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** @returns what is wrong; undefined when the mutation is caught for the reason that it names */
export function escaped({ check, scenario, caughtBy }: Mutation, outcome: Outcome): string | undefined {
  if (!('failure' in outcome)) return `${check}: ${scenario} holds without it.`;
  if (!outcome.failure.includes(caughtBy)) return `${check}: ${scenario} fails for another reason: ${outcome.failure}`;
  return undefined;
}
