import { BareReader, bareData, concat } from '../../runtime/codec/bare.ts';
import { skipCborItem } from '../../runtime/codec/cbor-walk.ts';
import { decodeCbor, encodeCbor } from '../../runtime/codec/cbor.ts';
import { CodecError } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import { encodedFields, FieldReader } from './fields.ts';

/** In the order of their numbers on the wire. */
export const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const;
export type Method = (typeof METHODS)[number];

/** No other number exists: a reader of the original loses its place after one. Source: authority.md 1.1, 1.5 */
export const STATUS_NAMES = {
  200: 'Ok',
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'Timeout',
  409: 'Conflict',
  500: 'InternalServerError',
  501: 'NotImplemented',
} as const;
export type Status = keyof typeof STATUS_NAMES;

/** Requests are small: 64 attributes of 2 KiB. Our own bound. */
export const REQUEST_BYTES_MAX = 256 * 1024;
/** As large as a frame may ever be: a list of members is one message. Source: decisions.md B2 */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export interface ApiRequest {
  /** From 1 to 2^32-1. */
  readonly id: number;
  readonly path: string;
  readonly method: Method | undefined;
  /** One CBOR item; undefined for none. Its form is checked by whoever decodes it. */
  readonly body: Uint8Array | undefined;
}

export interface ApiResponse {
  readonly id: number;
  /** The id of the request; 0 if it was not read. */
  readonly re: number;
  readonly status: Status | undefined;
  readonly body: Uint8Array | undefined;
}

/** What is said beside a status that is not Ok. */
export interface ErrorBody {
  readonly path?: string | undefined;
  readonly method?: Method | undefined;
  readonly message?: string | undefined;
  readonly cause?: ErrorBody | undefined;
}

/** A new id: one more than a random number of 32 bits, so never 0. Source: authority.md 1.1 */
export function newId(random: Random): number {
  const bytes = random.bytes(4);
  return Math.min(new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) + 1, ID_MAX);
}

/** The payload of a request. Source: authority.md 1.1 */
export function encodeRequest({ id, path, method, body }: ApiRequest): Uint8Array {
  const header = encodedFields({ 1: encodeCbor(id), 2: encodeCbor(path), 3: methodItem(method), 4: encodeCbor(body !== undefined) });
  return bareData(concat(header, body ?? NOTHING));
}

/** @throws {CodecError} bytes that are no request, bytes after it, more than 256 KiB */
export function decodeRequest(payload: Uint8Array): ApiRequest {
  const { fields, rest } = split('A request header', payload, REQUEST_BYTES_MAX);
  fields.boolean(4); // A body is read whatever it says.
  return {
    id: fields.number(1, ID_MAX),
    path: fields.text(2),
    method: readMethod(fields, 3),
    body: rest.length === 0 ? undefined : rest,
  };
}

/** The payload of a response. */
export function encodeResponse({ id, re, status, body }: ApiResponse): Uint8Array {
  const header = encodedFields({
    1: encodeCbor(id),
    2: encodeCbor(re),
    3: status === undefined ? undefined : encodeCbor(status),
    4: encodeCbor(body !== undefined),
  });
  return bareData(concat(header, body ?? NOTHING));
}

/** @throws {CodecError} bytes that are no response, bytes after it, more than 16 MiB */
export function decodeResponse(payload: Uint8Array): ApiResponse {
  const { fields, rest } = split('A response header', payload, ANSWER_BYTES_MAX);
  const status = fields.optionalNumber(3);
  if (status !== undefined && !(status in STATUS_NAMES)) throw new CodecError('CODEC_TYPE', `There is no status ${status}.`);
  const hasBody = fields.boolean(4);
  return {
    id: fields.number(1, ID_MAX),
    re: fields.number(2, ID_MAX),
    status: status as Status | undefined,
    body: hasBody && rest.length > 0 ? rest : undefined,
  };
}

export function encodeErrorBody({ path, method, message, cause }: ErrorBody): Uint8Array {
  return encodedFields({
    1: path === undefined ? undefined : encodeCbor(path),
    2: methodItem(method),
    3: message === undefined ? undefined : encodeCbor(message),
    4: cause && encodeErrorBody(cause),
  });
}

/** Reads the record, or a text in its place. @throws {CodecError} */
export function decodeErrorBody(body: Uint8Array): ErrorBody {
  const item = decodeCbor(body);
  return typeof item === 'string' ? { message: item } : readErrorBody(item);
}

/** Pieces of a path: leading `/` are stripped, and the last of at most `max` keeps the rest. Source: authority.md 1.5 */
export function segmentsOf(path: string, max = SEGMENTS_MAX): string[] {
  const pieces = path.replace(/^\/+/, '').split('/');
  return pieces.length <= max ? pieces : [...pieces.slice(0, max - 1), pieces.slice(max - 1).join('/')];
}

const SEGMENTS_MAX = 5;
const ID_MAX = 0xffff_ffff;
const NOTHING = new Uint8Array(0);

function methodItem(method: Method | undefined): Uint8Array | undefined {
  return method === undefined ? undefined : encodeCbor(METHODS.indexOf(method));
}

function readMethod(fields: FieldReader, key: number): Method | undefined {
  const index = fields.optionalNumber(key, METHODS.length - 1);
  return index === undefined ? undefined : METHODS[index];
}

// Its depth is that of the CBOR it was decoded from, so at most 32.
function readErrorBody(item: unknown): ErrorBody {
  const fields = new FieldReader('An error', item);
  const cause = fields.optional(4);
  return {
    path: fields.optionalText(1),
    method: readMethod(fields, 2),
    message: fields.optionalText(3),
    cause: cause === undefined ? undefined : readErrorBody(cause),
  };
}

/** Takes the length off and the header apart; what follows the header is the body. */
function split(name: string, payload: Uint8Array, bytesMax: number): { fields: FieldReader; rest: Uint8Array } {
  if (payload.length > bytesMax) throw new CodecError('CODEC_LIMIT', `This has ${payload.length} bytes; at most ${bytesMax} are allowed.`);
  const reader = new BareReader(payload);
  const bytes = reader.data();
  if (reader.remaining > 0) throw new CodecError('CODEC_TRAILING', `Bytes follow the message.`);
  const headerEnd = skipCborItem(bytes, 0);
  return { fields: new FieldReader(name, decodeCbor(bytes.subarray(0, headerEnd))), rest: bytes.subarray(headerEnd) };
}
