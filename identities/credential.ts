import { concat } from '../runtime/codec/bare.ts';
import { decodeCbor, encodeCbor } from '../runtime/codec/cbor.ts';
import { encodeAttributes, readAttributes, type Attributes, type SkippedAttribute } from './attributes.ts';
import type { ChangeHistory } from './change-history.ts';
import type { CryptoProvider } from './crypto.ts';
import { CredentialError, IdentityError } from './errors.ts';
import { identifierBytes, identifierOf, type Identifier } from './identifier.ts';
import {
  purposeKeyAttestationItem,
  readPurposeKeyAttestation,
  verifyPurposeKeyAttestation,
  type PurposeKeyAttestation,
} from './purpose-key.ts';
import { RecordReader } from './record.ts';
import { kindItem, readSignature, verifySignature, type Signature } from './signature.ts';
import { checkSignedData, CLOCK_DRIFT_SECONDS_MAX, decodeSignedData, encodeSignedData, type SignedData } from './signed-data.ts';
import type { Vault } from './vault.ts';

/** The number that says "project member"; nobody checks it. Source: identity.md 4.1 */
export const PROJECT_MEMBER_SCHEMA = 1;

/** A signed statement of attributes, with the attestation of the key that signed it; taken apart but not yet believed. */
export interface Credential {
  readonly subject: Identifier | undefined;
  /** Attributes that policies may see. */
  readonly attributes: Attributes;
  readonly skipped: readonly SkippedAttribute[];
  /** As bigint only beyond 2^53-1. */
  readonly schema: number | bigint;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** Seconds since 1970; verifies until the end of that second. */
  readonly expiresAt: number;
  /** The issuer is the subject of this attestation. */
  readonly issuerKey: PurposeKeyAttestation;
  /** The signed bytes, exactly as they came. */
  readonly data: Uint8Array;
  readonly signature: Signature;
  readonly envelope: SignedData;
}

/** A credential that holds. */
export interface VerifiedCredential extends Credential {
  readonly subject: Identifier;
  readonly issuer: Identifier;
}

/**
 * @throws {CodecError} bytes that are no credential with its key, bytes after it
 * @throws {CredentialError} `ATTRIBUTE_DUPLICATE`, `ATTRIBUTE_LIMIT`
 */
export function decodeCredential(bytes: Uint8Array): Credential {
  return readCredential(decodeCbor(bytes));
}

function readCredential(item: unknown): Credential {
  const pair = new RecordReader('A credential with its purpose key', item);
  const fields = new RecordReader('A credential', pair.item());
  const issuerKey = readPurposeKeyAttestation(pair.item());
  const data = fields.bytes();
  const signature = readSignature(fields.item());
  const envelope = decodeSignedData(data);
  const record = new RecordReader('Credential data', decodeCbor(envelope.record));
  const subject = record.optionalBytes(32);
  record.optionalBytes(32); // subject_latest_change_hash: the statement is about the identity, which outlives its keys
  const attributes = new RecordReader('Attributes', record.item());
  return {
    subject: subject === undefined ? undefined : identifierOf(subject),
    schema: attributes.u64(),
    ...readAttributes(attributes.item()),
    createdAt: record.seconds(),
    expiresAt: record.seconds(),
    issuerKey,
    data,
    signature,
    envelope,
  };
}

/** CredentialAndPurposeKey, the form in which credentials travel. */
export function encodeCredential(credential: Credential): Uint8Array {
  const { data, signature, issuerKey } = credential;
  return encodeCbor([[data, kindItem(signature)], purposeKeyAttestationItem(issuerKey)]);
}

/** What a new credential says; times in seconds since 1970. */
export interface CredentialTerms {
  readonly attributes: Attributes;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly schema?: number;
}

/**
 * Signs attributes of a subject.
 * @param issuerKey an attested credentials key whose secret is in the vault
 * @param subject its history where it is known: the credential then names its latest change, which nobody compares
 * @throws {CredentialError} `ATTRIBUTE_RESERVED`, `ATTRIBUTE_LIMIT`
 * @throws {IdentityError} `PURPOSE_KEY_PURPOSE`
 * Source: identity.md 4.1, 4.2
 */
export async function signCredential(
  crypto: CryptoProvider,
  vault: Vault,
  issuerKey: PurposeKeyAttestation,
  subject: Pick<ChangeHistory, 'identifier'> & Partial<Pick<ChangeHistory, 'latest'>>,
  terms: CredentialTerms,
): Promise<Credential> {
  const record = concat(
    Uint8Array.of(0x85),
    encodeCbor(identifierBytes(subject.identifier)),
    encodeCbor(subject.latest?.hash ?? null),
    Uint8Array.of(0x82),
    encodeCbor(terms.schema ?? PROJECT_MEMBER_SCHEMA),
    encodeAttributes(terms.attributes),
    encodeCbor(terms.createdAt),
    encodeCbor(terms.expiresAt),
  );
  const data = encodeSignedData('credential', record);
  const signature = await vault.sign(credentialsKey(issuerKey), crypto.sha256(data));
  return readCredential([[data, kindItem(signature)], purposeKeyAttestationItem(issuerKey)]);
}

/**
 * Believes a credential or throws.
 * @param issuer the stored history of the issuer; undefined when there is none
 * @param authorities the issuers that count
 * @param expectedSubject refuse a credential of anyone else
 * @throws {IdentityError} as `verifyPurposeKeyAttestation`; `PURPOSE_KEY_PURPOSE`; `RECORD_VERSION`, `RECORD_TYPE`
 * @throws {CredentialError} `CREDENTIAL_AUTHORITY`, `CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`, `CREDENTIAL_NOT_YET_VALID`
 * Source: identity.md 4.3, in its order
 */
export function verifyCredential(
  crypto: CryptoProvider,
  credential: Credential,
  issuer: ChangeHistory | undefined,
  authorities: readonly Identifier[],
  nowSeconds: number,
  expectedSubject?: Identifier,
): VerifiedCredential {
  const { issuerKey, subject, createdAt, expiresAt } = credential;
  verifyPurposeKeyAttestation(crypto, issuerKey, issuer, nowSeconds);
  if (!authorities.includes(issuerKey.subject))
    throw new CredentialError('CREDENTIAL_AUTHORITY', `${issuerKey.subject} is not an authority here.`);
  if (!verifySignature(crypto, credentialsKey(issuerKey), crypto.sha256(credential.data), credential.signature))
    throw invalid('The credential is not signed by the purpose key it came with.');
  checkSignedData(credential.envelope, 'credential');
  if (subject === undefined) throw invalid('The credential names no subject.');
  if (expectedSubject !== undefined && subject !== expectedSubject)
    throw invalid(`The credential was issued to ${subject}, not to ${expectedSubject}.`);
  if (createdAt < issuerKey.createdAt) throw invalid('The credential is older than the key that signed it.');
  if (expiresAt > issuerKey.expiresAt) throw invalid('The credential outlives the key that signed it.');
  if (createdAt > nowSeconds + CLOCK_DRIFT_SECONDS_MAX)
    throw new CredentialError(
      'CREDENTIAL_NOT_YET_VALID',
      `The credential was issued ${createdAt - nowSeconds} s ahead of the clock of this machine: compare both clocks.`,
    );
  if (expiresAt < nowSeconds)
    throw new CredentialError(
      'CREDENTIAL_EXPIRED',
      `The credential expired ${nowSeconds - expiresAt} s ago by the clock of this machine: get a new one, or compare both clocks.`,
    );
  if (expiresAt < createdAt) throw invalid('The credential ends before it starts.');
  return { ...credential, subject, issuer: issuerKey.subject };
}

function credentialsKey({ key }: PurposeKeyAttestation) {
  if (key.purpose !== 'credentials') throw new IdentityError('PURPOSE_KEY_PURPOSE', 'A channel key does not sign credentials.');
  return key.publicKey;
}

const invalid = (why: string) => new CredentialError('CREDENTIAL_INVALID', why);
