import { setTimeout as sleep } from 'node:timers/promises';

/** Traffic before anything counts: the compiler needs it. Source: the first second of a portal is up to twice as slow as the rest. */
const WARM_UP_MS = 1_500;
const ROUNDS = 5;
/** Between two measurements, so that what one leaves behind is not paid by the next. */
const REST_MS = 30;

/** What is measured: it works for about so long and returns a figure. */
export type Subject = (forMs: number) => Promise<number>;

export interface Compared {
  readonly ours: number;
  readonly baseline: number;
  /** The median of the rounds' own ratios, not the ratio of the medians: what slows a round slows both. */
  readonly ratio: number;
  /** How far apart two measurements of the same baseline were, as a median: a smaller effect than this is none. */
  readonly noise: number;
}

export interface Pace {
  /** Of one measurement. */
  readonly forMs: number;
  readonly rounds?: number;
  readonly warmUpMs?: number;
}

/** Measures subjects against one baseline, all in turn, round after round; the baseline twice in each round. */
export async function compare<Name extends string>(
  baseline: Subject,
  subjects: Readonly<Record<Name, Subject>>,
  { forMs, rounds = ROUNDS, warmUpMs = WARM_UP_MS }: Pace,
): Promise<Record<Name, Compared>> {
  const names = Object.keys(subjects) as Name[];
  for (const subject of [baseline, ...Object.values<Subject>(subjects)]) await subject(warmUpMs);
  const first: number[] = [];
  const again: number[] = [];
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++) {
    first.push(await rested(baseline, forMs));
    // Each round begins with another subject: no one always runs behind the same neighbour.
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round) % names.length]!;
      figures[name].push(await rested(subjects[name], forMs));
    }
    again.push(await rested(baseline, forMs));
  }
  const base = first.map((figure, round) => (figure + again[round]!) / 2);
  const noise = median(first.map((figure, round) => Math.abs(again[round]! / figure - 1)));
  const compared = names.map((name): [Name, Compared] => [
    name,
    {
      ours: median(figures[name]),
      baseline: median(base),
      ratio: median(figures[name].map((figure, round) => figure / base[round]!)),
      noise,
    },
  ]);
  return Object.fromEntries(compared) as Record<Name, Compared>;
}

/**
 * What this process has used of the processors, in milliseconds: the clock for what runs in one process, for a neighbour on
 * the same machine does not move it.
 */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Calls `work` for about so long. @returns calls per second of processor time */
export function rateOf(work: () => unknown, batch = 64): Subject {
  return async (forMs) => {
    const start = cpuMs();
    let calls = 0;
    let usedMs = 0;
    while (usedMs < forMs) {
      for (let call = 0; call < batch; call++) {
        const pending = work();
        if (pending instanceof Promise) await pending;
      }
      calls += batch;
      usedMs = cpuMs() - start;
    }
    return (calls / usedMs) * 1_000;
  };
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** @param share 0 to 1 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function rested(subject: Subject, forMs: number): Promise<number> {
  await sleep(REST_MS);
  return subject(forMs);
}
