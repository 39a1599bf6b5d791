import { parseHex } from '../../identities/bytes.ts';
import { identifierBytes, identifierOf, type Identifier } from '../../identities/identifier.ts';
import { RecordReader } from '../../identities/record.ts';
import { decodeCbor, encodeCbor } from '../../runtime/codec/cbor.ts';
import { CodecError } from '../../runtime/errors.ts';
import { hex } from '../../runtime/random.ts';
import { ANSWER_BYTES_MAX } from '../api/api-message.ts';
import { encodedArray, encodedFields, FieldReader } from '../api/fields.ts';
import { readIdentifier } from './bodies.ts';
import type { Revocation, Revoked } from './revocations.ts';

/** In the order of their numbers on the wire, from 1. Our own: docs/protocol.md, Authority */
const KINDS = ['subject', 'issuer', 'credential'] as const;

/** What is signed as type `revocation`. */
export function encodeRevocation({ number, revoked, notAfter, keptUntil }: Revocation): Uint8Array {
  return encodeCbor([number, kindNumber(revoked), targetBytes(revoked), notAfter, keptUntil]);
}

/** @returns undefined for a kind that a later version may know. @throws {CodecError} */
export function decodeRevocation(record: Uint8Array): Revocation | undefined {
  const fields = new RecordReader('A revocation', decodeCbor(record));
  const number = fields.seconds(); // Any number up to 2^53-1.
  const revoked = revokedOf(fields.u8(), fields.bytes(32));
  return revoked && { number, revoked, notAfter: fields.seconds(), keptUntil: fields.seconds() };
}

/** What a node asks when it wants to hear of revocations. */
export interface RevocationsRequest {
  /** It has applied, and keeps, all up to this number: so it acknowledges them. */
  readonly after: number;
  /** How long the answer may wait for a new one; 0 for not at all. */
  readonly waitMs: number;
}

export function encodeRevocationsRequest({ after, waitMs }: RevocationsRequest): Uint8Array {
  return encodedFields({ 1: encodeCbor(after), 2: encodeCbor(waitMs) });
}

/** @throws {CodecError} */
export function decodeRevocationsRequest(body: Uint8Array): RevocationsRequest {
  const fields = new FieldReader('A request for revocations', decodeCbor(body));
  return { after: fields.number(1), waitMs: fields.optionalNumber(2) ?? 0 };
}

export interface RevocationsAnswer {
  /** Each with its key, as `Identity.signStatement` gave it; by ascending number. */
  readonly statements: readonly Uint8Array[];
  /** With these, all up to this number are known. Below what was asked for when the authority has lost its numbers. */
  readonly upTo: number;
  /** Whether there are more beyond `upTo`: ask again at once. */
  readonly hasMore: boolean;
}

export function encodeRevocationsAnswer({ statements, upTo, hasMore }: RevocationsAnswer): Uint8Array {
  return encodedFields({ 1: encodedArray(statements.map((each) => encodeCbor(each))), 2: encodeCbor(upTo), 3: encodeCbor(hasMore) });
}

/** @throws {CodecError} */
export function decodeRevocationsAnswer(body: Uint8Array): RevocationsAnswer {
  const fields = new FieldReader('Revocations', decodeCbor(body, ANSWER_BYTES_MAX));
  const statements = fields.array(1).map((each) => {
    if (!(each instanceof Uint8Array)) throw new CodecError('CODEC_TYPE', 'A statement stands in a byte string.');
    return each;
  });
  return { statements, upTo: fields.number(2), hasMore: fields.boolean(3) };
}

export function encodeRevoked(revoked: Revoked): Uint8Array {
  return encodedFields({ 1: encodeCbor(kindNumber(revoked)), 2: encodeCbor(targetBytes(revoked)) });
}

/** @throws {CodecError} */
export function decodeRevoked(body: Uint8Array): Revoked {
  const fields = new FieldReader('What is revoked', decodeCbor(body));
  const revoked = revokedOf(fields.number(1), fields.bytes(2, 32));
  if (revoked === undefined) throw new CodecError('CODEC_TYPE', 'Nothing of this kind can be revoked.');
  return revoked;
}

/** A node that is connected and has not said yet that it has applied a statement. */
export interface WaitingNode {
  readonly node: Identifier;
  /** Seconds since 1970, when it was heard last. */
  readonly heardAt: number;
}

/** How far a revocation has come. */
export interface Receipt {
  readonly number: number;
  readonly revoked: Revoked;
  /** Credentials that were created at or before this second are void. Seconds since 1970. */
  readonly notAfter: number;
  /** Nodes that have applied it; by ascending identifier, as the others. */
  readonly acknowledged: readonly Identifier[];
  /** Nodes that are connected and have not. Those that are not connected are in neither list. */
  readonly waiting: readonly WaitingNode[];
}

export function encodeReceipt({ number, revoked, notAfter, acknowledged, waiting }: Receipt): Uint8Array {
  return encodedFields({
    1: encodeCbor(number),
    2: encodeRevoked(revoked),
    3: encodeCbor(notAfter),
    4: encodedArray(acknowledged.map((node) => encodeCbor(identifierBytes(node)))),
    5: encodedArray(waiting.map(({ node, heardAt }) => encodedFields({ 1: encodeCbor(identifierBytes(node)), 2: encodeCbor(heardAt) }))),
  });
}

/** @throws {CodecError} */
export function decodeReceipt(body: Uint8Array): Receipt {
  return readReceipt(decodeCbor(body, ANSWER_BYTES_MAX));
}

/** As `decodeReceipt`, for what was decoded as part of something larger. @throws {CodecError} */
export function readReceipt(item: unknown): Receipt {
  const fields = new FieldReader('A receipt', item);
  const target = new FieldReader('What is revoked', fields.map(2));
  const revoked = revokedOf(target.number(1), target.bytes(2, 32));
  if (revoked === undefined) throw new CodecError('CODEC_TYPE', 'A receipt is of something that can be revoked.');
  return {
    number: fields.number(1),
    revoked,
    notAfter: fields.number(3),
    acknowledged: fields.array(4).map(readIdentifier),
    waiting: fields.array(5).map((each) => {
      const waiting = new FieldReader('A node', each);
      return { node: identifierOf(waiting.bytes(1, 32)), heardAt: waiting.number(2) };
    }),
  };
}

function kindNumber({ kind }: Revoked): number {
  return KINDS.indexOf(kind) + 1;
}

function targetBytes(revoked: Revoked): Uint8Array {
  if (revoked.kind !== 'credential') return identifierBytes(revoked.identifier);
  const hash = parseHex(revoked.hash);
  if (hash?.length !== 32) throw new CodecError('CODEC_TYPE', 'A credential is named by 32 bytes.');
  return hash;
}

function revokedOf(kindNumber: number, target: Uint8Array): Revoked | undefined {
  const kind = KINDS[kindNumber - 1];
  switch (kind) {
    case 'subject':
    case 'issuer':
      return { kind, identifier: identifierOf(target) };
    case 'credential':
      return { kind, hash: hex(target) };
    case undefined:
      return undefined;
  }
}
