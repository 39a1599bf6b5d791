import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { CommandError, EXIT } from '../failure.ts';
import { answer, type Calls, type InputOf, type OutputOf } from './calls.ts';
import { encodeFrame, readFrame } from './frames.ts';
import { claimFolder, type ControlPlace } from './place.ts';

/** Nobody answers at the socket: the process is not there, or not ready. */
export class NoAnswer extends CommandError {
  constructor(what: string, cause: unknown) {
    super(EXIT.unavailable, `${what} does not answer.`, {
      cause,
      help: 'Is it running? Look at it with the show command, and at its log.',
    });
  }
}

/** What the other process threw. */
class RemoteError extends Error {
  readonly code: string;
  constructor(code: string, message: string, causes: readonly string[]) {
    super(message, { cause: causes.reduceRight<Error | undefined>((cause, text) => new Error(text, { cause }), undefined) });
    this.code = code;
  }
}

/**
 * Asks a background process one thing.
 * @param what by which it is named in errors
 * @throws {NoAnswer} and what the other end threw, with its code
 */
export async function askProcess<Table extends Calls, Name extends keyof Table & string>(
  place: ControlPlace,
  table: Table,
  name: Name,
  input: InputOf<Table[Name]>,
  { what, timeoutMs }: { readonly what: string; readonly timeoutMs: number },
): Promise<OutputOf<Table[Name]>> {
  const given = await answered(place, name, input, timeoutMs).catch((thrown: unknown) => {
    throw thrown instanceof CommandError ? thrown : new NoAnswer(what, thrown);
  });
  if (!given.ok) throw new RemoteError(given.code, given.message, given.causes);
  return table[name]?.output.parse(given.output) as OutputOf<Table[Name]>;
}

async function answered({ folder, socket: path, tokenFile }: ControlPlace, name: string, input: unknown, timeoutMs: number) {
  await lstat(path);
  // Nobody else may be there to hear the token.
  await claimFolder(folder);
  const token = await readToken(tokenFile);
  const socket = await connected(path);
  const late = setTimeout(() => socket.destroy(new Error(`No answer within ${timeoutMs} ms.`)), timeoutMs);
  try {
    socket.write(encodeFrame({ token, call: name, input }));
    return answer.parse(await readFrame(socket));
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

async function readToken(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once('error', reject);
  });
}
