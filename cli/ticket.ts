import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Cli } from './cli.ts';
import { VARIABLES } from './environment.ts';
import { CommandError, EXIT, usageError } from './failure.ts';

/** Twice the most that a ticket holds. */
const TICKET_BYTES_MAX = 1_048_576;
const FETCH_MS = 30_000;
const REDIRECTS_MAX = 3;

/**
 * The text of a ticket that is given as a path, `-`, hex, or a URL; the environment's when none is given.
 * @returns undefined when there is none
 * @throws {CommandError} usage for an empty one; input for a file that cannot be read. Source: decisions.md E4, E5
 */
export async function ticketText(cli: Cli, given: string | undefined): Promise<string | undefined> {
  const fromEnv = cli.invocation.env[VARIABLES.ticket.name];
  const text = given ?? fromEnv;
  if (text === undefined) return undefined;
  if (text.trim() === '')
    throw usageError(
      given === undefined ? `${VARIABLES.ticket.name} is empty.` : 'The ticket is empty.',
      'Give a path, "-" for standard input, a URL, or the hex text.',
    );
  if (text === '-') return read(cli.invocation.stdin, 'standard input');
  if (/^https?:\/\//.test(text)) return fetched(text);
  if (/^[0-9a-fA-F]{64,}$/.test(text.trim()) || text.includes(',')) {
    if (given !== undefined) cli.warn('A ticket is a secret, and other users can read command lines: a file or standard input is safer.');
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
      help: 'Give a path, "-" for standard input, a URL, or the hex text.',
    });
  }
}

async function read(input: AsyncIterable<string | Uint8Array>, from: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    size += bytes.length;
    if (size > TICKET_BYTES_MAX) throw new CommandError(EXIT.data, `What ${from} holds is too long for a ticket.`);
  }
  const text = Buffer.concat(chunks).toString('utf8').trim();
  if (text === '') throw usageError(`There is no ticket in ${from}.`);
  return text;
}

/** Over https; over http from this machine only. */
async function fetched(from: string, redirects = 0): Promise<string> {
  const url = new URL(from);
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'http:' && !isLoopback)
    throw usageError('A ticket is a secret: it is fetched over https, over http from this machine only.');
  const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(FETCH_MS) }).catch((cause: unknown) => {
    throw new CommandError(EXIT.unavailable, `The ticket cannot be fetched from ${url.host}.`, { cause });
  });
  const next = answer.headers.get('location');
  if (answer.status >= 300 && answer.status < 400 && next !== null) {
    await answer.body?.cancel();
    if (redirects >= REDIRECTS_MAX) throw new CommandError(EXIT.unavailable, `${url.host} sends us on more than ${REDIRECTS_MAX} times.`);
    return fetched(new URL(next, url).href, redirects + 1);
  }
  if (!answer.ok || answer.body === null) throw new CommandError(EXIT.input, `${url.host} answers ${answer.status}: there is no ticket.`);
  return read(answer.body, url.host);
}
