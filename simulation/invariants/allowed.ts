import type { Invariant, MessageEvent } from '../trace.ts';
import { invariant } from './invariant.ts';

/**
 * Nothing is handled that access or flow control should have refused.
 * @param isAllowed asked for each message that was handled. Decide by what the scenario knows (who, whereto, whence), not by
 * asking the controls that are under test
 */
export function onlyAllowed(isAllowed: (handled: MessageEvent) => boolean): Invariant {
  return invariant('no delivery that access or flow control forbids', ['message'], ({ events }) => {
    const at = events.findIndex((event) => event.kind === 'message' && event.what === 'handled' && !isAllowed(event));
    const event = events[at];
    if (event?.kind !== 'message') return undefined;
    const { message, source, destination, node, isFromAfar } = event;
    const origin = isFromAfar ? ', from outside' : '';
    return { text: `message ${message} from ${source}${origin} was handled by ${destination} on ${node}, and must not be.`, at };
  });
}
