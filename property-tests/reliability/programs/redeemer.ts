/** One of several processes of an authority: for each ticket it is told of, all its contenders redeem it at once, and it tells how each fared. */
import type { Identifier } from '../../../identities/identifier.ts';
import { Refusal } from '../../../workers/api/errors.ts';
import { authorityOver, openPlace } from '../authority-processes.ts';

const { PLACE = '' } = process.env;
const { enrollment } = await authorityOver(await openPlace(PLACE));

process.on('message', ({ code, contenders }: { code: string; contenders: string }) => {
  for (const contender of contenders.split(',')) void redeem(contender, code);
});
process.send?.({ ready: 1 });

async function redeem(contender: string, code: string): Promise<void> {
  // A write to SQLite never leaves the microtasks: without a turn between them nobody could be interrupted.
  await new Promise(setImmediate);
  process.send?.({ contender, outcome: await outcomeOf(contender as Identifier, code) });
}

async function outcomeOf(contender: Identifier, code: string): Promise<string> {
  try {
    await enrollment.redeem(contender, Buffer.from(code, 'hex'));
    return 'won';
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.message : String(thrown);
  }
}
