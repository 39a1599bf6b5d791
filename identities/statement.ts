import { decodeCbor, encodeCbor } from '../runtime/codec/cbor.ts';
import type { ChangeHistory } from './change-history.ts';
import type { CryptoProvider } from './crypto.ts';
import { IdentityError } from './errors.ts';
import type { Identifier } from './identifier.ts';
import {
  purposeKeyAttestationItem,
  readPurposeKeyAttestation,
  verifyPurposeKeyAttestation,
  type PurposeKeyAttestation,
} from './purpose-key.ts';
import { RecordReader } from './record.ts';
import { kindItem, readSignature, verifySignature, type Signature } from './signature.ts';
import { checkSignedData, decodeSignedData, encodeSignedData, type SignedData } from './signed-data.ts';
import type { Vault } from './vault.ts';

/** What an authority may state besides credentials. */
export type StatementType = 'revocation';

/** A signed record with the attestation of the key that signed it; taken apart but not yet believed. */
export interface Statement {
  /** Its subject is who states this. */
  readonly issuerKey: PurposeKeyAttestation;
  /** The signed bytes, exactly as they came. */
  readonly data: Uint8Array;
  readonly signature: Signature;
  readonly envelope: SignedData;
}

/** @throws {CodecError} bytes that are no statement with its key, bytes after it */
export function decodeStatement(bytes: Uint8Array): Statement {
  const pair = new RecordReader('A statement with its purpose key', decodeCbor(bytes));
  const fields = new RecordReader('A statement', pair.item());
  const issuerKey = readPurposeKeyAttestation(pair.item());
  const data = fields.bytes();
  return { issuerKey, data, signature: readSignature(fields.item()), envelope: decodeSignedData(data) };
}

/**
 * Signs a record.
 * @param issuerKey an attested credentials key whose secret is in the vault
 * @param record one encoded CBOR item
 * @returns the statement with its purpose key, in the form in which credentials travel
 * @throws {IdentityError} `PURPOSE_KEY_PURPOSE`
 */
export async function signStatement(
  crypto: CryptoProvider,
  vault: Vault,
  issuerKey: PurposeKeyAttestation,
  type: StatementType,
  record: Uint8Array,
): Promise<Uint8Array> {
  const data = encodeSignedData(type, record);
  const signature = await vault.sign(credentialsKey(issuerKey), crypto.sha256(data));
  return encodeCbor([[data, kindItem(signature)], purposeKeyAttestationItem(issuerKey)]);
}

/**
 * Believes a statement or throws.
 * @param history the stored history of the issuer; undefined when there is none
 * @param nowSeconds a clock that is behind is no reason to refuse what takes something away
 * @returns the record that was signed
 * @throws {IdentityError} as `verifyPurposeKeyAttestation`; `PURPOSE_KEY_PURPOSE`; `RECORD_VERSION`, `RECORD_TYPE`; `STATEMENT_INVALID`
 */
export function verifyStatement(
  crypto: CryptoProvider,
  statement: Statement,
  type: StatementType,
  issuer: Identifier,
  history: ChangeHistory | undefined,
  nowSeconds: number,
): Uint8Array {
  const { issuerKey, data, signature, envelope } = statement;
  verifyPurposeKeyAttestation(crypto, issuerKey, history, Math.max(nowSeconds, issuerKey.createdAt), issuer);
  if (!verifySignature(crypto, credentialsKey(issuerKey), crypto.sha256(data), signature))
    throw new IdentityError('STATEMENT_INVALID', 'The statement is not signed by the purpose key it came with.');
  checkSignedData(envelope, type);
  return envelope.record;
}

function credentialsKey({ key }: PurposeKeyAttestation) {
  if (key.purpose !== 'credentials') throw new IdentityError('PURPOSE_KEY_PURPOSE', 'A channel key does not sign statements.');
  return key.publicKey;
}
