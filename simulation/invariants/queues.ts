import type { Invariant, MessageEvent } from '../trace.ts';
import { invariant } from './invariant.ts';

/**
 * No address ever has more than so many messages that were sent to it and are neither handled nor dead. The one that is being
 * handled counts.
 * @param countMax for every address, or as a function of the message that is sent to it
 */
export function queuesWithin(countMax: number | ((sent: MessageEvent) => number)): Invariant {
  const maxOf = typeof countMax === 'number' ? () => countMax : countMax;
  return invariant('no queue beyond its bound', ['message'], ({ events }) => {
    const counts = new Map<string, number>();
    const queueOf = new Map<number, string>();
    for (const [at, event] of events.entries()) {
      if (event.kind !== 'message') continue;
      const { node, life, destination, message } = event;
      if (event.what === 'sent') {
        const queue = JSON.stringify([node, life, destination]);
        const count = (counts.get(queue) ?? 0) + 1;
        const max = maxOf(event);
        if (count > max) return { text: `${count} messages wait for ${destination} on ${node}, where at most ${max} may.`, at };
        counts.set(queue, count);
        queueOf.set(message, queue);
        continue;
      }
      const queue = queueOf.get(message);
      if (queue === undefined) continue; // never queued
      queueOf.delete(message);
      counts.set(queue, (counts.get(queue) ?? 1) - 1);
    }
    return undefined;
  });
}
