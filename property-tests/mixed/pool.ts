import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Share } from './child.ts';
import { Coverage } from './coverage.ts';
import type { Tried } from './seeds.ts';

/** A run makes some MiB and forgets them: with the young generation larger than that, few of them are ever copied. */
const CHILD_OPTIONS = ['--max-semi-space-size=64', '--import', 'tsx'];
/** Small enough that no process waits long for the last one. */
const SHARE = 50;

export interface PoolOptions {
  readonly first: number;
  readonly count: number;
  /** How many processes; 2 unless given. */
  readonly processes?: number;
  /** Told after each share of what came so far. */
  readonly onShare?: (sofar: Tried) => void;
}

/** Runs seeds in several processes. @throws {Error} when one of them dies */
export async function trySeedsInPool({ first, count, processes = 2, onShare = () => undefined }: PoolOptions): Promise<Tried> {
  const coverage = new Coverage();
  let sum: Tried = { runs: 0, failures: [], counts: {}, virtualMs: 0, events: 0, cpuMs: 0 };
  let next = first;
  const work = async (): Promise<void> => {
    const child = fork(new URL('child.ts', import.meta.url), { execArgv: CHILD_OPTIONS });
    try {
      while (next < first + count) {
        const share: Share = { first: next, count: Math.min(SHARE, first + count - next) };
        next += share.count;
        const tried = await answerOf(child, share);
        coverage.merge(tried.counts);
        sum = {
          runs: sum.runs + tried.runs,
          failures: [...sum.failures, ...tried.failures],
          counts: coverage.counts,
          virtualMs: sum.virtualMs + tried.virtualMs,
          events: sum.events + tried.events,
          cpuMs: sum.cpuMs + tried.cpuMs,
        };
        onShare(sum);
      }
    } finally {
      child.kill();
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  return sum;
}

async function answerOf(child: ChildProcess, share: Share): Promise<Tried> {
  const over = new AbortController();
  child.send(share);
  try {
    const died = once(child, 'exit', over).then(() => {
      throw new Error(`A process that ran the seeds from ${share.first} on has died.`);
    });
    const [tried] = (await Promise.race([once(child, 'message', over), died])) as [Tried];
    return tried;
  } finally {
    over.abort();
  }
}
