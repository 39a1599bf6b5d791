import type { Codec } from './codec/codec.ts';
import type { Context } from './context.ts';
import type { Message } from './message.ts';
import { type Route, type RouteLike, toRoute } from './route.ts';
import type { Worker } from './worker.ts';

/** A route together with what its recipient accepts and answers: sending it anything else is a compile error. */
export interface Destination<Request, Reply> {
  readonly route: Route;
  encodeRequest(value: Request): Uint8Array;
  /** @throws {CodecError} for an answer that is not of this protocol */
  decodeReply(payload: Uint8Array): Reply;
}

/** What a worker accepts and what it answers, as codecs. */
export interface Protocol<Request, Reply> {
  readonly request: Codec<Request>;
  readonly reply: Codec<Reply>;
  /** The recipient of this route speaks this protocol. */
  at(route: RouteLike): Destination<Request, Reply>;
  /**
   * A worker from a typed handler: what it returns is the answer; `undefined` answers nothing. A request that the codec
   * refuses never reaches the handler: it counts as the worker's failure, with the path of the fault.
   */
  worker(handle: (request: Request, context: Context, message: Message) => Reply | undefined | Promise<Reply | undefined>): Worker;
}

/** Names what is spoken at an address: `protocol({ request: msgpack(schema), reply: text })`. */
export function protocol<Request, Reply>(codecs: { request: Codec<Request>; reply: Codec<Reply> }): Protocol<Request, Reply> {
  return {
    ...codecs,
    at: (route) => ({
      route: toRoute(route),
      encodeRequest: (value) => codecs.request.encode(value),
      decodeReply: (payload) => codecs.reply.decode(payload),
    }),
    worker: (handle) => ({
      onMessage: (message, context) => {
        const answer = handle(codecs.request.decode(message.payload), context, message);
        const reply = (value: Reply | undefined) => {
          if (value !== undefined) context.reply(message, codecs.reply.encode(value));
        };
        return answer instanceof Promise ? answer.then(reply) : reply(answer);
      },
    }),
  };
}

/** Where a message goes and the bytes it carries: a typed destination encodes its value, a plain route takes bytes as they are. */
export function encodeFor(
  to: RouteLike | Destination<never, unknown>,
  value: unknown,
): { onward: Route; content: Uint8Array | readonly Uint8Array[] } {
  if (isDestination(to)) return { onward: to.route, content: to.encodeRequest(value as never) };
  return { onward: toRoute(to), content: value as Uint8Array | readonly Uint8Array[] };
}

export function isDestination(to: unknown): to is Destination<never, unknown> {
  return typeof to === 'object' && to !== null && 'encodeRequest' in to;
}
