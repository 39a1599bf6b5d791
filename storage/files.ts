import { constants } from 'node:fs';
import { lstat, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from './errors.ts';

/** What SQLite puts beside a database; it gives them the database's own mode. */
const SIDE_FILES = ['-wal', '-shm', '-journal'] as const;

/** Others may neither read nor write a file, nor write to a folder. */
const WIDE_FILE = 0o077;
const WIDE_FOLDER = 0o022;

/**
 * Makes sure that `file` exists, is ours alone and is no link, before SQLite touches it: it would make it as the umask
 * says, and follow links. A folder that is missing is made, 0700.
 * @returns whether the file was made just now
 * @throws {StorageError} `STORAGE_PATH`, `STORAGE_ACCESS`, `STORAGE_READ_ONLY`, `STORAGE_FULL`, `STORAGE_FAILED`
 * Source: reliability.md LO1, LO3
 */
export async function claimFile(file: string): Promise<boolean> {
  const folder = dirname(file);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await checkOurs(folder, 'folder');
    const made = await createFile(file);
    await checkOurs(file, 'file');
    for (const side of SIDE_FILES) await checkOurs(file + side, 'file', true);
    // A new name in a folder survives a power loss once the folder is written.
    if (made) await syncFolder(folder);
    return made;
  } catch (thrown) {
    throw thrown instanceof StorageError ? thrown : fileFault(thrown, file);
  }
}

/**
 * Makes an empty file for a copy. @throws {StorageError} `STORAGE_PATH` when there is something already, and as `claimFile`
 */
export async function claimNewFile(file: string): Promise<void> {
  let made: boolean;
  try {
    made = await createFile(file);
  } catch (thrown) {
    throw fileFault(thrown, file);
  }
  if (!made) throw new StorageError('STORAGE_PATH', `${file} is there already: name a file that is not.`);
}

/** @returns false when there is something of that name, link or not */
async function createFile(file: string): Promise<boolean> {
  try {
    const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    await handle.close();
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  }
}

async function checkOurs(path: string, kind: 'file' | 'folder', mayBeMissing = false): Promise<void> {
  const found = await lstat(path).catch((thrown: unknown) => {
    if (mayBeMissing && (thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  });
  if (found === undefined) return;
  if (found.isSymbolicLink()) throw refused(`${path} is a link`, 'name the real place');
  if (kind === 'file' ? !found.isFile() : !found.isDirectory()) throw refused(`${path} is no ${kind}`, 'move it away');
  const uid = process.getuid?.();
  if (uid === undefined) return; // a system without such owners and modes
  if (found.uid !== uid) throw refused(`${path} belongs to user ${found.uid}`, `run as that user, or chown it to user ${uid}`);
  if (kind === 'file' && (found.mode & WIDE_FILE) !== 0) throw refused(`Others may read or write ${path}`, 'chmod 600 it');
  if (kind === 'folder' && (found.mode & WIDE_FOLDER) !== 0) throw refused(`Others may write to ${path}`, 'chmod 700 it');
}

const refused = (what: string, next: string) => new StorageError('STORAGE_PATH', `${what}, and keys are kept there: ${next}.`);

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // folders cannot be opened there
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What the system threw, as an error of ours. */
export function fileFault(cause: unknown, file: string): StorageError {
  if (cause instanceof StorageError) return cause;
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'EACCES':
    case 'EPERM':
      return new StorageError('STORAGE_ACCESS', `The system does not let us use ${file}: check owner and mode of it and its folder.`, {
        cause,
      });
    case 'EROFS':
      return new StorageError('STORAGE_READ_ONLY', `${file} is on a disk that cannot be written: choose another home.`, { cause });
    case 'ENOSPC':
    case 'EDQUOT':
      return new StorageError('STORAGE_FULL', `There is no room for ${file}: free some and try again; nothing was lost.`, { cause });
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ELOOP':
      return new StorageError('STORAGE_PATH', `${file} cannot be a file there: check its path.`, { cause });
    default:
      return new StorageError('STORAGE_FAILED', `${file} cannot be used; see the cause.`, { cause });
  }
}
