import type { Argument, CommandUnknownOpts as Command, Option } from '@commander-js/extra-typings';
import { parseAlias, parseIdentityName, parseNodeName, parseProjectName, parseVaultName, repeatedParser } from '../values.ts';

/** What names of the home a value may be. */
export type NameKind = 'node' | 'identity' | 'vault' | 'project' | 'alias';

/** The names of one kind that the home has. */
export type NamesOf = (kind: NameKind) => Promise<readonly string[]>;

const KIND_OF = new Map<unknown, NameKind>([
  [parseNodeName, 'node'],
  [parseIdentityName, 'identity'],
  [parseVaultName, 'vault'],
  [parseProjectName, 'project'],
  [parseAlias, 'alias'],
]);

/**
 * What may stand at the end of a line.
 * @param words after the name of the program; the last one is the one that is being written, and may be empty
 */
export async function candidates(program: Command, words: readonly string[], namesOf: NamesOf): Promise<readonly string[]> {
  const written = joined(words);
  const current = written.at(-1) ?? '';
  const { command, position, waiting, isEnded } = walked(program, written.slice(0, -1));
  const begins = (prefix: string) => (each: string) => each.startsWith(prefix);
  if (waiting !== undefined) return (await valuesOf(waiting, namesOf)).filter(begins(current));
  const [, name, value] = /^(--[^=]+)=(.*)$/s.exec(current) ?? [];
  if (!isEnded && name !== undefined && value !== undefined) {
    const option = optionOf(command, name);
    const values = option === undefined ? [] : await valuesOf(option, namesOf);
    // A shell that breaks words at `=` puts in place what follows it.
    const isBroken = words.at(-1) !== current;
    return values.filter(begins(value)).map((each) => (isBroken ? each : `${name}=${each}`));
  }
  if (!isEnded && current.startsWith('-')) return optionNames(command).filter(begins(current));
  // A word that is no verb leads nowhere.
  const families =
    isEnded || position > 0
      ? []
      : command
          .createHelp()
          .visibleCommands(command)
          .map((each) => each.name());
  const argument = command.registeredArguments[position] ?? command.registeredArguments.findLast(({ variadic }) => variadic);
  // What is to be made has no name yet.
  const names = argument === undefined || command.name() === 'create' ? [] : await valuesOf(argument, namesOf);
  return [...families, ...names].filter(begins(current));
}

/** `--name`, `=` and `value` as one word again: a shell may have broken it. */
function joined(words: readonly string[]): readonly string[] {
  const whole: string[] = [];
  for (const [index, word] of words.entries()) {
    const before = whole.at(-1);
    const isValue = words[index - 1] === '=' && before?.endsWith('=') === true;
    if (before?.startsWith('--') === true && (word === '=' || isValue)) whole.splice(-1, 1, before + word);
    else whole.push(word);
  }
  return whole;
}

interface Walked {
  readonly command: Command;
  /** How many arguments of the command are there. */
  readonly position: number;
  /** The option whose value comes next. */
  readonly waiting: Option | undefined;
  /** Whether `--` was given. */
  readonly isEnded: boolean;
}

function walked(program: Command, words: readonly string[]): Walked {
  let command = program;
  let position = 0;
  let waiting: Option | undefined;
  let isEnded = false;
  for (const word of words) {
    if (waiting !== undefined) waiting = undefined;
    else if (isEnded) position += 1;
    else if (word === '--') isEnded = true;
    else if (word.startsWith('-')) {
      const option = word.includes('=') ? undefined : optionOf(command, word);
      if (option?.required === true) waiting = option;
    } else {
      const next = command.commands.find((each) => each.name() === word);
      if (next === undefined) position += 1;
      else command = next;
    }
  }
  return { command, position, waiting, isEnded };
}

function optionOf(command: Command, name: string): Option | undefined {
  const found = command.options.find(({ long, short }) => long === name || short === name);
  return found ?? (command.parent === null ? undefined : optionOf(command.parent, name));
}

function optionNames(command: Command): readonly string[] {
  const own = command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => long ?? []);
  return [...new Set([...own, ...(command.parent === null ? ['--help'] : optionNames(command.parent))])];
}

async function valuesOf(taker: Option | Argument, namesOf: NamesOf): Promise<readonly string[]> {
  if (taker.argChoices !== undefined) return taker.argChoices;
  const parse = (taker as { readonly parseArg?: unknown }).parseArg;
  const kind = KIND_OF.get(repeatedParser(taker) ?? parse) ?? ('flags' in taker && /<[A-Z_]*NODE/.test(taker.flags) ? 'node' : undefined);
  return kind === undefined ? [] : namesOf(kind);
}
