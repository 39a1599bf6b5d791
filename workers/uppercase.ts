import { text } from '../runtime/codec/codec.ts';
import { protocol } from '../runtime/protocol.ts';
import type { Worker } from '../runtime/worker.ts';

/** Answers a BARE string with the same in upper case; what is no BARE string gets no answer. Source: routing.md 6.2. */
export const uppercase: Worker = protocol({ request: text, reply: text }).worker((request) => request.toUpperCase());
