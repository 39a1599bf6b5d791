import type { Worker } from '../runtime/worker.ts';

/** Sends every payload back as it came. Pings of other nodes rely on it being raw bytes. Source: routing.md 6.2. */
export const echo: Worker = {
  onMessage: (message, context) => context.reply(message, message.payloadChunks),
};
