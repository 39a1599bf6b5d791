/**
 * Runs commands that change the state of a home, each again and again: open, write, close, while the n-th of its file calls fails.
 * Tells of each command and kind of fault how many calls failed, and what was wrong.
 */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../host/clock.ts';
import { StorageError } from '../../../storage/errors.ts';
import { FAULTS, FIRST_WRITE, WRITES } from '../file-trials.ts';
import { order } from '../file-calls.ts';
import { faultOfWrites, openState, writeNumbered } from '../state-writes.ts';

const { FOLDER = '', COUNT = '' } = process.env;
const BASE = join(FOLDER, 'base');
const CALLS_MAX = 1_000;

/** What was there before each write. */
const base = (number: number) => join(BASE, `${number}.sqlite3`);
mkdirSync(BASE, { mode: 0o700 });
const whole = await openState(join(BASE, 'whole.sqlite3'), systemClock);
for (let number = 0; number < FIRST_WRITE + WRITES; number++) {
  if (number >= FIRST_WRITE) await whole.copyTo(base(number));
  await writeNumbered(whole, 'w', number);
}
await whole.close();

/** As a command does. */
async function command(file: string, number: number): Promise<void> {
  const store = await openState(file, systemClock);
  try {
    await writeNumbered(store, 'w', number);
  } finally {
    await store.close();
  }
}

/** @returns what is wrong; undefined: nothing; `over`: there are not so many calls */
async function trial(number: number, fault: string, nth: number): Promise<string | undefined> {
  const home = join(FOLDER, 'home');
  const file = join(home, 'database.sqlite3');
  rmSync(home, { recursive: true, force: true });
  // The first one of all makes its home; for the others it is there.
  if (number > 0) {
    mkdirSync(home, { mode: 0o700 });
    copyFileSync(base(number), file);
  }
  order(`fail/${fault}/${nth}`);
  let thrown: unknown;
  try {
    await command(file, number);
  } catch (cause) {
    thrown = cause;
  }
  if (!order('off')) return 'over';
  if (thrown !== undefined && !(thrown instanceof StorageError))
    return `it threw ${thrown instanceof Error ? thrown.message : typeof thrown}`;
  const store = await openState(file, systemClock);
  try {
    await store.check();
    return await (thrown === undefined ? faultOfWrites(store, 'w', number + 1, true) : faultOfWrites(store, 'w', number, false));
  } finally {
    await store.close();
  }
}

if (!order('there')) throw new Error('The library that makes calls fail is not loaded.');
const commands = [0, ...Array.from({ length: WRITES }, (_, index) => FIRST_WRITE + index)];
const all = commands.flatMap((number) => FAULTS.map((fault) => ({ number, fault })));
for (const { number, fault } of all.slice(0, Number(COUNT))) {
  let wrong = '';
  let calls = 0;
  for (let nth = 1; nth < CALLS_MAX; nth++) {
    const found = await trial(number, fault, nth).catch((cause: unknown) => String(cause));
    if (found === 'over') break;
    calls += 1;
    if (found !== undefined) wrong ||= `write ${number}, fault ${fault} at its call ${nth}: ${found}`;
  }
  process.send?.({ calls, wrong });
}
process.send?.({ done: 1 });
process.disconnect();
