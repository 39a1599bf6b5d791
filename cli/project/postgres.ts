import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemClock } from 'postern';
import { openPostgresStore } from 'postern/storage';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, usageError } from '../failure.ts';
import { textOf } from '../fetch.ts';

const URL_BYTES_MAX = 4_096;

/**
 * The URL of a PostgreSQL database, given as it is, as a file that holds it, or on standard input. It is asked at once, so that what
 * is wrong with it is said here. It holds a password, so it goes into no argument of a child and no log.
 */
export async function checkedPostgres(cli: Cli, given: string): Promise<string> {
  const url = await urlFrom(cli, given);
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    throw usageError('--postgres is a URL, postgres://USER:PASSWORD@HOST:PORT/DATABASE, or a file that holds it.');
  const store = await openPostgresStore(url, { clock: systemClock }).catch((cause: unknown) => {
    throw new CommandError(EXIT.unavailable, `The state in PostgreSQL cannot be opened: ${(cause as Error).message}`, {
      cause: (cause as Error).cause,
      help: 'Is the server up, and may this user use the database?',
    });
  });
  await store.close();
  return url;
}

async function urlFrom(cli: Cli, given: string): Promise<string> {
  if (/^postgres(ql)?:/.test(given)) {
    if (URL.canParse(given) && new URL(given).password !== '')
      cli.warn('The URL holds a password, and other users can read command lines: a file or standard input is safer.');
    return given;
  }
  if (given === '-') return (await textOf(cli.invocation.stdin, 'standard input', { what: 'URL', bytesMax: URL_BYTES_MAX })).trim();
  const path = resolve(cli.invocation.cwd, given);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CommandError(EXIT.input, `The URL of the database cannot be read from ${path}.`, { cause });
  });
  return text.trim();
}
