/** Writes to the state of a home in several lives, with a mark on the record of its file calls for each write that was acknowledged. */
import { systemClock } from '../../../host/clock.ts';
import { order } from '../file-calls.ts';
import { openState, writeNumbered } from '../state-writes.ts';

const { FILE = '', LIVES = '', WRITES = '' } = process.env;
let number = 0;
for (let life = 0; life < Number(LIVES); life++) {
  const store = await openState(FILE, systemClock);
  for (const end = number + Number(WRITES); number < end; number++) {
    await writeNumbered(store, 'w', number);
    order('mark/acknowledged');
  }
  await store.close();
}
process.send?.({ done: number });
process.disconnect();
