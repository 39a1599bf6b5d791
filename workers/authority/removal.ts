import type { Identifier } from '../../identities/identifier.ts';
import { decodeCbor, encodeCbor } from '../../runtime/codec/cbor.ts';
import { CodecError } from '../../runtime/errors.ts';
import { ANSWER_BYTES_MAX } from '../api/api-message.ts';
import { encodedArray, encodedFields, FieldReader } from '../api/fields.ts';
import { encodeIdentifiers, readIdentifier } from './bodies.ts';
import { encodeReceipt, readReceipt, type Receipt } from './revocation-bodies.ts';

/** What went with a member. Our own: docs/protocol.md, Authority */
export interface Removal {
  /** False for one that was none. */
  readonly wasMember: boolean;
  /** Codes that the member had issued; they are void. */
  readonly voidedTokens: readonly string[];
  /** Members that it had added; they stay. */
  readonly added: readonly Identifier[];
  /** The number of the statement that its credentials are void; absent when none was issued that could still hold. */
  readonly revocation: number | undefined;
  /** How far that statement had come when this was told. */
  readonly receipt?: Receipt | undefined;
}

export function encodeRemoval({ wasMember, voidedTokens, added, revocation, receipt }: Removal): Uint8Array {
  return encodedFields({
    1: encodeCbor(wasMember),
    2: encodedArray(voidedTokens.map((reference) => encodeCbor(reference))),
    3: encodeIdentifiers(added),
    4: revocation === undefined ? undefined : encodeCbor(revocation),
    5: receipt && encodeReceipt(receipt),
  });
}

/** @throws {CodecError} */
export function decodeRemoval(body: Uint8Array): Removal {
  const fields = new FieldReader('A removal', decodeCbor(body, ANSWER_BYTES_MAX));
  return {
    wasMember: fields.boolean(1),
    voidedTokens: fields.array(2).map((reference) => {
      if (typeof reference !== 'string') throw new CodecError('CODEC_TYPE', 'A reference is a text.');
      return reference;
    }),
    added: fields.array(3).map(readIdentifier),
    revocation: fields.optionalNumber(4),
    receipt: fields.optional(5) === undefined ? undefined : readReceipt(fields.map(5)),
  };
}
