import type { Codec } from './codec/codec.ts';
import type { Context } from './context.ts';
import { CodecError } from './errors.ts';
import type { Message } from './message.ts';
import { isPromise } from './promise.ts';
import { type Route, type RouteLike, toRoute } from './route.ts';
import type { Worker } from './worker.ts';

/** A route together with what its recipient accepts and answers: sending it anything else is a compile error. */
export interface Destination<Request, Reply> {
  readonly route: Route;
  // Properties, not methods: a method's parameters may be narrowed, and a wrong message would pass.
  readonly encodeRequest: (value: Request) => Uint8Array;
  /** @throws {CodecError} for an answer that is not of this protocol */
  readonly decodeReply: (payload: Uint8Array) => Reply;
}

/**
 * What a worker accepts and what it answers, as codecs.
 * @typeParam SentRequest what a sender gives, where that differs from what the worker gets: a schema may fill in defaults
 * @typeParam SentReply what the worker gives, where that differs from what the sender gets
 */
export interface Protocol<Request, Reply, SentRequest = Request, SentReply = Reply> {
  readonly request: Codec<Request, SentRequest>;
  readonly reply: Codec<Reply, SentReply>;
  /** The recipient of this route, or the worker at this address, speaks this protocol. */
  at(route: RouteLike): Destination<SentRequest, Reply>;
  /**
   * A worker from a typed handler: what it returns is the answer; `undefined` answers nothing. A request that the codec
   * refuses never reaches the handler: it becomes a dead letter `refused`, whose cause names the path of the fault. It is
   * no failure of the worker, or a stranger could stop it.
   */
  worker(handle: (request: Request, context: Context, message: Message) => MaybeSoon<SentReply | undefined>): Worker;
}

type MaybeSoon<Value> = Value | Promise<Value>;

/** Names what is spoken at an address: `protocol({ request: msgpack(schema), reply: text })`. */
export function protocol<Request, Reply, SentRequest = Request, SentReply = Reply>(codecs: {
  readonly request: Codec<Request, SentRequest>;
  readonly reply: Codec<Reply, SentReply>;
}): Protocol<Request, Reply, SentRequest, SentReply> {
  const { request, reply } = codecs;
  return {
    request,
    reply,
    at: (route) => ({
      route: toRoute(route),
      encodeRequest: (value) => request.encode(value),
      decodeReply: (payload) => reply.decode(payload),
    }),
    worker: (handle) => ({
      onMessage: (message, context) => {
        let value: Request;
        try {
          value = request.decode(message.payload);
        } catch (thrown) {
          if (!(thrown instanceof CodecError)) throw thrown;
          return context.giveUp(message, 'refused', thrown);
        }
        const answer = (given: SentReply | undefined) => {
          if (given !== undefined) context.reply(message, reply.encode(given));
        };
        const given = handle(value, context, message);
        return isPromise(given) ? given.then(answer) : answer(given);
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
