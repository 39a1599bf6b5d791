import { concat } from '../../runtime/codec/bare.ts';
import { cborHeadBytes, headEnd, readCborHead, writeCborHead } from '../../runtime/codec/cbor-head.ts';
import { skipCborItem } from '../../runtime/codec/cbor-walk.ts';
import { smallBytes } from '../../runtime/codec/small-bytes.ts';
import { CodecError } from '../../runtime/errors.ts';
import { Route, routeEnd } from '../../runtime/route.ts';

/**
 * What travels inside a frame. Source: identity.md 6.2. Records may be longer than we know them (0.1 D3): what is beyond is
 * walked over. Padding is empty when sent and ignored when received.
 */
export type ChannelMessage = PayloadMessage | RefreshCredentialsMessage | { kind: 'close' };

/** Routes and payload are views of the plaintext. */
export interface PayloadMessage {
  kind: 'payload';
  onward: Route;
  returnRoute: Route;
  payload: Uint8Array;
  /** Empty, but for our own probes: see docs/protocol.md, Channels. */
  padding: Uint8Array;
}

/** Each part is one CBOR item, as it came. */
export interface RefreshCredentialsMessage {
  kind: 'refreshCredentials';
  changeHistory: Uint8Array;
  credentials: readonly Uint8Array[];
}

/** The payload of handshake messages 2 and 3. Each part is one CBOR item, as it came. Source: identity.md 5.4. */
export interface IdentityAndCredentials {
  changeHistory: Uint8Array;
  purposeKeyAttestation: Uint8Array;
  credentials: readonly Uint8Array[];
}

/** Each costs two signatures to check, before its sender is known; the original presents one at most. Our own bound. */
export const CREDENTIALS_MAX = 8;

/** What follows the content of a payload: empty padding. */
export const PAYLOAD_TAIL: Uint8Array = Uint8Array.of(0x40);

const NO_PADDING = new Uint8Array(0);

const ARRAY = 0x80;
const BYTES = 0x40;

/** Padded message of two, choice of two, variant 0, one field, record of three. */
const PAYLOAD_START = Uint8Array.of(0x82, 0x82, 0x00, 0x81, 0x83);

/** What comes before the content of a payload message: `head, payload, PAYLOAD_TAIL` is the whole message, with nothing copied. */
export function encodePayloadHead(onward: Route, returnRoute: Route, payloadBytes: number): Uint8Array {
  const head = smallBytes(PAYLOAD_START.length + onward.encodedBytes + returnRoute.encodedBytes + cborHeadBytes(payloadBytes));
  head.set(PAYLOAD_START);
  const returnStart = onward.write(head, PAYLOAD_START.length);
  writeCborHead(head, returnRoute.write(head, returnStart), BYTES, payloadBytes);
  return head;
}

/** A whole payload message with padding that is not empty. */
export function encodePadded(onward: Route, returnRoute: Route, payload: Uint8Array, padding: Uint8Array): Uint8Array {
  const tail = new Uint8Array(cborHeadBytes(padding.length) + padding.length);
  tail.set(padding, writeCborHead(tail, 0, BYTES, padding.length));
  return concat(encodePayloadHead(onward, returnRoute, payload.length), payload, tail);
}

export function encodeClose(): Uint8Array {
  return Uint8Array.of(0x82, 0x82, 0x02, 0x80, 0x40);
}

/** @param changeHistory, credentials one CBOR item each */
export function encodeRefreshCredentials(changeHistory: Uint8Array, credentials: readonly Uint8Array[]): Uint8Array {
  return concat(Uint8Array.of(0x82, 0x82, 0x01, 0x81, 0x82), changeHistory, arrayHead(credentials.length), ...credentials, PAYLOAD_TAIL);
}

/** @throws {CodecError} for anything but one whole message, over the limits of routes and credentials included */
export function decodeChannelMessage(bytes: Uint8Array): ChannelMessage {
  const reader = new RecordReader(bytes);
  const padded = reader.enter(2);
  const variant = reader.enterChoice();
  const fields = reader.enter(0);
  const message = readVariant(reader, variant, fields);
  const padding = reader.bytes();
  if (message.kind === 'payload' && padding.length > 0) message.padding = padding;
  reader.leave(padded - 2);
  reader.end();
  return message;
}

function readVariant(reader: RecordReader, variant: number, fields: number): ChannelMessage {
  if (variant === 2) {
    reader.leave(fields);
    return { kind: 'close' };
  }
  if (fields < 1) throw new CodecError('CODEC_TYPE', 'This kind of channel message has a content.');
  let message: ChannelMessage;
  switch (variant) {
    case 0: {
      const count = reader.enter(3);
      message = { kind: 'payload', onward: reader.route(), returnRoute: reader.route(), payload: reader.bytes(), padding: NO_PADDING };
      reader.leave(count - 3);
      break;
    }
    case 1: {
      const count = reader.enter(2);
      message = { kind: 'refreshCredentials', changeHistory: reader.item(), credentials: reader.credentials() };
      reader.leave(count - 2);
      break;
    }
    default:
      throw new CodecError('CODEC_TYPE', `There is no channel message of kind ${variant}.`);
  }
  reader.leave(fields - 1);
  return message;
}

/** `credentials` is written even when it is empty. */
export function encodeIdentityAndCredentials(content: IdentityAndCredentials): Uint8Array {
  const { changeHistory, purposeKeyAttestation, credentials } = content;
  return concat(arrayHead(3), changeHistory, purposeKeyAttestation, arrayHead(credentials.length), ...credentials);
}

/**
 * Cuts the record into its parts: none of them is looked into.
 * @throws {CodecError}
 */
export function decodeIdentityAndCredentials(bytes: Uint8Array): IdentityAndCredentials {
  const reader = new RecordReader(bytes);
  const count = reader.enter(3);
  const content = { changeHistory: reader.item(), purposeKeyAttestation: reader.item(), credentials: reader.credentials() };
  reader.leave(count - 3);
  reader.end();
  return content;
}

function arrayHead(count: number): Uint8Array {
  const head = new Uint8Array(cborHeadBytes(count));
  writeCborHead(head, 0, ARRAY, count);
  return head;
}

/** Reads records field by field. Source: identity.md 0.1. */
class RecordReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Enters a record that has this many fields or more. @returns how many it has */
  enter(fieldsMin: number): number {
    const count = readCborHead(this.#bytes, this.#at, ARRAY, 'A record is an array.');
    this.#at = headEnd;
    if (count < fieldsMin) throw new CodecError('CODEC_TYPE', `This record has ${fieldsMin} fields; ${count} came.`);
    return count;
  }

  /** @returns the number of the variant; the record of its fields comes next */
  enterChoice(): number {
    if (this.enter(2) !== 2) throw new CodecError('CODEC_TYPE', 'A choice is an array of two.');
    const variant = readCborHead(this.#bytes, this.#at, 0x00, 'A variant is a number.');
    this.#at = headEnd;
    return variant;
  }

  /** Walks over the fields of a record that we do not know. */
  leave(fieldsLeft: number): void {
    for (let field = 0; field < fieldsLeft; field++) this.item();
  }

  /** @returns the encoded item, a view */
  item(): Uint8Array {
    const start = this.#at;
    this.#at = skipCborItem(this.#bytes, start);
    return this.#bytes.subarray(start, this.#at);
  }

  /** @returns the content of a byte string, a view */
  bytes(): Uint8Array {
    const count = readCborHead(this.#bytes, this.#at, BYTES, 'This field is a byte string.');
    const start = headEnd;
    if (count > this.#bytes.length - start) throw new CodecError('CODEC_TRUNCATED', 'A byte string ends before its last byte.');
    this.#at = start + count;
    return this.#bytes.subarray(start, this.#at);
  }

  route(): Route {
    const route = Route.read(this.#bytes, this.#at);
    this.#at = routeEnd;
    return route;
  }

  credentials(): Uint8Array[] {
    const count = this.enter(0);
    if (count > CREDENTIALS_MAX)
      throw new CodecError('CODEC_LIMIT', `At most ${CREDENTIALS_MAX} credentials are presented; ${count} came.`);
    const credentials: Uint8Array[] = [];
    while (credentials.length < count) credentials.push(this.item());
    return credentials;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new CodecError('CODEC_TRAILING', 'Bytes follow the end of this record.');
  }
}
