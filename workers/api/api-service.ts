import type { Identifier } from '../../identities/identifier.ts';
import type { Context } from '../../runtime/context.ts';
import { CodecError } from '../../runtime/errors.ts';
import { errorFields } from '../../runtime/logger.ts';
import type { Message } from '../../runtime/message.ts';
import type { Route } from '../../runtime/route.ts';
import type { Worker } from '../../runtime/worker.ts';
import { Refusal } from './errors.ts';
import { peerOf } from '../secure-channel/local-info.ts';
import {
  type ApiRequest,
  decodeRequest,
  encodeErrorBody,
  encodeResponse,
  type Method,
  newId,
  segmentsOf,
  type Status,
} from './api-message.ts';

/** A request as its handler sees it. */
export interface ApiCall {
  /** Who is at the other end of the channel it came by. */
  readonly caller: Identifier;
  /** What stood in the path where the endpoint has `:id`; empty for none. */
  readonly parameter: string;
  /** One CBOR item. @throws {CodecError} `CODEC_TRUNCATED` when there is none */
  readonly body: Uint8Array;
  readonly message: Message;
  readonly context: Context;
}

/** What one method at one path does. */
export interface Endpoint {
  readonly method: Method;
  /** `exact` paths are compared as a whole; in others leading `/` do not count, and `:id` stands for any segment. */
  readonly path: string;
  readonly exact?: boolean;
  /** The next request is handled while the answer of this one waits for something to happen. */
  readonly mayWait?: boolean;
  /**
   * @returns the body of the answer Ok; undefined for none
   * @throws {Refusal} which is answered; a {CodecError} from the body is answered as BadRequest, anything else as InternalServerError
   */
  readonly handle: (call: ApiCall) => Promise<Uint8Array | undefined>;
}

/**
 * A service that answers one request at a time, in order, but for those that may wait. It has to be reached through a secure channel: whoever comes by
 * another way is told so, and nothing else. Where the original answers nothing (bytes that are no request, an identifier that
 * is none), this one answers BadRequest. Source: authority.md 1.5, 2.3
 */
export function apiService(endpoints: readonly Endpoint[]): Worker {
  const delayed = { count: 0 };
  return {
    onMessage(message, context) {
      const caller = peerOf(message);
      const way = message.returnRoute;
      if (way.isEmpty) {
        context.giveUp(message, 'refused');
        return;
      }
      if (caller === undefined) {
        answerError(context, way, undefined, 400, 'secure channel required');
        return;
      }
      let request: ApiRequest;
      try {
        request = decodeRequest(message.payload);
      } catch (thrown) {
        context.node.logger.log('warn', 'api.request.invalid', { peer: caller, ...errorFields(thrown) });
        answerError(context, way, undefined, 400, 'this is no request');
        return;
      }
      const wayBack = way.owned(); // the handler outlives this turn
      const found = find(endpoints, request);
      if (found === undefined) {
        answerError(context, way, request, 400, 'unknown path');
        return;
      }
      const { mayWait = false, handle } = found.endpoint;
      // What answers after its turn begins outside of a handler.
      const enter = (say: () => void) => (mayWait ? context.enter(say) : say());
      const answered = handle({ caller, parameter: found.parameter, body: request.body ?? NO_BODY, message, context })
        .then((body) => enter(() => answer(context, wayBack, request.id, 200, body)))
        .catch((thrown: unknown) => enter(() => fail(context, wayBack, request, caller, thrown, delayed)));
      return mayWait ? undefined : answered;
    },
  };
}

// An empty CBOR item is one that ends before its first byte: decoding it says so.
const NO_BODY = new Uint8Array(0);

function find(endpoints: readonly Endpoint[], { method, path }: ApiRequest): { endpoint: Endpoint; parameter: string } | undefined {
  const asked = segmentsOf(path);
  for (const endpoint of endpoints) {
    if (endpoint.method !== method) continue;
    if (endpoint.exact === true) {
      if (endpoint.path === path) return { endpoint, parameter: '' };
      continue;
    }
    const pattern = segmentsOf(endpoint.path);
    if (pattern.length === asked.length && pattern.every((piece, index) => piece === PARAMETER || piece === asked[index]))
      return { endpoint, parameter: asked[pattern.indexOf(PARAMETER)] ?? '' };
  }
  return undefined;
}

const PARAMETER = ':id';

/** Refusals that wait; whoever causes more is not answered, as where nobody is. Our own bound. */
const DELAYED_MAX = 1_024;

function fail(context: Context, way: Route, request: ApiRequest, caller: Identifier, thrown: unknown, delayed: { count: number }): void {
  if (thrown instanceof Refusal) {
    context.node.logger.log('info', 'api.refused', {
      peer: caller,
      status: thrown.status,
      ...(thrown.cause === undefined ? {} : errorFields(thrown.cause)),
    });
    const refuse = () => {
      answerError(context, way, request, thrown.status, thrown.message);
    };
    if (thrown.delayMs === 0) return refuse();
    if (delayed.count >= DELAYED_MAX) return;
    delayed.count += 1;
    context.setTimer(thrown.delayMs, () => {
      delayed.count -= 1;
      refuse();
    });
    return;
  }
  context.node.logger.log('warn', 'api.failed', { peer: caller, ...errorFields(thrown) });
  if (thrown instanceof CodecError) return answerError(context, way, request, 400, `the body cannot be read: ${thrown.message}`);
  answerError(context, way, request, 500, 'the service failed; its log says why');
}

function answerError(context: Context, way: Route, request: ApiRequest | undefined, status: Status, text: string): void {
  const body = encodeErrorBody({ path: request?.path, method: request?.method, message: text });
  answer(context, way, request?.id ?? 0, status, body);
}

function answer(context: Context, way: Route, re: number, status: Status, body: Uint8Array | undefined): void {
  context.send(way, encodeResponse({ id: newId(context.node.random), re, status, body }));
}
