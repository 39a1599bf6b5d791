import type { Invariant } from '../trace.ts';
import { invariant } from './invariant.ts';

/** A node that is stopped in order leaves no timer, no stream and no listener. A crash leaves what it likes. */
export const nothingLeft: Invariant = invariant('nothing is left after stop', ['node'], ({ events }) => {
  for (const [at, event] of events.entries()) {
    if (event.kind !== 'node' || event.what !== 'stopped') continue;
    if (event.left === undefined) return { text: `cannot be judged: the trace does not say what ${event.node} left behind.`, at };
    const left = Object.entries(event.left).filter(([, count]) => count !== 0);
    if (left.length > 0) return { text: `${event.node} left behind: ${left.map(([what, count]) => `${count} ${what}`).join(', ')}.`, at };
  }
  return undefined;
});
