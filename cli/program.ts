import { Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { CommanderError } from 'commander';
import type { Cli } from './cli.ts';
import { pathOf, presentOf } from './doing.ts';
import { FAMILIES, GROUPS } from './families.ts';
import { EXIT } from './failure.ts';
import { TwoLengthHelp } from './help.ts';
import type { GlobalOptions } from './cli.ts';
import type { Result } from './result.ts';
import { isRepeatable } from './values.ts';

/** What is filled with verbs, or is a verb itself. */
export type Family = Command;

/** Runs the work of a verb and prints what it gives. */
export type Doing = <Given extends readonly unknown[]>(
  work: (...given: Given) => Promise<Result | undefined>,
) => (...given: Given) => Promise<void>;

/**
 * The whole command, made anew for each run.
 * @param words families that none of these names are there by their line in the help only, since to load them takes time
 * @param instead what becomes of the work of a verb, where it is not done at once and its result printed; global options of the
 * words do not count then
 */
export async function makeProgram(cli: Cli, words?: readonly string[], instead?: Doing): Promise<CommandUnknownOpts> {
  const { invocation } = cli;
  const help = new TwoLengthHelp(invocation, cli.colors('stdout'));
  const program = new Command(cli.programName)
    .description('Reach a private database from another network, with no open port and no trust in the middle.')
    .option('-V, --version', 'Print name and version.')
    .option('-q, --quiet', 'Say nothing but the result and errors, and never ask. [env: QUIET]')
    .option('-v, --verbose', 'Log to standard error: -v info, -vv debug, -vvv trace.', (_, before: number) => before + 1, 0)
    .option('--no-color', 'No colours. [env: NO_COLOR]')
    .option('--no-input', 'Never ask. [env: NO_INPUT]')
    .addOption(new Option('--output <FORM>', 'The form of the result.').choices(['plain', 'json'] as const))
    .option('--jq <FILTER>', 'Apply a jq filter to the JSON form.')
    .option('--compact-output', 'JSON on one line.')
    .addOption(new Option('--pretty', 'Deprecated, without effect.').hideHelp())
    .addOption(new Option('--test-argument-parser', 'Look at the arguments, and do nothing.').hideHelp())
    .helpOption('-h, --help', 'Print help: -h the short, --help the long one.')
    .helpCommand(false)
    .allowExcessArguments(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void (cli.helpText += text),
      writeErr: (text) => void invocation.stderr.write(text),
      // Every error is printed once, at the end.
      outputError: () => undefined,
    })
    .configureHelp({
      formatHelp: (command) => help.formatHelp(command, help),
      visibleCommands: (command) => help.visibleCommands(command),
    });

  const doing: Doing =
    (work) =>
    async (...given) => {
      if (cli.onlyParses) return;
      const command = given.at(-1) as CommandUnknownOpts;
      if (!isUnlogged(command)) cli.beginLog(pathOf(command));
      if (!staysOpen(command)) cli.step(presentOf(command));
      const result = await work(...given);
      if (result !== undefined) await cli.print(result);
    };
  if (instead === undefined) program.hook('preAction', (root) => cli.use(root.opts() as GlobalOptions));

  for (const { name, description, group, hidden = false, load } of FAMILIES) {
    const command = program.command(name, { hidden }).description(description).helpGroup(GROUPS[group]);
    if (words === undefined || words.includes(name)) (await load())(command, cli, instead ?? doing);
  }
  refuseRepetition(program);
  return program;
}

/** Reset would bring back what it removes; the shell asks for completions at each press of a key. */
const isUnlogged = (command: CommandUnknownOpts) => ['reset', 'completion'].includes(command.name());

/** These end by a signal: they wait, and are not busy. */
function staysOpen(command: CommandUnknownOpts): boolean {
  const given = command.opts() as Readonly<Record<string, unknown>>;
  return ['foreground', 'childProcess', 'follow', 'blocking'].some((name) => given[name] === true);
}

/** A single value that is given twice is an error. Source: command-line.md 1.1 */
function refuseRepetition(command: CommandUnknownOpts): void {
  for (const option of command.options.filter((each) => (each.required || each.optional) && !isRepeatable(each))) {
    let count = 0;
    command.on(`option:${option.name()}`, () => {
      count += 1;
      if (count > 1) throw new CommanderError(EXIT.usage, 'postern.repeated', `option '${option.flags}' was given more than once`);
    });
  }
  for (const each of command.commands) refuseRepetition(each);
}
