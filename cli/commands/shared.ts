import type { Cli } from '../cli.ts';
import { CommandError, EXIT, notFound } from '../failure.ts';
import { confirmed, picked } from '../prompts.ts';
import type { Result } from '../result.ts';

/** Things of one kind that a person knows by name. */
export interface Kind<Item> {
  /** As in `Node`. */
  readonly title: string;
  /** How to list them: `node list`. */
  readonly list: string;
  readonly items: readonly Item[];
  readonly nameOf: (item: Item) => string;
  /** The one that is meant when no name is given. */
  readonly fallback?: Item | undefined;
  /** Whether a person is asked which one to show before the fallback is. Source: command-line.md 5.0 */
  readonly isAskedFor?: true;
}

const none = <Item>({ title }: Kind<Item>): Result => ({ plain: `    There is no ${title.toLowerCase()} here.`, json: [] });

/** Blocks of lines with a bar before each, an empty line between. Source: command-line.md 5.0 */
export function listed<Item>(kind: Kind<Item>, block: (item: Item) => string, json: (item: Item) => unknown = (item) => item): Result {
  if (kind.items.length === 0) return none(kind);
  const blocks = kind.items.map((item) => block(item).replaceAll(/^/gm, '    │ '));
  return { plain: blocks.join('\n\n'), json: kind.items.map(json) };
}

function find<Item>(cli: Cli, kind: Kind<Item>, name: string): Item {
  const found = kind.items.find((item) => kind.nameOf(item) === name);
  if (found === undefined) throw notFound(kind.title, name, `List them: ${cli.programName} ${kind.list}`);
  return found;
}

/** Shows what is named, or the default one, or what a person picks. Source: command-line.md 5.0 */
export async function shown<Item>(
  cli: Cli,
  kind: Kind<Item>,
  name: string | undefined,
  show: (item: Item) => Result | Promise<Result>,
): Promise<Result> {
  if (kind.items.length === 0) return none(kind);
  if (name !== undefined) return show(find(cli, kind, name));
  if (kind.fallback !== undefined && !(kind.isAskedFor === true && cli.mayPrompt)) return show(kind.fallback);
  if (!cli.mayPrompt)
    throw new CommandError(EXIT.usage, `Say which ${kind.title.toLowerCase()}: ${kind.items.map(kind.nameOf).join(', ')}.`);
  const [only] = kind.items;
  if (kind.items.length === 1 && only !== undefined) return show(only);
  const results: Result[] = [];
  const names = await picked(cli, `Which ${kind.title.toLowerCase()}?`, kind.items.map(kind.nameOf));
  for (const each of names) results.push(await show(find(cli, kind, each)));
  return { plain: results.map(({ plain, machine }) => plain ?? machine ?? '').join('\n\n'), json: results.map(({ json }) => json) };
}

export interface DeleteOptions {
  readonly all?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

/** Deletes what is named, all of them, or what a person picks. Source: command-line.md 5.0 */
export async function deleted<Item>(
  cli: Cli,
  kind: Kind<Item>,
  name: string | undefined,
  { all = false, yes = false }: DeleteOptions,
  remove: (item: Item) => Promise<void>,
  json: (item: Item) => unknown = (item) => ({ name: kind.nameOf(item) }),
): Promise<Result> {
  if (kind.items.length === 0) return none(kind);
  const chosen = await chosenToDelete(cli, kind, name, all);
  const [first] = chosen;
  if (first === undefined) return { plain: '    Nothing was deleted.' };
  const title = kind.title.toLowerCase();
  const question = chosen.length === 1 && !all ? `Delete ${title} ${kind.nameOf(first)}?` : `Delete ${chosen.length} of kind ${title}?`;
  if (!(await confirmed(cli, question, { yes }))) return { plain: '    Nothing was deleted.' };
  const failures: string[] = [];
  for (const item of chosen) {
    try {
      await remove(item);
    } catch (thrown) {
      if (chosen.length === 1) throw thrown;
      failures.push(`${kind.nameOf(item)}: ${(thrown as Error).message}`);
    }
  }
  if (failures.length > 0)
    throw new CommandError(EXIT.failure, `Of ${chosen.length}, ${failures.length} could not be deleted:\n${failures.join('\n')}`);
  const names = chosen.map(kind.nameOf).join('\n');
  return {
    plain: chosen.map((item) => `  ✔ ${kind.title} ${kind.nameOf(item)} was deleted.`).join('\n'),
    machine: names,
    json: all ? chosen.map(json) : json(first),
  };
}

async function chosenToDelete<Item>(cli: Cli, kind: Kind<Item>, name: string | undefined, all: boolean): Promise<readonly Item[]> {
  if (all) return kind.items;
  if (name !== undefined) return [find(cli, kind, name)];
  if (!cli.mayPrompt) return [];
  if (kind.items.length === 1) return kind.items;
  const names = await picked(cli, `Delete which ${kind.title.toLowerCase()}?`, kind.items.map(kind.nameOf));
  return names.map((each) => find(cli, kind, each));
}
