import type { Cli } from '../cli.ts';
import { nodePlain } from './resources.ts';
import { runNode, type RunOptions } from './run-node.ts';

/**
 * Runs a node here until a signal comes, or standard input ends.
 * @param onReady what is to be done to it before it counts as made; when that fails, it ends
 * Source: command-line.md 4.2, 8.2
 */
export async function runForeground(
  cli: Cli,
  name: string,
  { exitsOnEof = false, onReady, ...options }: RunOptions & { readonly exitsOnEof?: boolean; readonly onReady?: () => Promise<void> },
): Promise<void> {
  const { stdin, stdout, onSignal } = cli.invocation;
  const signalled = new Promise<string>((resolve) => cli.atEnd(onSignal((signal) => resolve(signal))));
  const node = await runNode(cli, name, options);
  try {
    await onReady?.();
  } catch (thrown) {
    await node.close();
    throw thrown;
  }
  if (!options.isBackground) {
    stdout.write(`${nodePlain(await node.show())}\n`);
    cli.note(exitsOnEof ? 'Close standard input or press Ctrl-C to stop it.' : 'Press Ctrl-C to stop it.');
  }
  const reason = await (exitsOnEof ? Promise.race([signalled, endOf(stdin)]) : signalled);
  stdin.destroy?.();
  if (!options.isBackground) cli.note(`Stopping node ${name} (${reason})...`);
  await node.close();
  if (!options.isBackground) cli.note(`Node ${name} was stopped.`);
}

async function endOf(input: Cli['invocation']['stdin']): Promise<string> {
  try {
    // What is said there does not matter.
    for await (const _ of input);
  } catch {
    // It was let go of.
  }
  return 'end of input';
}
