import type { Message } from '../../runtime/message.ts';
import type { Node } from '../../runtime/node.ts';
import { CodecError, RuntimeError } from '../../runtime/errors.ts';
import type { RouteLike } from '../../runtime/route.ts';
import {
  type ApiResponse,
  decodeErrorBody,
  decodeResponse,
  encodeRequest,
  type ErrorBody,
  type Method,
  newId,
  STATUS_NAMES,
} from './api-message.ts';
import { ApiError } from './errors.ts';

/** How long a client waits for an answer. Source: authority.md 1.4 */
export const ANSWER_TIMEOUT_MS = 30_000;

export interface ApiCallOptions {
  readonly method: Method;
  readonly path: string;
  /** One encoded CBOR item; none by default. */
  readonly body?: Uint8Array | undefined;
  /** 30 s by default. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks a service for a body. Each request has a return address of its own, so that a late answer to an earlier one is never
 * taken for its own.
 * @param to the service, through a secure channel
 * @param decode reads the body; a `CodecError` of it counts as an answer that is none
 * @throws {ApiError} `API_REFUSED`, `API_TIMEOUT`, `API_ANSWER`
 * @throws {RuntimeError} `REQUEST_ABORTED`, `NODE_STOPPED`
 * Source: authority.md 1.3, 1.4
 */
export async function ask<Body>(node: Node, to: RouteLike, call: ApiCallOptions, decode: (body: Uint8Array) => Body): Promise<Body> {
  const { body } = await exchange(node, to, call);
  if (body === undefined) throw new ApiError('API_ANSWER', 'The service answered Ok but gave no body: it may be of another version.');
  return read(() => decode(body));
}

/** Asks a service to do something, and awaits that it did. @throws as `ask` */
export async function tell(node: Node, to: RouteLike, call: ApiCallOptions): Promise<void> {
  await exchange(node, to, call);
}

async function exchange(node: Node, to: RouteLike, call: ApiCallOptions): Promise<ApiResponse> {
  const { method, path, body, timeoutMs = ANSWER_TIMEOUT_MS, signal } = call;
  const id = newId(node.random);
  let message: Message;
  try {
    message = await node.request(to, encodeRequest({ id, path, method, body }), { timeoutMs, ...(signal && { signal }) });
  } catch (cause) {
    if (!(cause instanceof RuntimeError && cause.code === 'REQUEST_TIMEOUT')) throw cause;
    throw new ApiError(
      'API_TIMEOUT',
      `Nobody answered ${method} ${path} within ${timeoutMs} ms: a service that is not there, or does not understand the request, says nothing.`,
      { cause },
    );
  }
  const answer = read(() => decodeResponse(message.payload));
  // 0 stands for a request that was not read; only a refusal may say so.
  const isOurs = answer.re === id || (answer.re === 0 && answer.status !== 200);
  if (!isOurs) throw new ApiError('API_ANSWER', 'The answer is one to another request.');
  if (answer.status !== 200) throw refusedBy(answer);
  return answer;
}

function read<Value>(decode: () => Value): Value {
  try {
    return decode();
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause;
    throw new ApiError('API_ANSWER', 'The answer cannot be read: the service speaks another version, or something else.', { cause });
  }
}

function refusedBy({ status, body }: ApiResponse): ApiError {
  if (status === undefined) return new ApiError('API_ANSWER', 'No status code found in response.');
  const error: ErrorBody = body === undefined ? {} : read(() => decodeErrorBody(body));
  const said = error.message === undefined ? '' : ` Message: ${error.message}`;
  const text = `An error occurred while processing the request. Status code: ${status} ${STATUS_NAMES[status]}.${said}`;
  return new ApiError('API_REFUSED', text, { refusal: { status, error } });
}
