import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import type { LoggedDenial } from '../policies/decision-log.ts';
import type { DenialForms } from '../policies/denial-text.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { errorFields, type Logger, silentLogger } from '../runtime/logger.ts';
import { claimFile, fileFault } from './files.ts';

/** At most so often something is written, and at most so much at once: who is denied without end fills no disk and no queue. */
const FLUSH_MS = 1_000;
const FLUSH_BYTES_MAX = 256 * 1024;
/** Denials that wait for the next write; as many as the log in memory keeps. */
const WAITING_MAX = 1_024;
/** Then the file is put aside, in place of the one that was before. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

export interface DecisionFileOptions {
  readonly forms: DenialForms;
  readonly clock: Pick<Clock, 'setTimer'>;
  /** Told when denials could not be written, or were too many. */
  readonly logger?: Logger;
  /** Of the file and of the one that was put aside before it, each. Default: 4 MiB */
  readonly fileBytesMax?: number;
}

/** What is told of denials: a `DecisionLog`. */
export interface DenialSource {
  subscribe(listener: (denial: LoggedDenial) => void): () => void;
}

/**
 * The denials of a node in a file of its own, so that they can be read when it has stopped, or was killed: a line for each, written
 * again when it was repeated. A denial waits for a second at most and is then on disk. One node writes to one file.
 * Source: decisions.md D12
 */
export class DecisionFile {
  readonly #file: string;
  readonly #options: DecisionFileOptions;
  readonly #logger: Logger;
  readonly #fileBytesMax: number;
  /** By number, the one that waits longest first. */
  readonly #waiting = new Map<number, LoggedDenial>();
  readonly #unsubscribe: () => void;
  #dropped = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** Whether the last line may have been cut off: then the next one begins on a line of its own. */
  #mayBeTorn = true;

  /** Use `openDecisionFile`. */
  constructor(file: string, denials: DenialSource, options: DecisionFileOptions) {
    this.#file = file;
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#fileBytesMax = options.fileBytesMax ?? FILE_BYTES_MAX;
    this.#unsubscribe = denials.subscribe((denial) => this.#note(denial));
  }

  /** Writes down all that waits, and hears no more. A failure is logged; what was written before stays. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#timer?.cancel();
    let before = Number.POSITIVE_INFINITY;
    while (this.#waiting.size > 0 && this.#waiting.size < before) {
      before = this.#waiting.size;
      await this.#flush();
    }
    await this.#writing;
  }

  #note(denial: LoggedDenial): void {
    this.#waiting.delete(denial.number);
    this.#waiting.set(denial.number, denial);
    if (this.#waiting.size > WAITING_MAX) {
      const [oldest] = this.#waiting.keys();
      if (oldest !== undefined) this.#waiting.delete(oldest);
      this.#dropped += 1;
    }
    this.#arm();
  }

  #arm(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#options.clock.setTimer(FLUSH_MS, () => {
      this.#timer = undefined;
      void this.#flush();
    });
  }

  #flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeSome());
    return this.#writing;
  }

  async #writeSome(): Promise<void> {
    const batch: LoggedDenial[] = [];
    const lines: Uint8Array[] = [];
    let byteCount = 0;
    for (const denial of this.#waiting.values()) {
      const line = Buffer.from(`${this.#options.forms.text(denial)}\n`);
      if (lines.length > 0 && byteCount + line.length > Math.min(FLUSH_BYTES_MAX, this.#fileBytesMax)) break;
      batch.push(denial);
      lines.push(line);
      byteCount += line.length;
    }
    if (lines.length === 0) return;
    try {
      await this.#append(Buffer.concat(lines));
      // What was repeated meanwhile waits on.
      for (const denial of batch) if (this.#waiting.get(denial.number) === denial) this.#waiting.delete(denial.number);
      if (this.#dropped > 0) this.#logger.log('warn', 'decisions.too-many', { count: this.#dropped });
      this.#dropped = 0;
    } catch (thrown) {
      this.#logger.log('warn', 'decisions.unwritten', errorFields(thrown));
    }
    if (this.#waiting.size > 0) this.#arm();
  }

  async #append(bytes: Uint8Array): Promise<void> {
    let handle = await openForAppending(this.#file);
    try {
      const { size } = await handle.stat();
      if (size > 0 && size + bytes.length > this.#fileBytesMax) {
        await handle.close();
        await rename(this.#file, asideOf(this.#file));
        handle = await openForAppending(this.#file);
        this.#mayBeTorn = false;
      }
      const begin = this.#mayBeTorn && (await isCutOff(handle)) ? Uint8Array.of(NEWLINE) : new Uint8Array();
      this.#mayBeTorn = true;
      await handle.appendFile(Buffer.concat([begin, bytes]));
      await handle.datasync();
      this.#mayBeTorn = false;
    } catch (thrown) {
      throw fileFault(thrown, this.#file);
    } finally {
      await handle.close().catch(() => undefined);
    }
  }
}

/**
 * Writes the denials of a log to a file from now on. The file is made with mode 0600, its folder, when it is missing, with 0700.
 * @throws {StorageError} `STORAGE_PATH`, `STORAGE_ACCESS`, `STORAGE_READ_ONLY`, `STORAGE_FULL`, `STORAGE_FAILED`
 */
export async function openDecisionFile(file: string, denials: DenialSource, options: DecisionFileOptions): Promise<DecisionFile> {
  await claimFile(file);
  return new DecisionFile(file, denials, options);
}

/**
 * Reads the denials back, the latest first, each as it was written last. What is cut off or damaged is skipped; the logger is told.
 * @returns none when there is no file
 * @throws {StorageError} `STORAGE_ACCESS`, `STORAGE_PATH`, `STORAGE_FAILED`
 */
export async function readDecisionFile(
  file: string,
  { forms, logger = silentLogger }: Pick<DecisionFileOptions, 'forms' | 'logger'>,
): Promise<LoggedDenial[]> {
  const found = new Map<string, LoggedDenial>();
  let damaged = 0;
  for (const each of [asideOf(file), file])
    for (const line of (await textOf(each)).split('\n')) {
      if (line === '') continue;
      try {
        const denial = forms.read(line);
        // Numbers begin anew with each run of a node: the same denial is the one that began at the same time, too.
        const key = forms.text({ ...denial, lastAt: 0, count: 0 });
        found.delete(key);
        found.set(key, denial);
      } catch {
        damaged += 1;
      }
    }
  if (damaged > 0) logger.log('warn', 'decisions.damaged', { count: damaged });
  return [...found.values()].reverse();
}

const asideOf = (file: string) => `${file}.1`;

async function openForAppending(file: string): Promise<FileHandle> {
  await claimFile(file);
  return open(file, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW);
}

async function isCutOff(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return false;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== NEWLINE;
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw fileFault(thrown, file);
  }
}
