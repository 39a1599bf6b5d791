import type { Invariant, MessageEvent, Trace, TraceEvent } from '../trace.ts';
import { type Broken, invariant, unseen } from './invariant.ts';

/** `sent` is the sum of `handled`, `dead`, `lost` and `waiting`. */
export interface MessageSums {
  readonly sent: number;
  readonly handled: number;
  /** Dead letters that had been in a mailbox. */
  readonly dead: number;
  /** In a mailbox when their node crashed or stopped. */
  readonly lost: number;
  /** In a mailbox when the trace ends. */
  readonly waiting: number;
  /** Dead letters that found no mailbox. */
  readonly undeliverable: number;
}

/** What became of the messages of a run, in numbers. */
export function messageSums(trace: Trace): MessageSums {
  const { sums, waiting } = follow(trace.events);
  return { ...sums, waiting: waiting.size };
}

/**
 * Every message that was sent ends once: handled, as a dead letter with a reason, or lost with its node. None ends twice,
 * nothing is handled that was not sent, and a node does nothing after its end. So the sums balance.
 */
export const everyMessageEnds: Invariant = invariant('every message ends once', ['message', 'node'], (trace) => {
  const { broken, waiting } = follow(trace.events);
  const hidden = broken ?? unseen(trace, ['message', 'node']);
  const [first] = waiting;
  if (hidden !== undefined || first === undefined) return hidden;
  const [message, { at, event }] = first;
  return { text: `message ${message} to ${event.destination} on ${event.node} was sent and never ends; ${waiting.size} such in all.`, at };
});

interface Pending {
  readonly at: number;
  readonly event: MessageEvent;
}

/** Follows every message to its end, or to the first thing that cannot be. */
function follow(events: readonly TraceEvent[]) {
  const sums = { sent: 0, handled: 0, dead: 0, lost: 0, undeliverable: 0 };
  const waiting = new Map<number, Pending>();
  const ended = new Set<number>();
  const over = new Set<string>();
  let broken: Broken | undefined;

  for (const [at, event] of events.entries()) {
    if (event.kind === 'node' && event.what !== 'started') {
      const life = lifeOf(event);
      over.add(life);
      for (const [message, pending] of waiting) {
        if (lifeOf(pending.event) !== life) continue;
        waiting.delete(message);
        ended.add(message);
        sums.lost += 1;
      }
    } else if (event.kind === 'message') {
      const sent = waiting.get(event.message);
      broken ??= impossible(event, at, { sent: sent?.event, hasEnded: ended.has(event.message), isOver: over.has(lifeOf(event)) });
      if (event.what === 'sent') {
        sums.sent += 1;
        waiting.set(event.message, { at, event });
      } else {
        sums[sent === undefined && event.what === 'dead' ? 'undeliverable' : event.what] += 1;
        waiting.delete(event.message);
        ended.add(event.message);
      }
    }
  }
  return { sums, waiting, broken };
}

interface Known {
  readonly sent: MessageEvent | undefined;
  readonly hasEnded: boolean;
  readonly isOver: boolean;
}

function impossible(event: MessageEvent, at: number, { sent, hasEnded, isOver }: Known): Broken | undefined {
  const { message, node, life, what } = event;
  const wrong = (how: string): Broken => ({ text: `message ${message} ${how}.`, at });
  if (isOver) return wrong(`was ${what} on ${node} in its life ${life}, which was over`);
  if (hasEnded) return wrong(`was ${what} on ${node} after its end`);
  if (what === 'sent') return sent && wrong(`was sent twice, on ${sent.node} and on ${node}`);
  if (what === 'dead' && event.reason === undefined) return wrong(`was lost on ${node} without a cause`);
  if (sent === undefined) return what === 'handled' ? wrong(`was handled on ${node} and never sent`) : undefined;
  return lifeOf(sent) === lifeOf(event) ? undefined : wrong(`was sent on ${sent.node} in its life ${sent.life} and ${what} elsewhere`);
}

const lifeOf = ({ node, life }: { readonly node: string; readonly life: number }) => `${life} ${node}`;
