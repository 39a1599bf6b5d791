import type { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { EXIT, failureOf } from '../failure.ts';
import type { Result } from '../result.ts';
import { grammarOf, type ParsedCommand, type VerbGrammar } from './command.ts';
import { located, misused, type Place } from './place.ts';
import { type Item, keyOf, nearest, titleOf } from './sections.ts';
import type { Entry } from './tree.ts';

/** A command that a configuration asks for: it was parsed, and has not run. */
export interface Step {
  readonly item: Item;
  readonly parsed: ParsedCommand;
  /** @throws {CommandError} with the place of the item */
  run(): Promise<Result | undefined>;
}

/** What the items of this configuration belong to, unless they say something else. */
export interface Defaults {
  /** A name. */
  readonly node: string | undefined;
}

/** @throws {CommandError} for what its command would not take */
export async function stepOf(cli: Cli, item: Item, { node }: Defaults): Promise<Step> {
  const { section, name, entries, place } = item;
  const title = titleOf(item);
  const grammar = await grammarOf(cli, section.command);
  const has = (option: string) => entries.some(({ key }) => optionOf(grammar, key)?.long === `--${option}`);
  const words = [
    ...wordsOf(grammar, entries, title, section.command),
    ...(section.nodeOption !== undefined && node !== undefined && !has(section.nodeOption) ? [`--${section.nodeOption}=${node}`] : []),
    ...(name !== undefined && section.nameIs !== 'argument' && section.nameIs !== undefined && !has(section.nameIs)
      ? [`--${section.nameIs}=${name}`]
      : []),
    ...(name !== undefined && section.nameIs === 'argument' ? ['--', name] : []),
  ];
  const help = helpOf(cli, section.command);
  const parsed = await parsedAt(grammar, words, { title, place, entries, help });
  return {
    item,
    parsed,
    run: () =>
      parsed.run().catch((thrown: unknown) => {
        throw located(thrown, place, title);
      }),
  };
}

const helpOf = (cli: Cli, command: readonly string[]) =>
  `Keys are the long options of its command: ${cli.programName} ${command.join(' ')} --help`;

/** Parses what keys say, and tells which of them is wrong. */
export async function parsedAt(
  grammar: VerbGrammar,
  words: readonly string[],
  {
    title,
    place,
    entries,
    help,
  }: { readonly title: string; readonly place: Place; readonly entries: readonly Entry[]; readonly help: string },
): Promise<ParsedCommand> {
  try {
    return await grammar.parse(words);
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure.exitCode !== EXIT.usage) throw located(thrown, place, title);
    // The program names the option, or says what is wrong with the value.
    const { message } = failure;
    const entry =
      entries.find(({ key }) => message.includes(`--${keyOf(key)} `) || message.includes(`--${keyOf(key)}'`)) ??
      entries.find(({ value }) => value.kind === 'text' && message.includes(`'${value.text}'`));
    throw located(thrown, entry?.value.place ?? place, title, help);
  }
}

/** The option that a key is: its long name, or its letter. */
function optionOf({ options }: VerbGrammar, written: string): Option | undefined {
  const key = keyOf(written);
  return options.find(({ long, short }) => long === `--${key}` || (key.length === 1 && short === `-${key}`));
}

/** What a person would type for these keys. @throws {CommandError} for a key that is no option, or a flag that is neither true nor false */
export function wordsOf(grammar: VerbGrammar, entries: readonly Entry[], title: string, command: readonly string[]): readonly string[] {
  return entries.flatMap(({ key, place, value }) => {
    const option = optionOf(grammar, key);
    const long = option?.long;
    if (option === undefined || long === undefined) {
      const known = grammar.options.filter(({ hidden }) => !hidden).map((each) => each.long?.slice(2) ?? '');
      throw misused(
        place,
        `${title}: ${key} is no option of '${command.join(' ')}'.${nearest(keyOf(key), known)}`,
        `They are: ${known.join(', ')}.`,
      );
    }
    const values = value.kind === 'list' ? value.items : [value];
    return values.flatMap((each) => {
      if (each.kind !== 'text')
        throw misused(each.place, `${title}: ${key}: Here stands a text, a number, true or false, or a list of them.`);
      if (option.required || option.optional) return [`${long}=${each.text}`];
      if (each.boolean === undefined) throw misused(each.place, `${title}: ${key}: Write true or false.`);
      return each.boolean ? [long] : [];
    });
  });
}
