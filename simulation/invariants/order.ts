import type { Invariant, MessageEvent } from '../trace.ts';
import { invariant } from './invariant.ts';

interface Sent {
  readonly at: number;
  readonly message: number;
}

/** On each node, what one worker sends to one address is handled in the order in which it was sent. */
export const orderPerSender: Invariant = invariant('order per sender and receiver', ['message'], ({ events }) => {
  const waiting = new Map<number, Sent>();
  const lastHandled = new Map<string, Sent>();
  for (const [at, event] of events.entries()) {
    if (event.kind !== 'message') continue;
    const { message, what } = event;
    if (what === 'sent') waiting.set(message, { at, message });
    const sent = waiting.get(message);
    if (what === 'sent' || sent === undefined) continue;
    waiting.delete(message);
    if (what === 'dead') continue;
    const pair = pairOf(event);
    const before = lastHandled.get(pair);
    if (before !== undefined && sent.at < before.at) {
      const { source, destination, node } = event;
      const text = `message ${message} from ${source} to ${destination} on ${node} was handled after message ${before.message}, which was sent later.`;
      return { text, at };
    }
    lastHandled.set(pair, sent);
  }
  return undefined;
});

const pairOf = ({ node, life, source, destination }: MessageEvent) => JSON.stringify([node, life, source, destination]);
