import { decodeCbor, encodeCbor } from '../runtime/codec/cbor.ts';
import { CodecError } from '../runtime/errors.ts';
import { equalBytes } from './bytes.ts';
import type { ChangeHistory } from './change-history.ts';
import type { CryptoProvider } from './crypto.ts';
import { isSmallOrderX25519 } from './curve25519.ts';
import { IdentityError } from './errors.ts';
import { identifierBytes, identifierOf, type Identifier } from './identifier.ts';
import { readChoice, RecordReader } from './record.ts';
import { kindItem, readSignature, readVerifyingKey, verifySignature, type Signature, type VerifyingKey } from './signature.ts';
import { checkSignedData, CLOCK_DRIFT_SECONDS_MAX, decodeSignedData, encodeSignedData, type SignedData } from './signed-data.ts';
import type { Vault } from './vault.ts';

/** How long a purpose key holds by default: 5 times 365 days, never longer than its identity's window. Source: identity.md 3.2 */
export const PURPOSE_KEY_LIFE_SECONDS = 157_680_000;

/** What a key is for, and the key: 32 bytes for channels, a verifying key for credentials. */
export type PurposeKey =
  | { readonly purpose: 'secure-channel'; readonly publicKey: Uint8Array }
  | { readonly purpose: 'credentials'; readonly publicKey: VerifyingKey };

export type Purpose = PurposeKey['purpose'];

/** An identity's statement that a key is its own, taken apart but not yet believed. */
export interface PurposeKeyAttestation {
  readonly subject: Identifier;
  /** The change under which it was made, 32 bytes. */
  readonly latestChangeHash: Uint8Array;
  readonly key: PurposeKey;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** Seconds since 1970; holds until the end of that second. */
  readonly expiresAt: number;
  /** The signed bytes, exactly as they came. */
  readonly data: Uint8Array;
  readonly signature: Signature;
  readonly envelope: SignedData;
}

/** @throws {CodecError} bytes that are no attestation, bytes after it */
export function decodePurposeKeyAttestation(bytes: Uint8Array): PurposeKeyAttestation {
  return readPurposeKeyAttestation(decodeCbor(bytes));
}

/** As `decodePurposeKeyAttestation`, for one that was decoded as part of something larger. */
export function readPurposeKeyAttestation(item: unknown): PurposeKeyAttestation {
  const fields = new RecordReader('A purpose key attestation', item);
  const data = fields.bytes();
  const signature = readSignature(fields.item());
  const envelope = decodeSignedData(data);
  const record = new RecordReader('Purpose key attestation data', decodeCbor(envelope.record));
  return {
    subject: identifierOf(record.bytes(32)),
    latestChangeHash: record.bytes(32),
    key: readPurposeKey(record.item()),
    createdAt: record.seconds(),
    expiresAt: record.seconds(),
    data,
    signature,
    envelope,
  };
}

export function encodePurposeKeyAttestation(attestation: PurposeKeyAttestation): Uint8Array {
  return encodeCbor(purposeKeyAttestationItem(attestation));
}

/** The attestation as a value for `encodeCbor`, to stand inside a larger record. */
export function purposeKeyAttestationItem({ data, signature }: PurposeKeyAttestation): unknown {
  return [data, kindItem(signature)];
}

/**
 * States that a key belongs to an identity, from now on and for as long as asked, cut at the end of the identity's window:
 * an attestation that outlives it is refused by everyone.
 * @throws {VaultError} `KEY_NOT_FOUND` when the vault lacks the identity's present key
 * Source: identity.md 3.1, 3.2
 */
export async function attestPurposeKey(
  crypto: CryptoProvider,
  vault: Vault,
  subject: ChangeHistory,
  key: PurposeKey,
  nowSeconds: number,
  lifeSeconds = PURPOSE_KEY_LIFE_SECONDS,
): Promise<PurposeKeyAttestation> {
  const { hash, primaryKey, attestationsValidUntil } = subject.latest;
  const expiresAt = Math.min(nowSeconds + lifeSeconds, attestationsValidUntil);
  const record = [identifierBytes(subject.identifier), hash, purposeKeyItem(key), nowSeconds, expiresAt];
  const data = encodeSignedData('purposeKeyAttestation', encodeCbor(record));
  const signature = await vault.sign(primaryKey, crypto.sha256(data));
  return readPurposeKeyAttestation([data, kindItem(signature)]);
}

/**
 * Believes an attestation or throws.
 * @param subject the stored history of `attestation.subject`; undefined when there is none
 * @param expectedSubject refuse any other identity
 * @throws {IdentityError} `RECORD_VERSION`, `RECORD_TYPE`, `HISTORY_UNKNOWN`, `PURPOSE_KEY_INVALID`, `PURPOSE_KEY_EXPIRED`, `PURPOSE_KEY_NOT_YET_VALID`
 * @throws {VaultError} `KEY_KIND` a signature of another kind than its key
 * Source: identity.md 3.3, in its order
 */
export function verifyPurposeKeyAttestation(
  crypto: CryptoProvider,
  attestation: PurposeKeyAttestation,
  subject: ChangeHistory | undefined,
  nowSeconds: number,
  expectedSubject?: Identifier,
): void {
  const { createdAt, expiresAt, key } = attestation;
  checkSignedData(attestation.envelope, 'purposeKeyAttestation');
  if (expectedSubject !== undefined && attestation.subject !== expectedSubject)
    throw invalid(`The purpose key is one of ${attestation.subject}, not of ${expectedSubject}.`);
  if (subject?.identifier !== attestation.subject)
    throw new IdentityError('HISTORY_UNKNOWN', `The history of ${attestation.subject} is not known here: import it first.`);
  const { latest } = subject;
  if (!equalBytes(attestation.latestChangeHash, latest.hash)) throw invalid('The purpose key was made under another key of its identity.');
  if (expiresAt > latest.attestationsValidUntil) throw invalid('The purpose key outlives the window of its identity.');
  if (createdAt < latest.attestationsValidFrom) throw invalid('The purpose key is older than the window of its identity.');
  if (createdAt > nowSeconds + CLOCK_DRIFT_SECONDS_MAX)
    throw new IdentityError(
      'PURPOSE_KEY_NOT_YET_VALID',
      `The purpose key was made ${createdAt - nowSeconds} s ahead of the clock of this machine: compare both clocks.`,
    );
  if (expiresAt < nowSeconds)
    throw new IdentityError(
      'PURPOSE_KEY_EXPIRED',
      `The purpose key expired ${nowSeconds - expiresAt} s ago by the clock of this machine: make a new one, or compare both clocks.`,
    );
  if (expiresAt < createdAt) throw invalid('The purpose key ends before it starts.');
  if (key.purpose === 'secure-channel' && isSmallOrderX25519(key.publicKey)) throw invalid('The channel key is of small order.');
  if (!verifySignature(crypto, latest.primaryKey, crypto.sha256(attestation.data), attestation.signature))
    throw invalid('The purpose key is not signed by its identity.');
}

function purposeKeyItem(key: PurposeKey): unknown {
  return key.purpose === 'secure-channel' ? [0, [key.publicKey]] : [1, [kindItem(key.publicKey)]];
}

function readPurposeKey(item: unknown): PurposeKey {
  const { variant, fields } = readChoice('A purpose key', item);
  if (variant === 0) return { purpose: 'secure-channel', publicKey: fields.bytes(32) };
  if (variant === 1) return { purpose: 'credentials', publicKey: readVerifyingKey(fields.item()) };
  throw new CodecError('CODEC_TYPE', 'This purpose of a key is unknown.');
}

const invalid = (why: string) => new IdentityError('PURPOSE_KEY_INVALID', why);
