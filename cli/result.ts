import { CommandError, EXIT } from './failure.ts';
import type { Output } from './invocation.ts';
import { highlighted, type Palette, painted, widthOf, wrapped } from './terminal.ts';

/** What a verb gives, in up to three forms. Source: command-line.md 2.1 */
export interface Result {
  /** For people. */
  readonly plain?: string;
  /** One value for the next command. */
  readonly machine?: string;
  /** Plain data; `undefined` means that there is no such form. */
  readonly json?: unknown;
}

export interface OutputOptions {
  readonly output: 'plain' | 'json';
  readonly jq?: string | undefined;
  readonly compact: boolean;
  /** Of standard output. */
  readonly colors: Palette;
}

/**
 * Writes the form that is asked for. On a terminal the text ends with a newline, into a pipe none is added.
 * @throws {CommandError} when JSON is asked for and there is none, or the filter is none
 */
export async function printResult(result: Result, stdout: Output, { output, jq, compact, colors }: OutputOptions): Promise<void> {
  const json = result.json === undefined ? undefined : () => JSON.stringify(result.json, undefined, compact ? undefined : 2);
  if (output === 'json') {
    if (json === undefined) throw new CommandError(EXIT.usage, 'This command has no JSON form.', { help: 'Leave out --output json.' });
    write(highlighted(jq === undefined ? json() : await filtered(result.json, jq, compact), colors), stdout);
    return;
  }
  const { plain, machine } = result;
  // What another command takes is never broken or coloured, also where a person looks.
  const forPeople = plain === undefined ? undefined : painted(wrapped(plain, widthOf(stdout)), colors);
  const forms = stdout.isTTY === true ? [forPeople, machine] : [machine];
  const text = forms.find((form) => form !== undefined) ?? (json === undefined ? plain : highlighted(json(), colors));
  write(text ?? '', stdout);
}

function write(text: string, stdout: Output): void {
  if (text === '') return;
  stdout.write(stdout.isTTY === true && !text.endsWith('\n') ? `${text}\n` : text);
}

/** Every result of the filter on a line of its own, as JSON. Source: command-line.md 1.2 */
async function filtered(value: unknown, filter: string, compact: boolean): Promise<string> {
  const jq = await import('jq-wasm');
  // It sets the exit code of the process, whatever comes of the command.
  const { exitCode } = process;
  try {
    return (await jq.raw(JSON.stringify(value), filter, compact ? ['-c'] : [])).replace(/\n$/, '');
  } catch (cause) {
    const { message } = cause as Error;
    // Another failure is that of one result, which then is not there.
    if (!message.includes('compile error')) return '';
    throw new CommandError(
      EXIT.usage,
      `--jq ${JSON.stringify(filter)} is no filter: ${message.replace(/^jq: /, '').split('\n')[0] ?? ''}`,
      { cause },
    );
  } finally {
    process.exitCode = exitCode;
  }
}
