import { type Argument, type CommandUnknownOpts as Command, Help, type Option } from '@commander-js/extra-typings';
import { isOn, VARIABLES } from './environment.ts';
import type { Invocation } from './invocation.ts';

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

const WIDTH = 100;

/** Help in two lengths: `-h` fits a screen, `--help` explains. Source: command-line.md 8.3 */
export class TwoLengthHelp extends Help {
  readonly #isLong: boolean;
  readonly #showsHidden: boolean;
  readonly #programName: string;

  constructor({ args, env, programName }: Pick<Invocation, 'args' | 'env' | 'programName'>) {
    super();
    this.#isLong = !args.includes('-h');
    this.#showsHidden = isOn(VARIABLES.showHidden, env);
    this.#programName = programName;
    this.helpWidth = WIDTH;
  }

  override visibleOptions(command: Command): Option[] {
    return this.#showsHidden ? [...command.options] : super.visibleOptions(command);
  }

  override visibleCommands(command: Command): Command[] {
    return this.#showsHidden ? [...command.commands] : super.visibleCommands(command);
  }

  override optionDescription(option: Option): string {
    const { defaultValueDescription, argChoices, envVar } = option;
    const defaultValue: unknown = option.defaultValue;
    const shown =
      defaultValueDescription ?? (typeof defaultValue === 'string' || typeof defaultValue === 'number' ? String(defaultValue) : undefined);
    const notes = [
      ...(shown === undefined ? [] : [`[default: ${shown}]`]),
      ...(envVar === undefined ? [] : [`[env: ${envVar}]`]),
      ...(argChoices === undefined ? [] : [`[possible values: ${argChoices.join(', ')}]`]),
    ];
    return [option.description, ...notes].join(' ');
  }

  override argumentDescription(argument: Argument): string {
    return argument.description;
  }

  override formatHelp(command: Command, helper: Help): string {
    const { description, examples = [] } = detailsOf(command);
    const sections: string[] = [];
    sections.push(this.#isLong && description !== undefined ? `${command.description()}\n\n${description}` : command.description());
    sections.push(`Usage: ${helper.commandUsage(command)}`);
    this.#list(
      sections,
      'Arguments',
      helper.visibleArguments(command).map((each) => [helper.argumentTerm(each), helper.argumentDescription(each)]),
    );
    for (const [group, commands] of this.#groups(command))
      this.#list(
        sections,
        group,
        commands.map((each) => [helper.subcommandTerm(each), each.description()]),
      );
    this.#list(
      sections,
      'Options',
      helper.visibleOptions(command).map((each) => [helper.optionTerm(each), helper.optionDescription(each)]),
    );
    if (command.parent !== null)
      this.#list(
        sections,
        'Global options',
        helper.visibleOptions(rootOf(command)).map((each) => [helper.optionTerm(each), helper.optionDescription(each)]),
      );
    if (this.#isLong && examples.length > 0)
      sections.push(`Examples:\n${examples.map((each) => `  ${this.#programName} ${each}`).join('\n')}`);
    if (this.#isLong) sections.push(`Learn more: ${this.#programName} --help, and docs/command-line.md.`);
    return `${sections.join('\n\n')}\n`;
  }

  #groups(command: Command): Map<string, Command[]> {
    const groups = new Map<string, Command[]>();
    for (const each of this.visibleCommands(command)) {
      const group = each.helpGroup() || 'Commands';
      groups.set(group, [...(groups.get(group) ?? []), each]);
    }
    return groups;
  }

  #list(sections: string[], title: string, items: readonly (readonly [term: string, text: string])[]): void {
    if (items.length === 0) return;
    const width = Math.min(38, Math.max(...items.map(([term]) => term.length)));
    const lines = items.map(([term, text]) => {
      const [first = '', ...rest] = wrapped(text, WIDTH - width - 4);
      const head = term.length > width ? `  ${term}\n${' '.repeat(width + 4)}${first}` : `  ${term.padEnd(width)}  ${first}`;
      return [head, ...rest.map((line) => `${' '.repeat(width + 4)}${line}`)].join('\n');
    });
    sections.push(`${title}:\n${lines.join('\n')}`);
  }
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
