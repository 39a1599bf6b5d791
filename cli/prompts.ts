import type { Readable, Writable } from 'node:stream';
import type { Cli } from './cli.ts';
import { CommandError, EXIT } from './failure.ts';

/** Of a long list so many rows are visible. Source: command-line.md 8.2 */
const ROWS = 5;

/** Where a person answers: results alone go to standard output. That both are streams of a terminal is asked for by `mayPrompt`. */
const terminalOf = ({ invocation: { stdin, stderr } }: Cli) => ({
  input: stdin as unknown as Readable,
  output: stderr as unknown as Writable,
});

/** A question is no work: what was going on is said again after it. */
async function asking<Answer>(cli: Cli, ask: () => Promise<Answer>): Promise<Answer> {
  const wasDoing = cli.endSteps();
  const answer = await ask();
  if (wasDoing !== undefined) cli.step(wasDoing);
  return answer;
}

/**
 * Asks a person to confirm; yes unless they say no.
 * @throws {CommandError} when nobody can be asked, naming `--yes`; on Ctrl-C
 * Source: command-line.md 5.0, 8.2
 */
export async function confirmed(cli: Cli, question: string, { yes }: { readonly yes: boolean }): Promise<boolean> {
  if (yes) return true;
  if (!cli.mayPrompt) throw new CommandError(EXIT.failure, `${question} This has to be confirmed.`, { help: 'Pass --yes to confirm.' });
  const said = await asking(cli, () => lineOf(cli, `    ${question} [Y/n] `));
  if (said === undefined)
    throw new CommandError(EXIT.failure, 'Cancelled; nothing was changed.', { help: 'Pass --yes to be asked nothing.' });
  return !/^\s*n(o)?\s*$/i.test(said);
}

/** @returns undefined when the person pressed Ctrl-C, or ended the input */
async function lineOf(cli: Cli, question: string): Promise<string | undefined> {
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ ...terminalOf(cli), terminal: true });
  try {
    return await new Promise((resolve) => {
      lines.once('SIGINT', () => resolve(undefined));
      lines.once('close', () => resolve(undefined));
      lines.question(question, resolve);
    });
  } finally {
    lines.close();
  }
}

/** Lets a person pick any number of names; Esc picks none. */
export async function picked(cli: Cli, question: string, names: readonly string[]): Promise<readonly string[]> {
  const { multiselect, isCancel } = await import('@clack/prompts');
  const options = names.map((value) => ({ value, label: value }));
  const said = await asking(cli, () => multiselect({ message: question, options, required: false, maxItems: ROWS, ...terminalOf(cli) }));
  return isCancel(said) ? [] : said;
}
