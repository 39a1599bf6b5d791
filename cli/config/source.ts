import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT } from '../failure.ts';
import { fetchedText, textOf, urlIn } from '../fetch.ts';
import type { Source } from './place.ts';

const CONFIGURATION = { what: 'configuration', bytesMax: 1_048_576 };

/** How an argument that may be a name or a configuration is read: what is no URL and no file is a name. Source: command-line.md 5.1 */
export async function isConfiguration(cli: Cli, given: string): Promise<boolean> {
  if (urlIn(given) !== undefined) return true;
  const found = await stat(resolve(cli.invocation.cwd, given)).catch(() => undefined);
  return found !== undefined && !found.isDirectory();
}

/** @param given a path or a URL @throws {CommandError} */
export async function readSource(cli: Cli, given: string): Promise<Source> {
  const url = urlIn(given);
  if (url !== undefined) return { name: `${url.host}${url.pathname}`, text: await fetchedText(url, CONFIGURATION) };
  return { name: given, text: await fileText(resolve(cli.invocation.cwd, given)) };
}

async function fileText(path: string): Promise<string> {
  try {
    await using file = await open(path);
    return await textOf(file.createReadStream({ autoClose: false }), path, CONFIGURATION);
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(EXIT.input, `The configuration cannot be read from ${path}.`, { cause });
  }
}
