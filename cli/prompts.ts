import type { Cli } from './cli.ts';
import { CommandError, EXIT } from './failure.ts';

/**
 * Asks a person to confirm; yes unless they say no. Ctrl-C is no.
 * @throws {CommandError} when nobody can be asked, naming `--yes`
 * Source: command-line.md 5.0, 8.2
 */
export async function confirmed(cli: Cli, question: string, { yes }: { readonly yes: boolean }): Promise<boolean> {
  if (yes) return true;
  if (!cli.mayPrompt) throw new CommandError(EXIT.failure, `${question} This has to be confirmed.`, { help: 'Pass --yes to confirm.' });
  const { confirm, isCancel } = await import('@clack/prompts');
  const said = await confirm({ message: question, initialValue: true });
  if (isCancel(said)) throw new CommandError(EXIT.failure, 'Cancelled; nothing was changed.');
  return said;
}

/** Lets a person pick any number of names; Esc picks none. */
export async function picked(question: string, names: readonly string[]): Promise<readonly string[]> {
  const { multiselect, isCancel } = await import('@clack/prompts');
  const said = await multiselect({
    message: question,
    options: names.map((value) => ({ value, label: value })),
    required: false,
    maxItems: 5,
  });
  return isCancel(said) ? [] : said;
}
