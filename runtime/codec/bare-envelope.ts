import { Address } from '../address.ts';
import { CodecError } from '../errors.ts';
import { ADDRESS_BYTES_MAX, Route } from '../route.ts';
import { BareReader, bareData, bareVarint, concat } from './bare.ts';
import type { Envelope } from './envelope.ts';

const VERSION = Uint8Array.of(1);
const NO_TRACING = Uint8Array.of(0);

/**
 * Reads one WebSocket message: a version byte, whose value means nothing, two routes, the payload. A tracing context may
 * follow; the original takes an absent, odd or unreadable one for none, so whatever follows the payload is ignored.
 * The payload is a view of the message.
 * @throws {CodecError} Source: routing.md 3.5
 */
export function decodeBareEnvelope(message: Uint8Array): Envelope {
  const reader = new BareReader(message);
  reader.u8();
  return { onward: readRoute(reader), returnRoute: readRoute(reader), payload: reader.data() };
}

/** One WebSocket message: version 1, without tracing. Source: routing.md 3.5 */
export function encodeBareEnvelope(onward: Route, returnRoute: Route, payload: Uint8Array): Uint8Array {
  return concat(VERSION, ...routeChunks(onward), ...routeChunks(returnRoute), bareVarint(payload.length), payload, NO_TRACING);
}

function readRoute(reader: BareReader): Route {
  const count = reader.count();
  // An address has two bytes at least, so a larger claim cannot come true.
  if (count * 2 > reader.remaining) throw new CodecError('CODEC_TRUNCATED', 'A route ends before its last address.');
  const addresses: Address[] = [];
  for (let index = 0; index < count; index++) {
    const type = reader.u8();
    const value = reader.data();
    if (value.length > ADDRESS_BYTES_MAX)
      throw new CodecError('CODEC_LIMIT', `The value of an address has at most ${ADDRESS_BYTES_MAX} bytes.`);
    addresses.push(Address.shared(type, value, 0, value.length));
  }
  return Route.of(addresses);
}

function routeChunks(route: Route): Uint8Array[] {
  const chunks = [bareVarint(route.length)];
  for (const { type, value } of route) chunks.push(Uint8Array.of(type), bareData(value));
  return chunks;
}
