import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Invocation } from '../invocation.ts';
import { run } from '../run.ts';

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/**
 * An empty home of its own, and what a person does in it. Commands run in this process, as from a pipe; the nodes and projects that
 * they start are processes of the build. At the end of all everything that was started for a home is ended by its process id.
 */
export class Person implements AsyncDisposable {
  readonly home: string;
  /** The folder that the home is in; whatever else a test writes goes here. */
  readonly folder: string;
  readonly #ended: (() => Promise<unknown>)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.home = join(folder, 'home');
  }

  static async create(): Promise<Person> {
    return new Person(await mkdtemp(join(tmpdir(), 'postern-person-')));
  }

  /** Runs a command: a line that is split at blanks, or its words. Whatever comes of it. */
  async try(command: string | readonly string[], { stdin = '', env = {}, cwd = this.folder }: RunOptions = {}): Promise<Ran> {
    const out: string[] = [];
    const err: string[] = [];
    const invocation: Invocation = {
      programName: 'postern',
      args: wordsOf(command),
      env: this.#env(env),
      cwd,
      stdin: Readable.from(stdin === '' ? [] : [stdin]),
      stdout: { write: (text) => out.push(text) },
      stderr: { write: (text) => err.push(text) },
      program: [process.execPath, BUILT],
      onSignal: () => () => undefined,
    };
    const code = await run(invocation);
    return { code, stdout: out.join(''), stderr: err.join('') };
  }

  /** Runs a command that has to succeed. @returns what it printed */
  async does(command: string | readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await this.try(command, options);
    if (code !== 0) throw new Error(`${wordsOf(command).join(' ')}: exit code ${code}\n${stderr}`);
    return stdout;
  }

  /** As `does`, and reads the JSON form. */
  async json(command: string | readonly string[], options?: RunOptions): Promise<unknown> {
    return JSON.parse(await this.does([...wordsOf(command), '--output', 'json'], options)) as unknown;
  }

  /** Runs a command that has to fail. @returns what it said on standard error */
  async fails(command: string | readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await this.try(command, options);
    if (code === 0) throw new Error(`${wordsOf(command).join(' ')} was expected to fail, and printed ${stdout}`);
    if (stdout !== '') throw new Error(`${wordsOf(command).join(' ')} failed, and printed a result: ${stdout}`);
    return stderr;
  }

  /** Starts a command as a process, such as a node in the foreground. It is ended with the person. */
  start(command: string | readonly string[], options: RunOptions = {}): ChildProcess {
    const [executable = '', ...args] = this.words(command);
    return this.startProgram(executable, args, options);
  }

  /** What starts a command as a process. */
  words(command: string | readonly string[]): readonly string[] {
    return [process.execPath, BUILT, ...wordsOf(command)];
  }

  /** Starts another program, such as a shell, in this home. It is ended with the person. */
  startProgram(executable: string, args: readonly string[], options: RunOptions = {}): ChildProcess {
    const child = spawn(executable, args, {
      cwd: options.cwd ?? this.folder,
      env: this.#env(options.env),
      stdio: 'pipe',
    });
    this.#ended.push(() => endProcess(child));
    return child;
  }

  /** A web server on loopback. @returns HOST:PORT */
  async serve(answer: RequestListener): Promise<string> {
    const server = createServer(answer);
    const address = await listening(server);
    this.#ended.push(() => closed(server));
    return address;
  }

  /** What has to be let go at the end. */
  atEnd(letGo: () => Promise<unknown>): void {
    this.#ended.push(letGo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ended.splice(0).reverse()) await end();
    for (const pid of await processesOf(this.home)) killed(pid);
    await rm(this.folder, { recursive: true, force: true });
  }

  #env(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    const { PATH, HOME, LANG } = process.env;
    return { PATH, HOME, LANG, POSTERN_HOME: this.home, QUIET: '1', POSTERN_DEFAULT_TIMEOUT: '5m', ...more };
  }
}

const wordsOf = (command: string | readonly string[]): readonly string[] => (typeof command === 'string' ? command.split(' ') : command);

/** Processes that were started for a home: they have it in their environment. */
export async function processesOf(home: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (pid !== process.pid && environment.split('\0').includes(`POSTERN_HOME=${home}`)) found.push(pid);
  }
  return found;
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went by itself.
  }
}

function endProcess(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  return ended;
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function closed(server: Server): Promise<unknown> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

const givenPorts = new Set<number>();

/** A port of loopback that nobody listens at now; each time another one. */
export async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  if (givenPorts.has(port)) return freePort();
  givenPorts.add(port);
  return port;
}

/** Asks until the answer is what is wanted. @throws after `withinMs` with what came last */
export async function eventually<Value>(ask: () => Promise<Value>, isWanted: (value: Value) => boolean, withinMs: number): Promise<Value> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await ask().catch((thrown: unknown) => thrown as Value);
    try {
      if (isWanted(value)) return value;
    } catch {
      // It is not yet what can be looked at.
    }
    if (performance.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${String(value)} ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
