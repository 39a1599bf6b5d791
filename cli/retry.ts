import { setTimeout as pause } from 'node:timers/promises';
import { Option } from '@commander-js/extra-typings';
import type { Cli } from './cli.ts';
import { valueOf, VARIABLES } from './environment.ts';
import { EXIT, failureOf } from './failure.ts';
import { parseDuration } from './values.ts';

/** Given by any of the hidden options. */
export interface RetryOptions {
  readonly retryCount?: number | undefined;
  readonly retryDelay?: number | undefined;
  readonly retry?: boolean | number | undefined;
}

const DELAY_MS = 5_000;
const JITTER_MS_MAX = 5_000;
const COUNT_WITH_DELAY = 3;

const parseTries = (text: string) => Number(/^\d{1,6}$/.exec(text)?.[0] ?? 0);

/** Of the verbs that may be tried again. Source: command-line.md 1.8 */
export const retryOptions = (): readonly Option[] => [
  new Option('--retry-count <N>').argParser(parseTries).hideHelp(),
  new Option('--retry-delay <DURATION>').argParser(parseDuration).hideHelp(),
  new Option('--no-retry').hideHelp(),
];

/** Does something until it succeeds, or fails in a way that will not pass. */
export async function retried<Value>(cli: Cli, options: RetryOptions, work: () => Promise<Value>): Promise<Value> {
  const { count, delayMs } = planned(cli, options);
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (tries >= count || failure.exitCode !== EXIT.unavailable) throw thrown;
      const waitMs = delayMs + Math.random() * Math.min(delayMs / 2, JITTER_MS_MAX);
      cli.note(`${failure.message} Trying again in ${(waitMs / 1_000).toFixed(1)} s (${tries + 1} of ${count}).`);
      await pause(waitMs);
    }
  }
}

function planned(cli: Cli, { retryCount, retryDelay, retry }: RetryOptions): { readonly count: number; readonly delayMs: number } {
  const { env } = cli.invocation;
  if (retry === false) return { count: 0, delayMs: 0 };
  const setCount = valueOf(VARIABLES.retryCount, env);
  const setDelay = valueOf(VARIABLES.retryDelay, env);
  const delayMs = retryDelay ?? (setDelay === undefined ? undefined : parseDuration(setDelay));
  const count = retryCount ?? (setCount === undefined ? undefined : parseTries(setCount)) ?? (delayMs === undefined ? 0 : COUNT_WITH_DELAY);
  return { count, delayMs: delayMs ?? DELAY_MS };
}
