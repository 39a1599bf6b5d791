/**
 * Writes to the state of a home and says of each write, once it is kept, that it was. One writer among several, or one that is
 * killed: what it writes follows from its name and the number of the write, so that whoever opens the file can check it.
 */
import { systemClock } from '../../../host/clock.ts';
import { openState, writeNumbered } from '../state-writes.ts';

const { FILE = '', WRITER = '', COUNT = 'Infinity', FIRST = '0' } = process.env;
const store = await openState(FILE, systemClock);
process.send?.({ ready: 1 });
let slowestMs = 0;
for (let number = Number(FIRST); number < Number(COUNT); number++) {
  const startMs = performance.now();
  await writeNumbered(store, WRITER, number);
  slowestMs = Math.max(slowestMs, performance.now() - startMs);
  // A write to SQLite never leaves the microtasks: without a pause nothing would get out of this process.
  await new Promise((resolve) => process.send?.({ acknowledged: number }, resolve));
}
await store.close();
process.send?.({ done: Math.ceil(slowestMs) });
process.disconnect();
