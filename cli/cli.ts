import { join } from 'node:path';
import { createNode, type Node, silentLogger, systemClock, systemRandom } from 'postern';
import { Home } from 'postern/manager';
import { defaultTimeoutMs, homeFolder, isOn, VARIABLES } from './environment.ts';
import type { Invocation } from './invocation.ts';
import { printResult, type Result } from './result.ts';

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
  #globals: GlobalOptions = {};
  #home: Promise<Home> | undefined;
  readonly #atEnd: (() => Promise<void> | void)[] = [];

  constructor(invocation: Invocation) {
    this.invocation = invocation;
    this.folder = homeFolder(invocation);
  }

  /** Once the arguments are parsed. */
  use(globals: GlobalOptions): void {
    this.#globals = globals;
    if (globals.pretty === true) this.warn('--pretty has no effect: JSON is indented anyway.');
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
    const { env } = this.invocation;
    return (
      this.#globals.color !== false && !isOn(VARIABLES.noColor, env) && env['TERM'] !== 'dumb' && this.invocation[stream].isTTY === true
    );
  }

  /** Says something beside the result, unless the user wants quiet. */
  note(text: string): void {
    if (!this.isQuiet) this.invocation.stderr.write(`${indented(text)}\n`);
  }

  warn(text: string): void {
    if (!this.isQuiet) this.invocation.stderr.write(`  ! ${text.replaceAll('\n', '\n    ')}\n`);
  }

  async print(result: Result): Promise<void> {
    const { jq, compactOutput } = this.#globals;
    const output = this.wantsJson ? 'json' : 'plain';
    await printResult(result, this.invocation.stdout, { output, jq, compact: compactOutput === true });
  }

  /** The state of this user; opened once, and let go at the end. @throws {StorageError} */
  home(): Promise<Home> {
    return (this.#home ??= this.#openHome());
  }

  async #openHome(): Promise<Home> {
    const home = await Home.open(this.folder, { clock: systemClock, random: systemRandom });
    this.atEnd(() => home.close());
    return home;
  }

  /** A node for this run only: it appears in no list. */
  async temporaryNode(): Promise<Node> {
    const node = await createNode({ name: 'command', logger: silentLogger });
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
    for (const letGo of this.#atEnd.splice(0).reverse()) await letGo();
  }
}

/** Source: command-line.md 8.1 */
const indented = (text: string) => text.replaceAll(/^(?=.)/gm, '    ');
