/** Where text goes: a stream of the process, or what a test gives. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  /** Of a terminal. */
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** What standard input is. */
export interface Input extends AsyncIterable<string | Uint8Array> {
  readonly isTTY?: boolean | undefined;
  /** Lets go of it, also while somebody waits for what comes. */
  destroy?(): unknown;
}

/** One run of the command: all that it has of the outside. In tests it is made by hand. */
export interface Invocation {
  /** The base name that it was started by; hints say it. Source: command-line.md 1.1 */
  readonly programName: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The words that start this program again: an executable and what comes before our own arguments. */
  readonly program: readonly [executable: string, ...args: string[]];
  /** Calls back at each SIGINT, SIGTERM or SIGHUP, which then do not end the process. @returns how to stop */
  readonly onSignal: (listener: (signal: NodeJS.Signals) => void) => () => void;
}
