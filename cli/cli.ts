import { join } from 'node:path';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Logger, Node } from 'postern';
import type { Home } from 'postern/manager';
import { defaultTimeoutMs, environmentWarnings, homeFolder, isOn, valueOf, VARIABLES } from './environment.ts';
import type { Invocation } from './invocation.ts';
import { logLines, logSettings, toAll } from './log-lines.ts';
import { LogFile } from './process/log-file.ts';
import type { Doing } from './program.ts';
import { Progress } from './progress.ts';
import { printResult, type Result } from './result.ts';
import { type Palette, painted, palette, widthOf, wrapped } from './terminal.ts';

/** Global options, as they were given. Source: command-line.md 1.2 */
export interface GlobalOptions {
  readonly quiet?: boolean;
  readonly verbose?: number;
  readonly color?: boolean;
  readonly input?: boolean;
  readonly output?: 'plain' | 'json';
  readonly jq?: string;
  readonly compactOutput?: boolean;
  readonly pretty?: boolean;
  readonly testArgumentParser?: boolean;
}

/** One run of the command: what its verbs share. */
export class Cli {
  readonly invocation: Invocation;
  /** The folder of all state. */
  readonly folder: string;
  /** What the command ends with when nothing was thrown. */
  exitCode = 0;
  /** What counts as the default project in this run, where a configuration names another one than the home does. */
  project: string | undefined;
  /** The definitions of this program, as `makeProgram` makes them; set by whoever runs this. */
  makeProgram: (words?: readonly string[], instead?: Doing) => Promise<CommandUnknownOpts> = () =>
    Promise.reject(new Error('This run has no program.'));
  /** Help that was asked for. */
  helpText = '';
  #globals: GlobalOptions = {};
  #home: Promise<Home> | undefined;
  #progress: Progress | undefined;
  #logger: Logger | undefined;
  readonly #atEnd: (() => Promise<void> | void)[] = [];

  constructor(invocation: Invocation) {
    this.invocation = invocation;
    this.folder = homeFolder(invocation);
  }

  /** Once the arguments are parsed. */
  use(globals: GlobalOptions): void {
    this.#globals = globals;
    if (globals.pretty === true) this.warn('--pretty has no effect: JSON is indented anyway.');
    for (const warning of environmentWarnings(this.invocation.env)) this.warn(warning);
  }

  get programName(): string {
    return this.invocation.programName;
  }

  get isQuiet(): boolean {
    return this.#globals.quiet === true || isOn(VARIABLES.quiet, this.invocation.env);
  }

  /** How many -v. */
  get verbosity(): number {
    return this.#globals.verbose ?? 0;
  }

  get wantsJson(): boolean {
    const { output, jq, compactOutput } = this.#globals;
    return output === 'json' || (output === undefined && (jq !== undefined || compactOutput === true));
  }

  /** Whether the arguments are only looked at. */
  get onlyParses(): boolean {
    return this.#globals.testArgumentParser === true;
  }

  /** Whether a person can be asked. Source: command-line.md 8.2 */
  get mayPrompt(): boolean {
    const { stdin, stderr, env } = this.invocation;
    const isOff = this.#globals.input === false || isOn(VARIABLES.noInput, env) || this.isQuiet;
    return !isOff && stdin.isTTY === true && stderr.isTTY === true;
  }

  /** For handshakes and requests to nodes. */
  get timeoutMs(): number {
    return defaultTimeoutMs(this.invocation.env);
  }

  /** Whether that stream may have colours. */
  hasColor(stream: 'stdout' | 'stderr'): boolean {
    const { env, args } = this.invocation;
    // What fails in parsing is printed before the options are known.
    const isOff = this.#globals.color === false || args.includes('--no-color') || isOn(VARIABLES.noColor, env);
    return !isOff && env['TERM'] !== 'dumb' && this.invocation[stream].isTTY === true;
  }

  colors(stream: 'stdout' | 'stderr'): Palette {
    return palette(this.hasColor(stream), this.invocation.env);
  }

  /** Says something beside the result, unless the user wants quiet. */
  note(text: string): void {
    this.#say(indented(text));
  }

  warn(text: string): void {
    this.#say(`  ! ${text.replaceAll('\n', '\n    ')}`);
  }

  #say(text: string): void {
    if (this.isQuiet) return;
    const { stderr } = this.invocation;
    this.#progress?.clear();
    stderr.write(`${painted(wrapped(text, widthOf(stderr)), this.colors('stderr'))}\n`);
  }

  /**
   * Says what is going on, once it takes a while, until the result is printed.
   * @param message in the present tense: `Waiting for node n1`
   * Source: command-line.md 8.2
   */
  step(message: string): void {
    this.logger.log('debug', 'command.step', { message });
    if (this.isQuiet) return;
    const { stderr } = this.invocation;
    const spins = stderr.isTTY === true && this.verbosity === 0 && this.invocation.env['TERM'] !== 'dumb';
    this.#progress ??= new Progress({ stderr, colors: this.colors('stderr'), spins });
    this.#progress.say(message);
  }

  /** Whoever asks a person, or waits for a signal, is not busy. @returns what was going on */
  endSteps(): string | undefined {
    return this.#progress?.end();
  }

  async print(result: Result): Promise<void> {
    const { jq, compactOutput } = this.#globals;
    const output = this.wantsJson ? 'json' : 'plain';
    this.endSteps();
    await printResult(result, this.invocation.stdout, { output, jq, compact: compactOutput === true, colors: this.colors('stdout') });
  }

  /** Log lines of this run: on standard error with -v, and in a file where a command has one. */
  get logger(): Logger {
    return (this.#logger ??= toAll(this.verbosity === 0 ? [] : [this.#verboseLogger()]));
  }

  #verboseLogger(): Logger {
    const { stderr, env } = this.invocation;
    const level = this.verbosity === 1 ? 'info' : 'debug';
    return logLines({ level, format: logSettings(env).format, write: (line) => stderr.write(line) });
  }

  /**
   * Writes a log file of this run where the environment asks for one, and its beginning and end in it.
   * @param command `node create`: its folder. Arguments are not logged: a ticket may be among them.
   * Source: command-line.md 1.3, 4.7
   */
  beginLog(command: string): void {
    const { env } = this.invocation;
    if (!isOn(VARIABLES.logging, env)) return;
    const file = new LogFile(this.path('commands', command), {
      bytesMax: 1_000_000 * (Number(valueOf(VARIABLES.logMaxSize, env)) || LOG_MB),
      filesMax: Number(valueOf(VARIABLES.logMaxFiles, env)) || LOG_FILES,
      now: () => Date.now(),
    });
    const logs = [logLines({ ...logSettings(env), write: (line) => file.write(line) })];
    this.#logger = toAll(this.verbosity === 0 ? logs : [...logs, this.#verboseLogger()]);
    this.#logger.log('info', 'command.started', { command, process: process.pid });
    this.atEnd(() => {
      this.logger.log('info', 'command.ended', { command });
      file.close();
    });
  }

  /** The state of this user; opened once, and let go at the end. @throws {StorageError} */
  home(): Promise<Home> {
    return (this.#home ??= this.#openHome());
  }

  async #openHome(): Promise<Home> {
    // Loaded when a command needs it: the library takes longer than most of them.
    const { openHome } = await import('postern/home');
    const home = await openHome(this.folder);
    this.atEnd(() => home.close());
    return home;
  }

  /** Lets go of its files, which are about to be removed. */
  async closeHome(): Promise<void> {
    await (await this.home()).close();
  }

  /** A node for this run only: it appears in no list. */
  async temporaryNode(): Promise<Node> {
    const { temporaryNode } = await import('./temporary-node.ts');
    const node = await temporaryNode(this);
    this.atEnd(() => node.stop());
    return node;
  }

  /** A path in the home. */
  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** What has to be let go when the command is over; the last one is let go first. */
  atEnd(letGo: () => Promise<void> | void): void {
    this.#atEnd.push(letGo);
  }

  async close(): Promise<void> {
    this.endSteps();
    for (const letGo of this.#atEnd.splice(0).reverse()) await letGo();
  }
}

const LOG_MB = 100;
const LOG_FILES = 60;

/** Source: command-line.md 8.1 */
const indented = (text: string) => text.replaceAll(/^(?=.)/gm, '    ');
