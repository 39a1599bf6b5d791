import { decodeCbor, encodeCbor } from '../runtime/codec/cbor.ts';
import { IdentityError } from './errors.ts';
import { RecordReader } from './record.ts';

/** What a signature speaks of. The number stands inside the signed bytes, so that one record never passes as another. */
export const DATA_TYPES = {
  change: 1,
  purposeKeyAttestation: 2,
  credential: 3,
  /** Our own, far from what an original may come to use: docs/protocol.md, Authority. */
  revocation: 0x50,
} as const;

const VERSION = 1;

/** Accepted lead of a peer's clock over ours on creation times. Source: identity.md 3.3, reliability.md 2.3 */
export const CLOCK_DRIFT_SECONDS_MAX = 60;

/** Wraps an encoded record in the envelope that is hashed and signed. Source: identity.md 2.1, VersionedData */
export function encodeSignedData(type: keyof typeof DATA_TYPES, record: Uint8Array): Uint8Array {
  return encodeCbor([VERSION, DATA_TYPES[type], record]);
}

/** The envelope taken apart, before anything of it is believed. @throws {CodecError} */
export interface SignedData {
  readonly version: number;
  readonly type: number;
  readonly record: Uint8Array;
}

/** @throws {CodecError} */
export function decodeSignedData(data: Uint8Array): SignedData {
  const fields = new RecordReader('Signed data', decodeCbor(data));
  return { version: fields.u8(), type: fields.u8(), record: fields.bytes() };
}

/** @throws {IdentityError} `RECORD_VERSION`, `RECORD_TYPE` */
export function checkSignedData(signed: SignedData, type: keyof typeof DATA_TYPES): void {
  if (signed.version !== VERSION) throw new IdentityError('RECORD_VERSION', `Signed data of version ${signed.version} is unknown.`);
  if (signed.type !== DATA_TYPES[type])
    throw new IdentityError('RECORD_TYPE', `This was signed as type ${signed.type} and cannot stand for type ${DATA_TYPES[type]}.`);
}
