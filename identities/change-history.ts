import { decodeCbor, encodeCbor } from '../runtime/codec/cbor.ts';
import { equalBytes } from './bytes.ts';
import type { CryptoProvider } from './crypto.ts';
import { IdentityError } from './errors.ts';
import { identifierOf, type Identifier } from './identifier.ts';
import { readArray, RecordReader } from './record.ts';
import {
  kindItem,
  readOptionalSignature,
  readSignature,
  readVerifyingKey,
  verifySignature,
  type Signature,
  type VerifyingKey,
} from './signature.ts';
import { checkSignedData, decodeSignedData, encodeSignedData } from './signed-data.ts';
import type { Vault } from './vault.ts';

/** A longer history is refused before a signature is checked: each change costs two checks. Source: reliability.md 2.3 */
export const HISTORY_CHANGES_MAX = 64;

/** How long a key vouches for others by default: 10 times 365 days. Source: identity.md 2.4 */
export const IDENTITY_LIFE_SECONDS = 315_360_000;

/** One change of the primary key, as it was signed. */
export interface Change {
  /** SHA-256 of `data`, 32 bytes: what both signatures are over. */
  readonly hash: Uint8Array;
  readonly primaryKey: VerifyingKey;
  /** Live channels that rest on older purpose keys are to be closed; see `revokesKeysMadeUnder`. */
  readonly revokesPurposeKeys: boolean;
  /** Seconds since 1970: this key vouches for purpose keys made from here on. */
  readonly attestationsValidFrom: number;
  /** Seconds since 1970: and that end by here. */
  readonly attestationsValidUntil: number;
  /** The signed bytes, exactly as they came. */
  readonly data: Uint8Array;
  readonly signature: Signature;
  readonly previousSignature: Signature | undefined;
}

/**
 * All changes of one identity's key, oldest first. Values of this type have been verified: they come only from
 * `importChangeHistory`, `createChangeHistory` and `rotateChangeHistory`.
 */
export interface ChangeHistory {
  readonly identifier: Identifier;
  readonly changes: readonly Change[];
  readonly latest: Change;
}

/**
 * Decodes and verifies an exported history. The clock plays no part: a history whose window is over still says who is who.
 * @param expected refuse any other identity
 * @throws {CodecError} bytes that are no history, bytes after it
 * @throws {IdentityError} `HISTORY_INVALID`, `HISTORY_TOO_LONG`, `RECORD_VERSION`, `RECORD_TYPE`
 * @throws {VaultError} `KEY_KIND` a signature of another kind than its key
 * Source: identity.md 2.5
 */
export function importChangeHistory(crypto: CryptoProvider, bytes: Uint8Array, expected?: Identifier): ChangeHistory {
  return readChangeHistory(crypto, decodeCbor(bytes), expected);
}

function readChangeHistory(crypto: CryptoProvider, item: unknown, expected?: Identifier): ChangeHistory {
  const items = readArray('A change history', item);
  if (items.length > HISTORY_CHANGES_MAX)
    throw new IdentityError('HISTORY_TOO_LONG', `A history of more than ${HISTORY_CHANGES_MAX} changes is refused.`);
  const changes: Change[] = [];
  for (const entry of items) changes.push(readChange(crypto, entry, changes.at(-1)));
  let previous: Change | undefined;
  for (const change of changes) {
    checkSignatures(crypto, change, previous);
    previous = change;
  }
  const history = historyOf(changes);
  if (expected !== undefined && history.identifier !== expected)
    throw new IdentityError('HISTORY_INVALID', `This is the history of ${history.identifier}, not of ${expected}.`);
  return history;
}

/** The bytes to hand to others; `data` of each change goes out as it came in. Source: identity.md 2.1 */
export function exportChangeHistory(history: ChangeHistory): Uint8Array {
  return encodeCbor(changeHistoryItem(history));
}

function changeHistoryItem({ changes }: ChangeHistory): readonly unknown[] {
  return changes.map(({ data, signature, previousSignature }) =>
    previousSignature === undefined ? [data, kindItem(signature)] : [data, kindItem(signature), kindItem(previousSignature)],
  );
}

/** How a received history relates to the one that is known: one change after another must have the same hash. Source: identity.md 2.6 */
export function compareHistories(received: ChangeHistory, known: ChangeHistory): 'equal' | 'newer' | 'older' | 'conflict' {
  const common = Math.min(received.changes.length, known.changes.length);
  for (let index = 0; index < common; index++) {
    const [left, right] = [received.changes[index], known.changes[index]];
    if (left === undefined || right === undefined || !equalBytes(left.hash, right.hash)) return 'conflict';
  }
  if (received.changes.length === known.changes.length) return 'equal';
  return received.changes.length > known.changes.length ? 'newer' : 'older';
}

/**
 * True when a purpose key attested under change `hash` was revoked since: a later change says so, or the history does not
 * know that change at all. A channel that rests on such a key is to be closed within 60 s.
 */
export function revokesKeysMadeUnder(history: ChangeHistory, hash: Uint8Array): boolean {
  const index = history.changes.findIndex((change) => equalBytes(change.hash, hash));
  return index < 0 || history.changes.slice(index + 1).some((change) => change.revokesPurposeKeys);
}

/** What a new change says, times in seconds since 1970. */
export interface ChangeTerms {
  readonly attestationsValidFrom: number;
  readonly attestationsValidUntil: number;
  readonly revokesPurposeKeys?: boolean;
}

/** The first change of a new identity. @param key a key of the vault. Source: identity.md 2.4 */
export async function createChangeHistory(
  crypto: CryptoProvider,
  vault: Vault,
  key: VerifyingKey,
  terms: ChangeTerms,
): Promise<ChangeHistory> {
  const data = encodeChange(key, terms);
  const signature = await vault.sign(key, crypto.sha256(data));
  return readChangeHistory(crypto, [[data, kindItem(signature)]]);
}

/**
 * Hands the identity over to another key; both keys sign. Attestations made under the old key hold no longer.
 * @param key a key of the vault that is not the present one; the present one must be there too
 * @throws {IdentityError} `HISTORY_TOO_LONG` after 64 changes, `HISTORY_INVALID` for terms that go back in time
 * @throws {VaultError} `KEY_NOT_FOUND`
 * Source: identity.md 2.4
 */
export async function rotateChangeHistory(
  crypto: CryptoProvider,
  vault: Vault,
  history: ChangeHistory,
  key: VerifyingKey,
  terms: ChangeTerms,
): Promise<ChangeHistory> {
  const data = encodeChange(key, terms, history.latest.hash);
  const hash = crypto.sha256(data);
  const signature = await vault.sign(key, hash);
  const previousSignature = await vault.sign(history.latest.primaryKey, hash);
  return readChangeHistory(
    crypto,
    [...changeHistoryItem(history), [data, kindItem(signature), kindItem(previousSignature)]],
    history.identifier,
  );
}

function encodeChange(key: VerifyingKey, terms: ChangeTerms, previous: Uint8Array | null = null): Uint8Array {
  const { attestationsValidFrom, attestationsValidUntil, revokesPurposeKeys = false } = terms;
  const record = [previous, kindItem(key), revokesPurposeKeys, attestationsValidFrom, attestationsValidUntil];
  return encodeSignedData('change', encodeCbor(record));
}

/** The rules that need no signature. Source: identity.md 2.5, step 1 */
function readChange(crypto: CryptoProvider, item: unknown, previous: Change | undefined): Change {
  const fields = new RecordReader('A change', item);
  const data = fields.bytes();
  const signature = readSignature(fields.item());
  const previousSignature = readOptionalSignature(fields.optional());

  const signed = decodeSignedData(data);
  checkSignedData(signed, 'change');
  const record = new RecordReader('Change data', decodeCbor(signed.record));
  const previousHash = record.optionalBytes(32);
  const change: Change = {
    hash: crypto.sha256(data),
    primaryKey: readVerifyingKey(record.item()),
    revokesPurposeKeys: record.boolean(),
    attestationsValidFrom: record.seconds(),
    attestationsValidUntil: record.seconds(),
    data,
    signature,
    previousSignature,
  };

  if (change.attestationsValidUntil < change.attestationsValidFrom) throw invalid('A window ends before it starts.');
  if (previous === undefined) {
    if (previousHash !== undefined) throw invalid('The first change names one before it.');
    return change;
  }
  if (previousHash === undefined || !equalBytes(previousHash, previous.hash)) throw invalid('A change does not follow the one before it.');
  if (change.attestationsValidFrom < previous.attestationsValidFrom) throw invalid('A change is valid from before its predecessor.');
  // With one key the two signatures of a change could be exchanged, and nothing would have been handed over.
  if (equalBytes(change.primaryKey.bytes, previous.primaryKey.bytes)) throw invalid('A change hands over to the same key.');
  return change;
}

/** Source: identity.md 2.5, step 2 */
function checkSignatures(crypto: CryptoProvider, change: Change, previous: Change | undefined): void {
  if (previous !== undefined) {
    if (change.previousSignature === undefined) throw invalid('A change is not signed by the key before it.');
    if (!verifySignature(crypto, previous.primaryKey, change.hash, change.previousSignature))
      throw invalid('A change is not signed by the key before it.');
  }
  if (!verifySignature(crypto, change.primaryKey, change.hash, change.signature)) throw invalid('A change is not signed by its own key.');
}

function historyOf(changes: readonly Change[]): ChangeHistory {
  const [first, latest] = [changes[0], changes.at(-1)];
  if (first === undefined || latest === undefined) throw invalid('A history has at least one change.');
  return { identifier: identifierOf(first.hash), changes, latest };
}

const invalid = (why: string) => new IdentityError('HISTORY_INVALID', why);
