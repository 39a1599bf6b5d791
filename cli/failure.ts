import { CommanderError } from 'commander';
import type { Output } from './invocation.ts';
import { type Palette, painted, widthOf, wrapped } from './terminal.ts';
import { VERSION } from './version.ts';

/** Exit codes. Source: command-line.md 1.6 */
export const EXIT = {
  interrupted: 2,
  usage: 64,
  data: 65,
  input: 66,
  unavailable: 69,
  failure: 70,
  notPermitted: 77,
  configuration: 78,
} as const;

/** The codes that are printed below an error. Source: command-line.md 1.7 */
type PrintedCode = 'P400' | 'P401' | 'P404' | 'P409' | 'P500' | 'P503';

/** What a verb could not do. The text names the thing; `help` is the line that says what to do next. */
export class CommandError extends Error {
  readonly exitCode: number;
  readonly code: PrintedCode;
  readonly help: string | undefined;

  constructor(
    exitCode: number,
    message: string,
    options: ErrorOptions & { readonly help?: string | undefined; readonly code?: PrintedCode } = {},
  ) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.code = options.code ?? codeOfExit(exitCode);
    this.help = options.help;
  }
}

export const usageError = (message: string, help?: string) => new CommandError(EXIT.usage, message, { help });

/** Source: command-line.md 1.7 */
export const notFound = (kind: string, name: string, help?: string) =>
  new CommandError(EXIT.failure, `${kind} ${JSON.stringify(name)} was not found.`, { code: 'P404', help });

/** What the library throws, by its code: how it ends the command. What is not here is a plain failure. */
const EXIT_OF: Readonly<Record<string, readonly [exit: number, code: PrintedCode]>> = {
  NAME_INVALID: [EXIT.usage, 'P400'],
  VAULT_TAKEN: [EXIT.failure, 'P409'],
  VAULT_UNKNOWN: [EXIT.failure, 'P404'],
  VAULT_NEEDED: [EXIT.usage, 'P400'],
  IDENTITY_UNKNOWN: [EXIT.failure, 'P404'],
  RESOURCE_UNKNOWN: [EXIT.failure, 'P404'],
  NODE_UNKNOWN: [EXIT.failure, 'P404'],
  PROJECT_UNKNOWN: [EXIT.failure, 'P404'],
  NAME_TAKEN: [EXIT.failure, 'P409'],
  PROJECT_CONFLICT: [EXIT.data, 'P409'],
  ADDRESS_ROUTE: [EXIT.usage, 'P400'],
  MULTI_ADDRESS_TEXT: [EXIT.usage, 'P400'],
  TARGET_TEXT: [EXIT.usage, 'P400'],
  POLICY_SYNTAX: [EXIT.usage, 'P400'],
  TICKET_TEXT: [EXIT.data, 'P400'],
  TICKET_PROJECT: [EXIT.data, 'P400'],
  PROJECT_INFORMATION: [EXIT.data, 'P400'],
  PROJECT_ROUTE: [EXIT.data, 'P400'],
  API_REFUSED: [EXIT.notPermitted, 'P401'],
  API_TIMEOUT: [EXIT.unavailable, 'P503'],
  CONNECT_REFUSED: [EXIT.unavailable, 'P503'],
  CONNECT_TIMEOUT: [EXIT.unavailable, 'P503'],
  CONNECT_FAILED: [EXIT.unavailable, 'P503'],
  NAME_UNKNOWN: [EXIT.unavailable, 'P503'],
  HANDSHAKE_TIMEOUT: [EXIT.unavailable, 'P503'],
  WAY_DOWN: [EXIT.unavailable, 'P503'],
  REQUEST_TIMEOUT: [EXIT.unavailable, 'P503'],
  STORAGE_PATH: [EXIT.configuration, 'P500'],
  STORAGE_ACCESS: [EXIT.configuration, 'P500'],
  STORAGE_READ_ONLY: [EXIT.configuration, 'P500'],
  STORAGE_FOREIGN: [EXIT.configuration, 'P500'],
  STORAGE_NEWER: [EXIT.configuration, 'P500'],
  STORAGE_CORRUPT: [EXIT.configuration, 'P500'],
};

function codeOfExit(exit: number): PrintedCode {
  switch (exit) {
    case EXIT.usage:
    case EXIT.data:
    case EXIT.input:
      return 'P400';
    case EXIT.unavailable:
      return 'P503';
    case EXIT.notPermitted:
      return 'P401';
    default:
      return 'P500';
  }
}

/** How anything that was thrown ends the command. */
export function failureOf(thrown: unknown): CommandError {
  if (thrown instanceof CommandError) return thrown;
  if (thrown instanceof CommanderError) return usageError(thrown.message.replace(/^error: /, ''));
  const { message, code } = thrown as { readonly message?: string; readonly code?: string };
  const [exit, printed] = EXIT_OF[code ?? ''] ?? [EXIT.failure, 'P500'];
  return new CommandError(exit, message ?? String(thrown), { cause: (thrown as Error).cause, code: printed });
}

/** Causes beyond this many are not worth reading. */
const CAUSES_MAX = 5;

/** Source: command-line.md 1.7 */
export function printFailure(
  failure: CommandError,
  stderr: Output,
  { json, programName, colors }: { readonly json: boolean; readonly programName: string; readonly colors: Palette },
): void {
  const help = failure.help ?? nextStep(failure, programName);
  const causes: string[] = [];
  for (let cause = failure.cause; cause instanceof Error && causes.length < CAUSES_MAX; cause = cause.cause)
    causes.push(`  > ${oneLine(cause.message)}`);
  const shown = (text: string) => painted(wrapped(text, widthOf(stderr)), colors);
  const lines = [
    '',
    colors.bad(colors.heading('Error:')),
    ...visible(failure.message)
      .split('\n')
      .map((line) => shown(`  ${line}`)),
    shown(`  ${help}`),
    ...causes.map(shown),
    colors.dim(`  ${failure.code} · postern ${VERSION}`),
  ];
  stderr.write(`${lines.join('\n')}\n`);
  if (json) stderr.write(`${JSON.stringify({ error: { code: failure.code, message: failure.message, help } })}\n`);
}

/** What to do where the failure says nothing better. Source: command-line.md 4.1 */
const nextStep = ({ exitCode }: CommandError, programName: string) =>
  exitCode === EXIT.configuration
    ? `Put a copy in its place, or name another folder by POSTERN_HOME. To begin anew: ${programName} reset removes all state of this home.`
    : `See '${programName} --help'.`;

const oneLine = (text: string) => visible(text).replaceAll('\n', ' ');

/** Control characters would reach the terminal as commands. A line feed stays. */
function visible(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
