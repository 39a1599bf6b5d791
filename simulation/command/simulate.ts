import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { explore, type PlayAnywhere, type Report, type Scenario, simulate, SimulationFailure, type SimulateOptions } from '../simulate.ts';
import type { Fault } from '../faults.ts';
import { toHtml } from '../picture/html.ts';
import { toMermaid } from '../picture/mermaid.ts';
import type { Violation } from '../trace.ts';
import { encodeTrace } from '../trace-file.ts';
import { type Order, readOrder, USAGE, UsageError } from './order.ts';
import { Progress } from './progress.ts';

export interface Output {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Whether a line may be written over. */
  readonly isTerminal: boolean;
}

/** Its exit code when a signal ends it: 128 and the number of SIGINT. */
export const INTERRUPTED = 130;

/**
 * The command `simulate`.
 * @param interrupted when it aborts, the command says how far it was and ends, whatever the scenario still does
 * @returns its exit code
 */
export async function main(args: readonly string[], output: Output, interrupted?: AbortSignal): Promise<number> {
  try {
    const order = readOrder(args);
    if (order === 'help') {
      output.out(USAGE);
      return 0;
    }
    return await run(order, await load(order.file), output, interrupted);
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    output.error(`${thrown.message}\n\n${USAGE}\n`);
    return 64;
  }
}

async function load(file: string): Promise<Scenario> {
  const module = (await import(pathToFileURL(resolve(file)).href).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${file} cannot be loaded: ${reason}`);
  })) as { readonly default?: unknown; readonly scenario?: unknown };
  const scenario = module.default ?? module.scenario;
  if (typeof scenario !== 'object' || scenario === null || !('play' in scenario) || typeof scenario.play !== 'function')
    throw new UsageError(`${file} exports no scenario: export one as \`default\` or \`scenario\`, with a \`name\` and a \`play\`.`);
  return scenario as Scenario;
}

async function run(order: Order, scenario: Scenario, output: Output, interrupted?: AbortSignal): Promise<number> {
  const seed = order.seed ?? (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) >>> 1;
  const progress = new Progress(order.runs, output, order.world === 'loopback' ? 'real' : 'virtual');
  const isOver = new Promise<number>((resolve) => {
    interrupted?.addEventListener('abort', () => {
      progress.end();
      output.out(`${scenario.name}: interrupted. ${progress.summary()}, seed ${seed}.`);
      resolve(INTERRUPTED);
    });
  });
  return Promise.race([runAll(order, scenario, { seed, progress, output }), isOver]);
}

interface Run {
  readonly seed: number;
  readonly progress: Progress;
  readonly output: Output;
}

async function runAll(order: Order, scenario: Scenario, { seed, progress, output }: Run): Promise<number> {
  let last: Report | undefined;
  const onRun = (report: Report) => {
    last = report;
    progress.ran(report.virtualMs);
  };
  const common = { name: scenario.name, file: order.file, keepBytes: scenario.keepBytes ?? false, invariants: scenario.invariants ?? [] };
  try {
    if (order.runs > 1)
      await explore({ ...common, seed, runs: order.runs, faults: generatorOf(order.faults ?? scenario.faults), onRun }, scenario.play);
    else onRun(await runOne(order.world, { ...common, seed, faults: order.faults ?? oneOf(scenario.faults, seed) }, scenario));
    progress.end();
    output.out(`${scenario.name}: ${progress.summary()}, seed ${seed}.`);
    if (last !== undefined) await keep(order, last, undefined, output);
    return 0;
  } catch (thrown) {
    progress.end();
    if (!(thrown instanceof SimulationFailure)) throw thrown;
    output.error(`${scenario.name} failed after ${progress.runs} runs that held.\n${thrown.message}\n`);
    await keep(order, thrown.report, brokenBy(thrown), output);
    return 1;
  }
}

async function runOne(
  world: Order['world'],
  options: SimulateOptions & { readonly world?: undefined },
  { play }: Scenario,
): Promise<Report> {
  if (world === 'simulated') return simulate(options, play);
  const { loopback } = await import('../loopback/index.ts');
  // What a scenario for simulations alone asks for is refused by the world, in words.
  return simulate({ ...options, world: loopback() }, play as PlayAnywhere);
}

type Faults = Scenario['faults'];

const isList = (faults: Faults): faults is readonly Fault[] => Array.isArray(faults);
const generatorOf = (faults: Faults = []) => (isList(faults) ? fc.constant(faults) : faults);
const oneOf = (faults: Faults = [], seed: number) => (isList(faults) ? faults : (fc.sample(faults, { seed, numRuns: 1 })[0] ?? []));

/** What a picture marks. A scenario that threw broke what came last. */
function brokenBy({ violation, report, message }: SimulationFailure): Violation {
  const [text = ''] = message.split('\n');
  return violation ?? { invariant: 'the scenario threw', text, at: report.trace.events.length - 1 };
}

async function keep(order: Order, { trace }: Report, violation: Violation | undefined, output: Output): Promise<void> {
  const options = violation === undefined ? {} : { violation };
  const wanted = [
    [order.trace, 'what happened', () => encodeTrace(trace)],
    [order.picture, 'its picture', () => toHtml(trace, options)],
    [order.mermaid, 'its picture as Mermaid text', () => toMermaid(trace, options)],
  ] as const;
  for (const [file, what, content] of wanted) {
    if (file === undefined) continue;
    await writeFile(file, content());
    output.out(`${what} is in ${file}`);
  }
}
