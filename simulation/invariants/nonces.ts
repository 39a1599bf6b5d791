import type { Invariant } from '../trace.ts';
import { invariant } from './invariant.ts';

/** No key seals twice under one nonce, whoever holds it. Sees what seals through `home.watched(provider)`. Source: reliability.md R-B1 */
export const noNonceTwice: Invariant = invariant('no (key, nonce) twice', ['seal'], ({ events }) => {
  const firstAt = new Map<string, number>();
  for (const [at, event] of events.entries()) {
    if (event.kind !== 'seal') continue;
    const pair = `${event.keyHash} ${event.nonce}`;
    const before = firstAt.get(pair);
    if (before !== undefined) {
      const key = event.keyHash.slice(0, 8);
      return { text: `${event.node} sealed under nonce ${event.nonce} of key ${key}, which event ${before} had used already.`, at };
    }
    firstAt.set(pair, at);
  }
  return undefined;
});
