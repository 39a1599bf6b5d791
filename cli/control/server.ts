import { randomBytes, timingSafeEqual } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'postern';
import { type Answer, type Calls, type Handlers, request } from './calls.ts';
import { encodeFrame, readFrame } from './frames.ts';
import { claimFolder, type ControlPlace } from './place.ts';

const TOKEN_BYTES = 32;
/** So long a client may take to ask. */
const ASK_MS = 10_000;

/** Takes requests of this user's commands. */
export interface ControlServer {
  close(): Promise<void>;
}

/**
 * Listens at a socket in the home. Who asks has to know the token, which only this user can read.
 * Source: decisions.md E1
 */
export async function controlServer<Table extends Calls>(
  place: ControlPlace,
  table: Table,
  handlers: Handlers<Table>,
  logger: Logger,
): Promise<ControlServer> {
  await claimFolder(place.folder);
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  await writeToken(place.tokenFile, token);
  // A process that was killed left it. That none lives is known from the record.
  await rm(place.socket, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    void serve(socket, token, table, handlers, logger);
  });
  await listen(server, place.socket);
  return {
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all([rm(place.socket, { force: true }), rm(place.tokenFile, { force: true })]);
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  // Between bind and chmod it would be open to others otherwise.
  const before = process.umask(0o077);
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  }).finally(() => process.umask(before));
}

async function writeToken(file: string, token: string): Promise<void> {
  const unfinished = `${file}.${process.pid}`;
  await rm(unfinished, { force: true });
  const handle = await open(unfinished, 'wx', 0o600);
  try {
    await handle.writeFile(token);
  } finally {
    await handle.close();
  }
  await rename(unfinished, file);
}

async function serve<Table extends Calls>(
  socket: Socket,
  token: string,
  table: Table,
  handlers: Handlers<Table>,
  logger: Logger,
): Promise<void> {
  const late = setTimeout(() => socket.destroy(), ASK_MS);
  try {
    const asked = request.parse(await readFrame(socket));
    clearTimeout(late);
    if (!isSame(asked.token, token)) throw new Error('The token is another one.');
    socket.end(encodeFrame(await answerTo(asked.call, asked.input, table, handlers)));
  } catch (thrown) {
    logger.log('warn', 'control.refused', { reason: thrown instanceof Error ? thrown.message : String(thrown) });
    socket.destroy();
  } finally {
    clearTimeout(late);
  }
}

async function answerTo<Table extends Calls>(name: string, input: unknown, table: Table, handlers: Handlers<Table>): Promise<Answer> {
  try {
    const found = Object.hasOwn(table, name) ? table[name] : undefined;
    if (found === undefined) throw new Error(`This process does not know ${name}: it runs another version. Restart it.`);
    const handler = handlers[name] as (given: unknown) => Promise<unknown>;
    return { ok: true, output: found.output.parse(await handler(found.input.parse(input))) };
  } catch (thrown) {
    const { message, code } = thrown as { readonly message?: string; readonly code?: unknown };
    return { ok: false, code: typeof code === 'string' ? code : '', message: message ?? String(thrown), causes: causesOf(thrown) };
  }
}

const CAUSES_MAX = 5;
function causesOf(thrown: unknown): string[] {
  const causes: string[] = [];
  for (let cause = (thrown as Error).cause; cause instanceof Error && causes.length < CAUSES_MAX; cause = cause.cause)
    causes.push(cause.message);
  return causes;
}

function isSame(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
