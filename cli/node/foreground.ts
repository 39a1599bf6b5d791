import type { Cli } from '../cli.ts';
import { nodePlain } from './resources.ts';
import { runNode, type RunOptions } from './run-node.ts';

/**
 * Runs a node here until a signal comes, or standard input ends. Source: command-line.md 4.2, 8.2
 */
export async function runForeground(
  cli: Cli,
  name: string,
  { exitsOnEof = false, ...options }: RunOptions & { readonly exitsOnEof?: boolean },
): Promise<void> {
  const { stdin, stdout, onSignal } = cli.invocation;
  const ended = new Promise<string>((resolve) => {
    cli.atEnd(onSignal((signal) => resolve(signal)));
    if (exitsOnEof) void untilEnd(stdin).then(() => resolve('end of input'));
  });
  const node = await runNode(cli, name, options);
  if (!options.isBackground) {
    stdout.write(`${nodePlain(await node.show())}\n`);
    cli.note(exitsOnEof ? 'Close standard input or press Ctrl-C to stop it.' : 'Press Ctrl-C to stop it.');
  }
  const reason = await ended;
  if (!options.isBackground) cli.note(`Stopping node ${name} (${reason})...`);
  await node.close();
  if (!options.isBackground) cli.note(`Node ${name} was stopped.`);
}

async function untilEnd(input: Cli['invocation']['stdin']): Promise<void> {
  // What is said there does not matter.
  for await (const _ of input);
}
