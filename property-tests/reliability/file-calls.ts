import { execFileSync } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Watches the file calls of a process, or makes one of them fail, by a library between it and its C library: SQLite's own calls
 * pass no JavaScript. Needs Linux and a C compiler.
 */

const COMPILER = process.env['CC'] ?? 'cc';

export const canWatchFiles = process.platform === 'linux' && hasCompiler();

function hasCompiler(): boolean {
  try {
    execFileSync(COMPILER, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The settings of a process whose calls in `folder` are watched. @param record where they are written down; nowhere by default */
export function watching(folder: string, scratch: string, record?: string): Record<string, string> {
  if (!canWatchFiles)
    throw new Error('File calls are watched on Linux, with a C compiler: install one that is called cc, or name it in CC.');
  const library = join(scratch, 'file-calls.so');
  const source = fileURLToPath(new URL('file-calls/file-calls.c', import.meta.url));
  execFileSync(COMPILER, ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl', '-lpthread']);
  // Without UV_USE_IO_URING=0 a file could be used past the C library.
  return { LD_PRELOAD: library, UV_USE_IO_URING: '0', POSTERN_WATCH: folder, ...(record !== undefined && { POSTERN_RECORD: record }) };
}

/** Gives an order to the library, see file-calls.c. @returns whether the answer is yes */
export function order(text: string): boolean {
  try {
    openSync(`/postern-files/${text}`, 'r');
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EEXIST';
  }
  throw new Error('An order to the library was taken for a file.');
}

/** One call that changed something in the folder, or a mark. */
export interface FileCall {
  readonly name: 'create' | 'write' | 'size' | 'sync' | 'remove' | 'folder' | 'mark';
  /** The whole path; of a mark its text. */
  readonly path: string;
  /** Of a write the offset, of a size the size. */
  readonly number: number;
  readonly bytes: Buffer;
}

export function readRecord(file: string): FileCall[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [name = '', path = '', number = '', bytes = ''] = line.split('\t');
      return { name: name as FileCall['name'], path, number: Number(number), bytes: Buffer.from(bytes, 'hex') };
    });
}

/** What a disk does with what it was not made to write when the power goes. */
export interface Loss {
  /** Whether this write, not waited for, has reached the disk. */
  readonly isKept: () => boolean;
  /** How much of the last of them. @returns bytes, at most the size of it */
  readonly cut: (byteCount: number) => number;
}

interface Disk {
  /** What is there for sure. */
  bytes: Buffer;
  readonly pending: FileCall[];
  /** Whether its name is in its folder for sure; `going`: it is, and was removed since. */
  name: 'coming' | 'there' | 'going' | 'gone';
  /** What had the name before, and may have it again. */
  readonly before: Disk | undefined;
}

/**
 * What may be in a folder after the power went behind these calls. What was waited for is there; of the rest each call for itself
 * is there or not, whatever came before it, and the last may be there in part. A name is there for sure once its folder was
 * waited for. The folder itself counts as there.
 * @returns files by name
 */
export function afterPowerLoss(calls: readonly FileCall[], folder: string, loss: Loss): Map<string, Buffer> {
  const disks = new Map<string, Disk>();
  for (const call of calls) {
    const known = disks.get(call.path);
    if (call.name === 'create')
      disks.set(call.path, { bytes: Buffer.alloc(0), pending: [], name: 'coming', before: known?.name === 'going' ? known : undefined });
    else if (call.name === 'sync' && call.path === folder)
      for (const [path, disk] of disks)
        disks.set(path, { ...disk, before: undefined, name: disk.name === 'coming' || disk.name === 'there' ? 'there' : 'gone' });
    else if (known === undefined) continue;
    else if (call.name === 'sync') known.bytes = known.pending.splice(0).reduce(applied, known.bytes);
    else if (call.name === 'remove') known.name = known.name === 'coming' ? 'gone' : 'going';
    else known.pending.push(call);
  }
  const found = new Map<string, Buffer>();
  for (const [path, newest] of disks)
    for (let disk: Disk | undefined = newest; disk !== undefined; disk = disk.before) {
      if (disk.name === 'gone' || (disk.name !== 'there' && !loss.isKept())) continue;
      found.set(basename(path), contentsOf(disk, loss));
      break;
    }
  return found;
}

function contentsOf({ bytes, pending }: Disk, { isKept, cut }: Loss): Buffer {
  const kept = pending.filter(isKept);
  const last = kept.at(-1);
  if (last?.name === 'write') kept[kept.length - 1] = { ...last, bytes: last.bytes.subarray(0, cut(last.bytes.length)) };
  return kept.reduce(applied, bytes);
}

function applied(before: Buffer, { name, number, bytes }: FileCall): Buffer {
  if (name === 'size') return Buffer.concat([before, Buffer.alloc(Math.max(number - before.length, 0))]).subarray(0, number);
  if (bytes.length === 0) return before;
  const after = Buffer.alloc(Math.max(before.length, number + bytes.length));
  before.copy(after);
  bytes.copy(after, number);
  return after;
}
