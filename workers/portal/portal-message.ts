import { BareReader } from '../../runtime/codec/bare.ts';
import { PortalError } from './errors.ts';

/** The first byte of a message. Source: routing.md 4.1. */
const PING = 0x00;
const PONG = 0x01;
const DISCONNECT = 0x02;
const PAYLOAD = 0x03;
/** Our own kinds, which the original ignores. Source: docs/protocol.md, Portals. */
const DATA = 0x10;
const WINDOW = 0x11;
const END = 0x12;
const RESET = 0x13;
const PROBE = 0x14;

/** `PST`: what follows the first byte of our Ping and Pong. Source: docs/protocol.md, Portals. */
const MARK = Uint8Array.of(0x50, 0x53, 0x54);
const VERSION = 1;

/** How much of a stream one message carries at most. Source: routing.md 4.1. */
export const CHUNK_BYTES_MAX = 48 * 1024;

/** Why one end resets a stream; the position is the number on the wire. Source: docs/protocol.md, Portals. */
export const RESET_REASONS = [
  'unspecified',
  'local-reset',
  'target-refused',
  'target-silent',
  'target-unknown',
  'gap',
  'protocol',
  'silence',
  'stopped',
  'limit',
  'slow',
  'unnumbered',
] as const;
export type ResetReason = (typeof RESET_REASONS)[number];

/** What an end says of itself in its Ping or Pong: that it numbers the bytes of a stream. */
export interface Announcement {
  readonly version: number;
  /** One bit each; none is defined yet, and those that are not known mean nothing. */
  readonly capabilities: number;
  /** How many bytes it takes before its first Window message. */
  readonly windowBytes: number;
}

/** One message between the two ends of a stream. Counts and offsets are bytes of one direction from its beginning. */
export type PortalMessage =
  | { readonly kind: 'ping' | 'pong'; readonly announcement: Announcement | undefined }
  | { readonly kind: 'disconnect' }
  /** Data as the original sends it. */
  | { readonly kind: 'payload'; readonly bytes: Uint8Array; readonly counter: number | undefined }
  | { readonly kind: 'data'; readonly offset: number; readonly bytes: Uint8Array }
  /** `received` counts the end of the stream as one more byte. */
  | { readonly kind: 'window'; readonly received: number; readonly limit: number }
  | { readonly kind: 'end'; readonly total: number }
  | { readonly kind: 'reset'; readonly reason: ResetReason }
  | { readonly kind: 'probe'; readonly sent: number }
  | { readonly kind: 'unknown' };

export const encodePing = (windowBytes?: number): Uint8Array => greeting(PING, windowBytes);
export const encodePong = (windowBytes?: number): Uint8Array => greeting(PONG, windowBytes);
export const encodeDisconnect = (): Uint8Array => Uint8Array.of(DISCONNECT);
/** What stands before the bytes of a message to the original. A counter is never written. */
export const encodePayloadHead = (byteCount: number): Uint8Array => numbers(PAYLOAD, byteCount);
/** What stands before the bytes. */
export const encodeDataHead = (offset: number): Uint8Array => numbers(DATA, offset);
export const encodeWindow = (received: number, limit: number): Uint8Array => numbers(WINDOW, received, limit);
export const encodeEnd = (total: number): Uint8Array => numbers(END, total);
export const encodeReset = (reason: ResetReason): Uint8Array => Uint8Array.of(RESET, RESET_REASONS.indexOf(reason));
export const encodeProbe = (sent: number): Uint8Array => numbers(PROBE, sent);

/**
 * Reads one message. Bytes after its last field are ignored; so is what follows a Ping or Pong and does not begin as an
 * announcement does.
 * @returns views of the payload, not copies
 * @throws {CodecError} for a field that is cut off or beyond 2^53-1
 * @throws {PortalError} `PORTAL_MESSAGE` for an empty message or an announcement that is cut off
 * Source: routing.md 4.1; docs/protocol.md, Portals
 */
export function decodePortalMessage(payload: Uint8Array): PortalMessage {
  const [first] = payload;
  if (first === undefined) throw new PortalError('PORTAL_MESSAGE', 'A portal message has at least one byte.');
  const reader = new BareReader(payload, 1);
  switch (first) {
    case PING:
      return { kind: 'ping', announcement: readAnnouncement(reader) };
    case PONG:
      return { kind: 'pong', announcement: readAnnouncement(reader) };
    case DISCONNECT:
      return { kind: 'disconnect' };
    case PAYLOAD:
      return { kind: 'payload', bytes: reader.data(), counter: readCounter(reader) };
    case DATA:
      return { kind: 'data', offset: reader.count(), bytes: reader.take(reader.remaining) };
    case WINDOW:
      return { kind: 'window', received: reader.count(), limit: reader.count() };
    case END:
      return { kind: 'end', total: reader.count() };
    case RESET:
      return { kind: 'reset', reason: RESET_REASONS[reader.u8()] ?? 'unspecified' };
    case PROBE:
      return { kind: 'probe', sent: reader.count() };
    default:
      return { kind: 'unknown' };
  }
}

function greeting(kind: number, windowBytes: number | undefined): Uint8Array {
  if (windowBytes === undefined) return Uint8Array.of(kind);
  const noCapabilities = 0;
  return Uint8Array.of(kind, ...MARK, VERSION, noCapabilities, ...numbers(0, windowBytes).subarray(1));
}

function readAnnouncement(reader: BareReader): Announcement | undefined {
  if (reader.remaining === 0) return undefined;
  const mark = reader.take(Math.min(reader.remaining, MARK.length));
  if (!mark.every((byte, index) => byte === MARK[index])) return undefined;
  // Cut off, it must not pass for a greeting of the original: that stream would go on without numbers.
  if (mark.length < MARK.length) throw new PortalError('PORTAL_MESSAGE', 'The announcement in a Ping or Pong is cut off.');
  const version = reader.u8();
  if (version < VERSION) throw new PortalError('PORTAL_MESSAGE', `There is no portal version ${version}.`);
  return { version, capabilities: reader.count(), windowBytes: reader.count() };
}

/** With fewer than three bytes left, or another flag than 1, there is no counter. */
function readCounter(reader: BareReader): number | undefined {
  if (reader.remaining < 3 || reader.u8() !== 1) return undefined;
  return reader.u8() | (reader.u8() << 8);
}

/** The kind, then each number as a varint: without `bigint` and without a list between, for this stands before every chunk. */
function numbers(kind: number, first: number, second?: number): Uint8Array {
  const bytes = new Uint8Array(1 + varintBytes(first) + (second === undefined ? 0 : varintBytes(second)));
  bytes[0] = kind;
  const end = putVarint(bytes, 1, first);
  if (second !== undefined) putVarint(bytes, end, second);
  return bytes;
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) count += 1;
  return count;
}

/** @returns where it ends */
function putVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at] = rest;
  return at + 1;
}
