import { parseArgs } from 'node:util';
import type { Fault } from '../faults.ts';
import { isFault } from '../trace-shapes.ts';

export const USAGE = `Usage: npm run simulate -- FILE [options]

Runs the scenario that FILE exports as \`default\` or \`scenario\`, under a seed or under many.

  --seed N        where chance begins; another one each time by default, and printed
  --runs N        how many runs, each with a seed and faults of its own; 1 by default
  --faults JSON   these faults instead of the scenario's own, as a failure prints them
  --world KIND    'simulated' by default; 'loopback' runs it once, with a process for each node
  --trace FILE    writes what happened in the failure, or in the last run that held
  --picture FILE  draws the same as one HTML file that is zoomed, filtered and stepped through
  --mermaid FILE  draws the same as the text of a Mermaid sequence diagram
  --help          says this

Ends with 0 when every run held, 1 when one failed, 64 for an order it does not understand, and 130 on Ctrl-C, having said how far
it was.`;

/** What the command is to do. */
export interface Order {
  readonly file: string;
  readonly seed: number | undefined;
  readonly runs: number;
  readonly faults: readonly Fault[] | undefined;
  readonly world: 'simulated' | 'loopback';
  readonly trace: string | undefined;
  readonly picture: string | undefined;
  readonly mermaid: string | undefined;
}

/** An order that is not understood; the text says what would be. */
export class UsageError extends Error {}

/** @returns the order, or 'help'. @throws {UsageError} */
export function readOrder(args: readonly string[]): Order | 'help' {
  const { values, positionals } = parsed(args);
  if (values.help === true) return 'help';
  const [file, ...more] = positionals;
  if (file === undefined) throw new UsageError('Which scenario? Give the file that exports it.');
  if (more.length > 0) throw new UsageError(`One file at a time; beside ${file} there is also ${more.join(', ')}.`);
  const { world = 'simulated' } = values;
  if (world !== 'simulated' && world !== 'loopback') throw new UsageError(`--world is 'simulated' or 'loopback', not '${world}'.`);
  const runs = values.runs === undefined ? 1 : wholeNumber('--runs', values.runs, 1, 1_000_000_000);
  if (world === 'loopback' && runs > 1)
    throw new UsageError('Real processes take real time, and never do the same twice: --world loopback takes no --runs.');
  return {
    file,
    seed: values.seed === undefined ? undefined : wholeNumber('--seed', values.seed, 0, 2 ** 31 - 1),
    runs,
    world,
    faults: values.faults === undefined ? undefined : faultList(values.faults),
    trace: values.trace,
    picture: values.picture,
    mermaid: values.mermaid,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        runs: { type: 'string' },
        faults: { type: 'string' },
        world: { type: 'string' },
        trace: { type: 'string' },
        picture: { type: 'string' },
        mermaid: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : 'The arguments make no sense.');
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most)
    throw new UsageError(`${option} takes a whole number from ${least} to ${most}, not '${text}'.`);
  return number;
}

function faultList(text: string): readonly Fault[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every(isFault)) return list;
  } catch {
    // said below
  }
  throw new UsageError('--faults takes a JSON list of faults, as a failure prints it.');
}
