import { type Argument, type CommandUnknownOpts as Command, Help, type Option } from '@commander-js/extra-typings';
import { isOn, VARIABLES } from './environment.ts';
import type { Invocation } from './invocation.ts';
import { type Palette, widthOf } from './terminal.ts';

/** What long help says beyond the definitions. */
export interface Details {
  readonly description?: string;
  /** Commands as a person types them, each run by a test. */
  readonly examples?: readonly string[];
}

const details = new WeakMap<object, Details>();

export function explained(command: Command, more: Details): void {
  details.set(command, more);
}

export const detailsOf = (command: object): Details => details.get(command) ?? {};

/** A longer line is hard to read, however wide the terminal is. */
const WIDTH_MAX = 100;
/** Terms beyond this width have a line of their own. */
const TERM_WIDTH_MAX = 38;
/** Where less is left beside the terms, texts stand below them. */
const TEXT_WIDTH_MIN = 30;

/** A term of a list, such as an option, and what is said of it. */
export type Entry = readonly [term: string, text: string];

/** A part of a help page. */
export interface Section {
  readonly title: string;
  readonly entries: readonly Entry[];
}

/** Help in two lengths: `-h` fits a screen, `--help` explains. Source: command-line.md 8.3 */
export class TwoLengthHelp extends Help {
  readonly #isLong: boolean;
  readonly #showsHidden: boolean;
  readonly #programName: string;
  readonly #colors: Palette;
  /** Of the terminal. */
  readonly #columns: number;

  constructor({ args, env, programName, stdout }: Pick<Invocation, 'args' | 'env' | 'programName' | 'stdout'>, colors: Palette) {
    super();
    this.#isLong = !args.includes('-h');
    this.#showsHidden = isOn(VARIABLES.showHidden, env);
    this.#programName = programName;
    this.#colors = colors;
    this.#columns = widthOf(stdout);
    this.helpWidth = Math.min(WIDTH_MAX, this.#columns);
  }

  override visibleOptions(command: Command): Option[] {
    const shown = super.visibleOptions(command);
    const all = this.#showsHidden ? [...command.options, ...shown.filter((each) => !command.options.includes(each))] : shown;
    // It is one for all commands.
    return command.parent === null ? all : all.filter(({ long }) => long !== '--help');
  }

  override visibleCommands(command: Command): Command[] {
    return this.#showsHidden ? [...command.commands] : super.visibleCommands(command);
  }

  override optionDescription(option: Option): string {
    return optionText(option);
  }

  override argumentDescription(argument: Argument): string {
    return argument.description;
  }

  override formatHelp(command: Command, helper: Help): string {
    const { description, examples = [] } = detailsOf(command);
    const width = this.helpWidth ?? WIDTH_MAX;
    const paragraphs: string[] = [broken(command.description(), width)];
    if (this.#isLong && description !== undefined) paragraphs.push(broken(description, width));
    paragraphs.push(`${this.#colors.heading('Usage:')} ${broken(helper.commandUsage(command), width - 'Usage: '.length, 7)}`);
    for (const { title, entries } of this.sections(command)) paragraphs.push(this.#list(title, entries, width));
    if (this.#isLong && examples.length > 0)
      paragraphs.push(
        `${this.#colors.heading('Examples:')}\n${examples.map((each) => this.#colors.accent(commandLine(`${this.#programName} ${each}`, this.#columns))).join('\n')}`,
      );
    if (this.#isLong)
      paragraphs.push(
        `${this.#colors.heading('Learn more:')} ${broken(`${this.#programName} --help, and docs/command-line.md.`, width - 12, 12)}`,
      );
    return `${paragraphs.filter((text) => text !== '').join('\n\n')}\n`;
  }

  /** What a page lists, in its order. */
  sections(command: Command): readonly Section[] {
    const options = (of: Command) => this.visibleOptions(of).map((each): Entry => [each.flags, optionText(each)]);
    const names = this.visibleArguments(command).map((each): Entry => [this.argumentTerm(each), this.argumentDescription(each)]);
    const groups = [...this.#groups(command)].map(([title, commands]): Section => {
      return { title, entries: commands.map((each): Entry => [this.subcommandTerm(each), each.description()]) };
    });
    const root = rootOf(command);
    const all: readonly Section[] = [
      { title: 'Arguments', entries: names.filter(([, text]) => text !== '') },
      ...groups,
      { title: 'Options', entries: options(command) },
      { title: 'Global options', entries: root === command ? [] : options(root) },
    ];
    return all.filter(({ entries }) => entries.length > 0);
  }

  #groups(command: Command): Map<string, Command[]> {
    const groups = new Map<string, Command[]>();
    for (const each of this.visibleCommands(command)) {
      const group = each.helpGroup() || 'Commands';
      groups.set(group, [...(groups.get(group) ?? []), each]);
    }
    return groups;
  }

  #list(title: string, entries: readonly Entry[], width: number): string {
    const column = Math.min(TERM_WIDTH_MAX, Math.max(...entries.map(([term]) => term.length)));
    const isNarrow = width - column - 4 < TEXT_WIDTH_MIN;
    const indent = isNarrow ? 6 : column + 4;
    const lines = entries.map(([term, text]) => {
      const shown = this.#colors.accent(term);
      if (text === '') return `  ${shown}`;
      const said = broken(text, width - indent, indent);
      if (isNarrow || term.length > column) return `  ${shown}\n${' '.repeat(indent)}${said}`;
      return `  ${shown}${' '.repeat(column - term.length)}  ${said}`;
    });
    return `${this.#colors.heading(`${title}:`)}\n${lines.join('\n')}`;
  }
}

/** What is said of an option, with its default, its variable and its possible values. */
export function optionText(option: Option): string {
  const { defaultValueDescription, argChoices, envVar, description } = option;
  const defaultValue: unknown = option.defaultValue;
  const shown =
    defaultValueDescription ??
    (typeof defaultValue === 'string' || (typeof defaultValue === 'number' && defaultValue !== 0) ? String(defaultValue) : undefined);
  const notes = [
    ...(shown === undefined ? [] : [`[default: ${shown}]`]),
    ...(envVar === undefined ? [] : [`[env: ${envVar}]`]),
    ...(argChoices === undefined ? [] : [`[possible values: ${argChoices.join(', ')}]`]),
  ];
  return [...(description === '' ? [] : [description]), ...notes].join(' ');
}

/** A command that is too long for a line goes on in the next one, as a shell takes it. */
function commandLine(text: string, width: number): string {
  const lines: string[] = [];
  let line = ' ';
  // What is in quotes is one word.
  for (const word of text.match(/('[^']*'|"[^"]*"|\S)+/g) ?? []) {
    if (line.trim() !== '' && line.length + word.length + 3 > width) {
      lines.push(`${line} \\`);
      line = '     ';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}

export function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

/** Breaks a text at blanks; all lines but the first one are indented. */
function broken(text: string, width: number, indent = 0): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
