import { createHash } from 'node:crypto';
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, EXIT } from '../failure.ts';

/** The system cuts the path of a socket off in silence beyond this. Source: decisions.md E1 */
const SOCKET_PATH_BYTES_MAX = 100;
const HASH_DIGITS = 12;

/** Where a background process takes requests. */
export interface ControlPlace {
  readonly folder: string;
  readonly socket: string;
  /** Holds what every request has to say; only its owner can read it. */
  readonly tokenFile: string;
}

/**
 * @param kind `node` or `project`: names are per kind
 * @throws {CommandError} when the folder is not ours alone
 */
export async function controlPlace(home: string, kind: 'node' | 'project', name: string): Promise<ControlPlace> {
  const real = await realpath(home).catch(() => home);
  const file = shortHash(`${kind} ${name}`);
  const inHome = join(real, 'run');
  const folder = Buffer.byteLength(join(inHome, `${file}.sock`)) <= SOCKET_PATH_BYTES_MAX ? inHome : await besideHome(real);
  return { folder, socket: join(folder, `${file}.sock`), tokenFile: join(folder, `${file}.token`) };
}

/** Makes the folder, or makes sure that it is ours alone and no link. Also whoever sends a token asks this first. */
export async function claimFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== ownUser() || (found.mode & 0o077) !== 0)
    throw new CommandError(EXIT.configuration, `${folder} is a link, belongs to somebody else, or is open to others.`, {
      help: `Remove it, or make it yours alone: chmod 700 ${folder}`,
    });
}

async function besideHome(home: string): Promise<string> {
  return join(await realpath(tmpdir()), `postern-${ownUser()}-${shortHash(home)}`);
}

/** Its number: in a container it may have no name. */
const ownUser = () => process.getuid?.() ?? 0;
const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);
