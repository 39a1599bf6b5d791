import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import type { Result } from '../result.ts';

/** A command that was parsed and looked at, and has not run. */
export interface ParsedCommand {
  /** What its work is given: arguments, then options. */
  readonly given: readonly unknown[];
  run(): Promise<Result | undefined>;
}

/** A verb of the program, parsed by the same definitions as when a person types it: there is one grammar. */
export interface VerbGrammar {
  readonly options: readonly Option[];
  /** @param words what a person would type after the verb @throws {CommanderError} what the program would say */
  parse(words: readonly string[]): Promise<ParsedCommand>;
}

/** @param path `tcp-outlet create`, as two words */
export async function grammarOf(cli: Cli, path: readonly [family: string, verb: string]): Promise<VerbGrammar> {
  let parsed: ParsedCommand | undefined;
  const program = await cli.makeProgram(path, (work) => (...given) => {
    parsed = { given, run: () => work(...given) };
    return Promise.resolve();
  });
  const found = path.reduce<CommandUnknownOpts | undefined>(
    (command, name) => command?.commands.find((each) => each.name() === name),
    program,
  );
  if (found === undefined) throw new Error(`There is no command ${path.join(' ')}.`);
  return {
    options: found.options,
    parse: async (words) => {
      await program.parseAsync([...path, ...words], { from: 'user' });
      if (parsed === undefined) throw new Error(`${path.join(' ')} does nothing.`);
      return parsed;
    },
  };
}
