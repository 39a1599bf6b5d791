import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../host/clock.ts';
import { randomFraction } from '../../runtime/random.ts';
import { seededRandom } from '../../simulation/random.ts';
import { NodeProcess } from './processes.ts';
import { inTurn, Tally, type Row } from './row.ts';
import { faultOfWrites, openState } from './state-writes.ts';

const WRITERS = 8;
const OPENERS = 6;
const LIFE_MS_MAX = 200;
/** So many lives share a home: each takes up what a killed one left. */
const LIVES_MAX = 25;
/** Source: command-line.md 4.1 */
const WAIT_MS_MAX = 10_000;

async function inFolder<Result>(run: (file: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-st-'));
  try {
    return await run(join(folder, 'home', 'database.sqlite3'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const pause = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));

const killed: Row = {
  id: 'R-F1',
  about: 'kill -9 at random moments of writes: all that was acknowledged is there, nothing is torn, no repair',
  full: 500,
  run: async ({ count, seed }) => {
    const random = seededRandom(seed);
    const tally = new Tally();
    let writes = 0;
    while (tally.attempted < count)
      await inFolder(async (file) => {
        let written = 0;
        for (let life = 0; life < LIVES_MAX && tally.attempted < count; life++)
          await tally.trial(async () => {
            const child = new NodeProcess('state-writer', { FILE: file, WRITER: 'w', FIRST: String(written) });
            await child.start('ready');
            await pause(randomFraction(random) * LIFE_MS_MAX);
            await child.kill();
            const acknowledged = child.facts.filter((fact) => fact['acknowledged'] !== undefined).length;
            const store = await openState(file, systemClock);
            try {
              await store.check();
              const fault = await faultOfWrites(store, 'w', written + acknowledged, false);
              if (fault !== undefined) return fault;
              // What was kept and not acknowledged any more is repeated by the next life: it comes to the same, save for a number given out.
              const isAhead = (await faultOfWrites(store, 'w', written + acknowledged, true)) !== undefined;
              written += acknowledged + (isAhead ? 1 : 0);
              writes += acknowledged;
              tally.measured(writes, 'writes acknowledged in all');
              return undefined;
            } finally {
              await store.close();
            }
          });
      });
    return tally.result;
  },
};

const together: Row = {
  id: 'R-F5',
  about: '8 processes write at once, creates, updates and deletes: all are accounted for, no wait over 10 s',
  full: WRITERS * 500,
  run: ({ count }) =>
    inFolder(async (file) => {
      const each = Math.ceil(count / WRITERS);
      const writers = Array.from({ length: WRITERS }, (_, index) => `w${index}`);
      const tally = new Tally();
      const slowest = await Promise.all(
        writers.map((writer) => new NodeProcess('state-writer', { FILE: file, WRITER: writer, COUNT: String(each) }).start('done')),
      );
      const store = await openState(file, systemClock);
      try {
        await store.check();
        for (const [index, writer] of writers.entries()) {
          const ms = Number(slowest[index]);
          const fault = ms > WAIT_MS_MAX ? `${writer} waited ${ms} ms` : await faultOfWrites(store, writer, each, true);
          for (let number = 0; number < each; number++) tally.add(fault);
          tally.measured(ms, 'ms for the slowest write');
        }
      } finally {
        await store.close();
      }
      return tally.result;
    }),
};

const atOnce: Row = {
  id: 'ST1',
  about: 'six processes open an empty home at once: all can, and each writes',
  full: 24,
  run: ({ count }) =>
    inTurn(count, () =>
      inFolder(async (file) => {
        const openers = Array.from({ length: OPENERS }, (_, index) => `o${index}`);
        await Promise.all(
          openers.map((writer) => new NodeProcess('state-writer', { FILE: file, WRITER: writer, COUNT: '5' }).start('done')),
        );
        const store = await openState(file, systemClock);
        for (const opener of openers) {
          const fault = await faultOfWrites(store, opener, 5, true);
          if (fault !== undefined) return fault;
        }
        await store.close();
        const left = readdirSync(join(file, '..'));
        return left.join() === 'database.sqlite3' ? undefined : `there is ${left.join()}`;
      }),
    ),
};

/** State, of reliability.md 4.6. */
export const rows: readonly Row[] = [killed, together, atOnce];
