import { expect, test } from 'vitest';
import type { Context } from '../../runtime/context.ts';
import { AfterWrites } from './after-writes.ts';

/** A node that is quiet whenever the test says so. */
function quietNode() {
  let waiting: (() => void)[] = [];
  const context = { whenQuiet: (callback: () => void) => void waiting.push(callback) } as Partial<Context> as Context;
  const quiet = () => {
    const callbacks = waiting;
    waiting = [];
    for (const callback of callbacks) callback();
  };
  return { context, quiet };
}

test('it calls back after what was to be written in that turn, once, and again when it is asked again', () => {
  const { context, quiet } = quietNode();
  const events: string[] = [];
  const after = new AfterWrites(context, () => events.push('called back'));
  for (let turn = 0; turn < 2; turn++) {
    after.ask();
    after.ask();
    context.whenQuiet(() => events.push('written'));
    for (let time = 0; time < 3; time++) quiet();
  }
  expect(events).toEqual(['written', 'called back', 'written', 'called back']);
});
