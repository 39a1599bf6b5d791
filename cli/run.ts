import { CommanderError } from 'commander';
import { Cli } from './cli.ts';
import { EXIT, failureOf, printFailure } from './failure.ts';
import type { Invocation } from './invocation.ts';
import { paged } from './pager.ts';
import { makeProgram } from './program.ts';
import { asksForVersion, versionText } from './version.ts';

/** Runs one command. @returns the exit code */
export async function run(invocation: Invocation): Promise<number> {
  if (asksForVersion(invocation.args)) {
    invocation.stdout.write(versionText);
    return 0;
  }
  const cli = new Cli(invocation);
  cli.makeProgram = (words, instead) => makeProgram(cli, words, instead);
  try {
    await (await makeProgram(cli, invocation.args)).parseAsync(invocation.args, { from: 'user' });
    return cli.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.code === 'commander.helpDisplayed') {
      if (invocation.args.includes('-h')) invocation.stdout.write(cli.helpText);
      else await paged(cli.helpText, invocation);
      return 0;
    }
    // A family alone: its help is printed already.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return EXIT.usage;
    const failure = failureOf(thrown);
    // What failed in parsing has not set the options yet.
    const json = cli.wantsJson || invocation.args.join(' ').includes('--output json') || invocation.args.includes('--output=json');
    cli.endSteps();
    cli.logger.log('error', 'command.failed', { code: failure.code, exit: failure.exitCode });
    printFailure(failure, invocation.stderr, { json, programName: cli.programName, colors: cli.colors('stderr') });
    return failure.exitCode;
  } finally {
    await cli.close();
  }
}
