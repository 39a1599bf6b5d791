import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Cli } from './cli.ts';
import { VARIABLES } from './environment.ts';
import { CommandError, EXIT, usageError } from './failure.ts';
import { fetchedText, textOf, urlIn } from './fetch.ts';

/** Twice the most that one holds. */
const TICKET = { what: 'ticket', bytesMax: 1_048_576 };

/** What to give where there is no ticket. */
const FORMS = 'Give a path, "-" for standard input, a URL, or the hex text.';

/**
 * The text of a ticket that is given as a path, `-`, hex, or a URL; the environment's when none is given.
 * @param isOnLine whether it stands on the command line, where others can read it
 * @returns undefined when there is none
 * @throws {CommandError} usage for an empty one; input for a file that cannot be read. Source: decisions.md E4, E5
 */
export async function ticketText(cli: Cli, given: string | undefined, { isOnLine = true } = {}): Promise<string | undefined> {
  const fromEnv = cli.invocation.env[VARIABLES.ticket.name];
  const text = given ?? fromEnv;
  if (text === undefined) return undefined;
  if (text.trim() === '') throw usageError(given === undefined ? `${VARIABLES.ticket.name} is empty.` : 'The ticket is empty.', FORMS);
  if (text === '-') return read(cli.invocation.stdin, 'standard input');
  const url = urlIn(text);
  if (url !== undefined) return notEmpty(await fetchedText(url, TICKET), url.host);
  if (/^[0-9a-fA-F]{64,}$/.test(text.trim()) || text.includes(',')) {
    if (given !== undefined && isOnLine)
      cli.warn('A ticket is a secret, and other users can read command lines: a file or standard input is safer.');
    return text.trim();
  }
  return fileText(resolve(cli.invocation.cwd, text));
}

async function fileText(path: string): Promise<string> {
  try {
    await using file = await open(path);
    return await read(file.createReadStream({ autoClose: false }), path);
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(EXIT.input, `The ticket cannot be read from ${path}.`, {
      cause,
      help: FORMS,
    });
  }
}

async function read(input: AsyncIterable<string | Uint8Array>, from: string): Promise<string> {
  return notEmpty(await textOf(input, from, TICKET), from);
}

function notEmpty(given: string, from: string): string {
  const text = given.trim();
  if (text === '') throw usageError(`There is no ticket in ${from}.`);
  return text;
}
