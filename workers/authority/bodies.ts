import type { Attributes } from '../../identities/attributes.ts';
import { identifierBytes, identifierOf, type Identifier } from '../../identities/identifier.ts';
import { decodeCbor, encodeCbor } from '../../runtime/codec/cbor.ts';
import { CodecError } from '../../runtime/errors.ts';
import { ANSWER_BYTES_MAX } from '../api/api-message.ts';
import { encodedArray, encodedFields, encodedMap, FieldReader } from '../api/fields.ts';
import { encodeNumberAttributes, encodeTextAttributes, readNumberAttributes, readTextAttributes } from './attribute-bodies.ts';
import type { Member } from './members.ts';
import type { Token } from './tokens.ts';

/** Source: authority.md 3.1 */
export interface AddMember {
  readonly member: Identifier;
  readonly attributes: Attributes;
}

export function encodeAddMember({ member, attributes }: AddMember): Uint8Array {
  return encodedFields({ 1: encodeCbor(identifierBytes(member)), 2: encodeTextAttributes(attributes) });
}

/** @throws {CodecError} */
export function decodeAddMember(body: Uint8Array): AddMember {
  const fields = new FieldReader('AddMember', decodeCbor(body));
  return { member: identifierOf(fields.bytes(1, 32)), attributes: readTextAttributes(fields.map(2)) };
}

/** What is told of a member. Source: authority.md 3.1 */
export interface AttributesEntry {
  readonly attributes: Attributes;
  /** Seconds since 1970. */
  readonly addedAt: number;
  /** Never there in answers about members. */
  readonly expiresAt?: number | undefined;
  /** Who added the member. */
  readonly attestedBy?: Identifier | undefined;
}

export function encodeAttributesEntry({ attributes, addedAt, expiresAt, attestedBy }: AttributesEntry): Uint8Array {
  return encodedFields({
    1: encodeNumberAttributes(attributes),
    2: encodeCbor(addedAt),
    3: expiresAt === undefined ? undefined : encodeCbor(expiresAt),
    4: attestedBy && encodeCbor(identifierBytes(attestedBy)),
  });
}

/** @throws {CodecError} */
export function decodeAttributesEntry(body: Uint8Array): AttributesEntry {
  return readAttributesEntry(decodeCbor(body));
}

export function entryOf({ attributes, addedAt, addedBy }: Member): AttributesEntry {
  return { attributes, addedAt, attestedBy: addedBy };
}

export function encodeMemberList(members: readonly Member[]): Uint8Array {
  return encodedMap(members.map((member) => [encodeCbor(identifierBytes(member.identifier)), encodeAttributesEntry(entryOf(member))]));
}

/** In the order of the answer, which means nothing. @throws {CodecError} */
export function decodeMemberList(body: Uint8Array): ReadonlyMap<Identifier, AttributesEntry> {
  const item = decodeCbor(body, ANSWER_BYTES_MAX);
  if (!(item instanceof Map)) throw new CodecError('CODEC_TYPE', 'A list of members should be a map.');
  return new Map([...(item as Map<unknown, unknown>)].map(([id, entry]) => [readIdentifier(id), readAttributesEntry(entry)]));
}

export function encodeIdentifiers(identifiers: readonly Identifier[]): Uint8Array {
  return encodedArray(identifiers.map((identifier) => encodeCbor(identifierBytes(identifier))));
}

/** @throws {CodecError} */
export function decodeIdentifiers(body: Uint8Array): readonly Identifier[] {
  const item = decodeCbor(body, ANSWER_BYTES_MAX);
  if (!Array.isArray(item)) throw new CodecError('CODEC_TYPE', 'A list of identifiers should be an array.');
  return item.map(readIdentifier);
}

/** Source: authority.md 3.2 */
export interface CreateToken {
  readonly attributes: Attributes;
  /** 600 when absent. */
  readonly lifeSeconds?: number | undefined;
  /** 1 when absent. */
  readonly useCount?: number | undefined;
}

export function encodeCreateToken({ attributes, lifeSeconds, useCount }: CreateToken): Uint8Array {
  return encodedFields({
    1: encodeTextAttributes(attributes),
    2: lifeSeconds === undefined ? undefined : encodeCbor(lifeSeconds),
    3: useCount === undefined ? undefined : encodeCbor(useCount),
  });
}

/** @throws {CodecError} also for numbers beyond 2^53-1, which are beyond every limit */
export function decodeCreateToken(body: Uint8Array): CreateToken {
  const fields = new FieldReader('CreateToken', decodeCbor(body));
  return { attributes: readTextAttributes(fields.map(1)), lifeSeconds: fields.optionalNumber(2), useCount: fields.optionalNumber(3) };
}

/** How many bytes a one-time code has. */
export const CODE_BYTES = 32;

/** @param code 32 bytes */
export function encodeOneTimeCode(code: Uint8Array): Uint8Array {
  return encodedFields({ 1: encodeCbor(code) });
}

/** @returns 32 bytes. @throws {CodecError} */
export function decodeOneTimeCode(body: Uint8Array): Uint8Array {
  return new FieldReader('OneTimeCode', decodeCbor(body)).bytes(1, CODE_BYTES);
}

/** An open code as lists tell it: everything but the code. Our own: docs/protocol.md, Authority */
export type ToldToken = Omit<Token, 'codeHash'>;

export function encodeTokenList(tokens: readonly ToldToken[]): Uint8Array {
  return encodedArray(
    tokens.map(({ reference, issuedBy, createdAt, expiresAt, usesLeft, attributes }) =>
      encodedFields({
        1: encodeCbor(reference),
        2: encodeCbor(identifierBytes(issuedBy)),
        3: encodeCbor(createdAt),
        4: encodeCbor(expiresAt),
        5: encodeCbor(usesLeft),
        6: encodeTextAttributes(attributes),
      }),
    ),
  );
}

/** @throws {CodecError} */
export function decodeTokenList(body: Uint8Array): readonly ToldToken[] {
  const item = decodeCbor(body, ANSWER_BYTES_MAX);
  if (!Array.isArray(item)) throw new CodecError('CODEC_TYPE', 'A list of codes should be an array.');
  return item.map((each) => {
    const fields = new FieldReader('A code', each);
    return {
      reference: fields.text(1),
      issuedBy: identifierOf(fields.bytes(2, 32)),
      createdAt: fields.number(3),
      expiresAt: fields.number(4),
      usesLeft: fields.number(5),
      attributes: readTextAttributes(fields.map(6)),
    };
  });
}

function readAttributesEntry(item: unknown): AttributesEntry {
  const fields = new FieldReader('AttributesEntry', item);
  const attestedBy = fields.optionalBytes(4, 32);
  return {
    attributes: readNumberAttributes(fields.map(1)),
    addedAt: fields.number(2),
    expiresAt: fields.optionalNumber(3),
    attestedBy: attestedBy && identifierOf(attestedBy),
  };
}

/** @throws {CodecError} unless it is 32 bytes */
export function readIdentifier(item: unknown): Identifier {
  if (!(item instanceof Uint8Array) || item.length !== 32) throw new CodecError('CODEC_TYPE', 'An identifier is 32 bytes.');
  return identifierOf(item);
}
