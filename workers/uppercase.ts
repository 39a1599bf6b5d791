import { text } from '../runtime/codec/codec.ts';
import type { Worker } from '../runtime/worker.ts';

/** Answers a BARE string with the same in upper case; what is no BARE string gets no answer. Source: routing.md 6.2. */
export const uppercase: Worker = {
  onMessage: (message, context) => context.reply(message, text.encode(text.decode(message.payload).toUpperCase())),
};
