import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../../host/clock.ts';
import { randomFraction } from '../../runtime/random.ts';
import { seededRandom } from '../../simulation/random.ts';
import { afterPowerLoss, type FileCall, readRecord, watching } from './file-calls.ts';
import { NodeProcess } from './processes.ts';
import { type Row, Tally } from './row.ts';
import { faultOfWrites, openState } from './state-writes.ts';

/** No space, an I/O error, too many files, denied, a short write: see file-calls.c. */
export const FAULTS = ['N', 'I', 'M', 'A', 'S'] as const;
/** One write of each kind and one removal of each kind, behind one round in which everything is new. */
export const FIRST_WRITE = 8;
export const WRITES = 16;

/** So many times the home is opened and closed, with all kinds of writes in between. */
const LIVES = 3;
const WRITES_OF_LIFE = 24;

async function inScratch<Result>(run: (scratch: string, watched: string) => Promise<Result>): Promise<Result> {
  const scratch = mkdtempSync(join(tmpdir(), 'postern-files-'));
  const watched = join(scratch, 'watched');
  mkdirSync(watched, { mode: 0o700 });
  try {
    return await run(scratch, watched);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** In what way the power goes: what was not waited for is lost, is all there but for the end, or is there here and there. */
const LOSSES = ['nothing', 'all but the end', 'some', 'some but the end'] as const;

const powerLoss: Row = {
  id: 'R-F2',
  about: 'the power goes at any file call of writes: what was acknowledged is there, the write under way is there or not, no repair',
  full: 2_000,
  run: ({ count, seed }) =>
    inScratch(async (scratch, watched) => {
      const random = seededRandom(seed);
      const home = join(watched, 'home');
      const record = join(scratch, 'record');
      const settings = { FILE: join(home, 'database.sqlite3'), LIVES: String(LIVES), WRITES: String(WRITES_OF_LIFE) };
      await new NodeProcess('file-recorder', { ...settings, ...watching(watched, scratch, record) }).start('done');
      const calls = readRecord(record);
      const tally = new Tally();
      for (let index = 0; index < count; index++) {
        // Every place comes, and every kind of loss at it in turn.
        const end = Math.floor((index * (calls.length + 1)) / count);
        const kind = LOSSES[index % LOSSES.length] ?? 'nothing';
        const fraction = () => randomFraction(random);
        const files = afterPowerLoss(calls.slice(0, end), home, {
          isKept: () => kind === 'all but the end' || (kind !== 'nothing' && fraction() < 0.5),
          cut: (byteCount) => (kind === 'some' ? byteCount : Math.floor(fraction() * byteCount)),
        });
        const place = join(scratch, 'after', 'home', 'database.sqlite3');
        await tally.trial(async () => {
          rmSync(join(scratch, 'after'), { recursive: true, force: true });
          mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
          for (const [name, bytes] of files) writeFileSync(join(dirname(place), name), bytes, { mode: 0o600 });
          return faultAfter(place, calls.slice(0, end), kind);
        });
      }
      tally.measured(calls.length, 'file calls on record');
      return tally.result;
    }),
};

async function faultAfter(place: string, calls: readonly FileCall[], kind: string): Promise<string | undefined> {
  const acknowledged = calls.filter(({ name }) => name === 'mark').length;
  const store = await openState(place, systemClock);
  try {
    await store.check();
    const fault = await faultOfWrites(store, 'w', acknowledged, false);
    return fault && `behind call ${calls.length}, lost: ${kind}: ${fault}`;
  } finally {
    await store.close();
  }
}

const failingCalls: Row = {
  id: 'R-F3',
  about: 'each file call of a command fails once, in five ways: an error of ours or none, and the state from before or after',
  full: FAULTS.length * (1 + WRITES),
  run: ({ count }) =>
    inScratch(async (scratch, watched) => {
      const tally = new Tally();
      const child = new NodeProcess('file-faults', { FOLDER: watched, COUNT: String(count), ...watching(watched, scratch) });
      await child.start('done');
      let failed = 0;
      for (const { calls, wrong } of child.facts) {
        if (calls === undefined) continue;
        // A command without any such call would show nothing.
        tally.add(wrong !== '' ? String(wrong) : calls === 0 ? 'no call of the command failed' : undefined);
        failed += Number(calls);
        tally.measured(failed, 'calls failed in all');
      }
      return tally.result;
    }),
};

/** What the file system may do to the state, of reliability.md 4.6. */
export const rows: readonly Row[] = [powerLoss, failingCalls];
