import { CodecError } from '../errors.ts';
import { Route, routeEnd } from '../route.ts';
import { cborHeadBytes, headEnd, readCborHead, writeCborHead } from './cbor-head.ts';
import { skipCborItem } from './cbor-walk.ts';
import { smallBytes } from './small-bytes.ts';
import { checkUtf8 } from './utf8.ts';

/** What passes between two nodes. The routes and the payload are views of the frame they came in. */
export interface Envelope {
  /** Empty in a heartbeat. */
  readonly onward: Route;
  readonly returnRoute: Route;
  readonly payload: Uint8Array;
}

const ARRAY = 0x80;
const BYTE_STRING = 0x40;
const TEXT = 0x60;
const NULL = 0xf6;
const FIELD_COUNT = 3;

/**
 * Reads the body of a frame: `[onward, return, payload, tracing?, …]`, a definite array of three or more. The whole body is
 * walked and checked; no address is decoded and no byte copied, so the bytes must not change while the envelope is in use.
 * How long a route may be is the business of whoever delivers it: a message is refused for that, not a connection.
 * The tracing text must be null or UTF-8 and is dropped; what follows it must be well formed and is dropped too.
 * @throws {CodecError} for anything else: a connection that sent it cannot be trusted with the next frame
 * Source: routing.md 3.2; decisions.md B1
 */
export function decodeEnvelope(body: Uint8Array): Envelope {
  const count = readCborHead(body, 0, ARRAY, 'An envelope is an array.');
  if (count < FIELD_COUNT) throw new CodecError('CODEC_TYPE', 'An envelope is an array of at least three.');
  const onward = Route.read(body, headEnd, Infinity);
  const returnRoute = Route.read(body, routeEnd, Infinity);
  const payloadBytes = readCborHead(body, routeEnd, BYTE_STRING, 'The payload is a byte string.');
  const payloadEnd = headEnd + payloadBytes;
  if (payloadEnd > body.length) throw new CodecError('CODEC_TRUNCATED', 'The payload ends before its last byte.');
  const payload = body.subarray(payloadEnd - payloadBytes, payloadEnd);
  const end = count === FIELD_COUNT ? payloadEnd : skipTracingAndExtras(body, payloadEnd, count - FIELD_COUNT);
  if (end !== body.length) throw new CodecError('CODEC_TRAILING', 'Bytes follow the envelope.');
  return { onward, returnRoute, payload };
}

function skipTracingAndExtras(body: Uint8Array, position: number, count: number): number {
  let at = body[position] === NULL ? position + 1 : skipTracing(body, position);
  for (let extra = 1; extra < count; extra++) at = skipCborItem(body, at);
  return at;
}

function skipTracing(body: Uint8Array, position: number): number {
  const textBytes = readCborHead(body, position, TEXT, 'The tracing context is text or null.');
  const end = headEnd + textBytes;
  if (end > body.length) throw new CodecError('CODEC_TRUNCATED', 'The tracing context ends before its last byte.');
  checkUtf8(body, end - textBytes, end);
  return end;
}

/**
 * Everything of an envelope of three that comes before the bytes of its payload: write this, then the payload.
 * The bytes are for sending at once: they share their memory with other heads, which are never overwritten.
 * @param headroom so many bytes stay free at the front, for the length that a transport puts there
 * Source: routing.md 3.2
 */
export function encodeEnvelopeHead(onward: Route, returnRoute: Route, payloadBytes: number, headroom = 0): Uint8Array {
  const head = smallBytes(headroom + 1 + onward.encodedBytes + returnRoute.encodedBytes + cborHeadBytes(payloadBytes));
  head[headroom] = ARRAY | FIELD_COUNT;
  writeCborHead(head, returnRoute.write(head, onward.write(head, headroom + 1)), BYTE_STRING, payloadBytes);
  return head;
}
