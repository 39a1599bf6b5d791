import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface LogFileOptions {
  readonly bytesMax: number;
  readonly filesMax: number;
  /** Milliseconds since 1970: names of files have the date. */
  readonly now: () => number;
}

const NAME = /^stdout\.\d{4}-\d\d-\d\d(\.\d+)?\.log$/;

/** Log lines in a folder: a file a day, put aside by size, the oldest removed. Source: command-line.md 4.7 */
export class LogFile {
  readonly #folder: string;
  readonly #options: LogFileOptions;
  #open: { readonly day: string; readonly descriptor: number; size: number } | undefined;

  constructor(folder: string, options: LogFileOptions) {
    this.#folder = folder;
    this.#options = options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** For a child that writes there itself. */
  get descriptor(): number {
    return this.#current().descriptor;
  }

  write(line: string): void {
    const file = this.#current();
    file.size += writeSync(file.descriptor, line);
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.descriptor);
    this.#open = undefined;
  }

  #current() {
    const day = new Date(this.#options.now()).toISOString().slice(0, 10);
    if (this.#open?.day === day && this.#open.size < this.#options.bytesMax) return this.#open;
    if (this.#open?.day === day) this.#putAside(day);
    this.close();
    // Never through a link, and for nobody else. Source: reliability.md LO1, LO3
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
    const descriptor = openSync(join(this.#folder, `stdout.${day}.log`), flags, 0o600);
    this.#open = { day, descriptor, size: fstatSync(descriptor).size };
    this.#removeOldest();
    return this.#open;
  }

  #putAside(day: string): void {
    const taken = new Set(readdirSync(this.#folder));
    let count = 1;
    while (taken.has(`stdout.${day}.${count}.log`)) count += 1;
    renameSync(join(this.#folder, `stdout.${day}.log`), join(this.#folder, `stdout.${day}.${count}.log`));
  }

  #removeOldest(): void {
    const files = readdirSync(this.#folder).filter((name) => NAME.test(name));
    for (const name of files.sort(byAge).slice(0, Math.max(0, files.length - this.#options.filesMax))) rmSync(join(this.#folder, name));
  }
}

/** By day, and within a day those that were put aside first. */
function byAge(left: string, right: string): number {
  const [leftDay, leftCount] = ageOf(left);
  const [rightDay, rightCount] = ageOf(right);
  return leftDay === rightDay ? leftCount - rightCount : leftDay < rightDay ? -1 : 1;
}

function ageOf(name: string): readonly [day: string, count: number] {
  const [, day = '', count] = name.split('.');
  return [day, count === 'log' || count === undefined ? Number.POSITIVE_INFINITY : Number(count)];
}

/** The newest log file of a folder. */
export async function newestLog(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch(() => []);
  const newest = names
    .filter((name) => NAME.test(name))
    .sort(byAge)
    .at(-1);
  const path = newest === undefined ? undefined : join(folder, newest);
  return path !== undefined && (await stat(path)).isFile() ? path : undefined;
}
