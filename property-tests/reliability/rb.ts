import { Coverage } from '../mixed/coverage.ts';
import { trySeedsInPool } from '../mixed/pool.ts';
import type { Row } from './row.ts';

/** Source: reliability.md R-B1 */
const SEEDS = 20_000;

/** Schedules, of reliability.md 4.2. Progress and the table of what was reached go to the standard error output. */
export const rows: readonly Row[] = [
  {
    id: 'R-B1',
    about: 'a mixed scenario under many seeds, each with faults of its own: every invariant holds, and all works again within 60 s (R-B2)',
    full: SEEDS,
    run: async ({ count, seed }) => {
      const startMs = performance.now();
      const speed = (runs: number) => `${((runs * 1_000) / (performance.now() - startMs)).toFixed(1)} seeds/s`;
      const first = 1 + (seed - 1) * SEEDS;
      let told = 0;
      const tried = await trySeedsInPool({
        first,
        count,
        onShare: ({ runs, failures }) => {
          say(`${runs} of ${count} seeds, ${speed(runs)}, ${failures.length} failures`);
          for (; told < failures.length; told++) say(failures[told] ?? '');
        },
      });
      const { runs, failures, counts, cpuMs, virtualMs } = tried;
      const coverage = new Coverage(counts);
      const missing = count >= SEEDS ? coverage.missing : [];
      for (const line of coverage.table) say(line);
      say(
        `${runs} seeds from ${first} on: ${Math.round(virtualMs / 3_600_000)} h of virtual time, ${(cpuMs / runs).toFixed(1)} ms of CPU each`,
      );
      const worst = failures[0] ?? (missing.length > 0 ? `too seldom: ${missing.join('; ')}` : speed(runs));
      return { attempted: runs, passed: Math.max(0, runs - failures.length - missing.length), worst };
    },
  },
];

const say = (text: string) => void process.stderr.write(`${text}\n`);
