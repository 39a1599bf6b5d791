import fc from 'fast-check';
import type { SigningKey } from '../../identities/crypto.ts';
import { nobleCrypto } from '../../identities/noble.ts';
import { kindItem, type SigningKeyKind } from '../../identities/signature.ts';
import { encodeSignedData } from '../../identities/signed-data.ts';
import { encodeCbor } from '../../runtime/codec/cbor.ts';

/** One change of an identity's key. */
export interface ChangePlan {
  readonly keyKind: SigningKeyKind;
  readonly revokesPurposeKeys: boolean;
  /** Seconds since 1970: the key vouches for others from here on, and until there. */
  readonly validFrom: number;
  readonly validUntil: number;
}

/** A history that holds: what was planned, and the bytes that prove it. */
export interface HistoryPlan {
  /** Oldest first; the first one made the identity. */
  readonly changes: readonly ChangePlan[];
  /** As `exportHistory` gives it. */
  readonly bytes: Uint8Array;
  /** The same up to each of the changes: what those hold who have not heard of the later ones. The last is `bytes`. */
  readonly prefixes: readonly Uint8Array[];
  /** Of the key of each change, 32 bytes: to sign as the identity did then, and does now. For tests alone. */
  readonly secrets: readonly Uint8Array[];
}

export interface HistoryOptions {
  /** 4 unless given; a history has at most 64. */
  readonly changesMax?: number;
  /** Of the first change, in seconds since 1970; 1,700,000,000 unless given. */
  readonly firstFrom?: number;
}

const FIRST_FROM = 1_700_000_000;
const DAY_SECONDS = 86_400;

/**
 * Change histories of identities: one change, or several, of keys of both kinds, each signed by its own key and the one before. Times do
 * not go back; windows may be empty. Two histories are of one identity when their first changes and their owners are alike, and then they
 * may be equal, older and newer, or in conflict. Shrinks towards a single Ed25519 key.
 */
export function changeHistories({ changesMax = 4, firstFrom = FIRST_FROM }: HistoryOptions = {}): fc.Arbitrary<HistoryPlan> {
  const change = fc.record({
    keyKind: fc.constantFrom<SigningKeyKind[]>('ed25519', 'p256'),
    revokesPurposeKeys: fc.boolean(),
    afterSeconds: fc.oneof(fc.constantFrom(0, 1, DAY_SECONDS), fc.nat({ max: 400 * DAY_SECONDS })),
    lifeSeconds: fc.oneof(fc.constantFrom(0, DAY_SECONDS), fc.nat({ max: 3_650 * DAY_SECONDS })),
  });
  const owner = fc.nat({ max: 3 });
  return fc.tuple(owner, fc.array(change, { minLength: 1, maxLength: changesMax })).map(([whose, steps]) => {
    let from = firstFrom;
    const changes = steps.map(({ keyKind, revokesPurposeKeys, afterSeconds, lifeSeconds }, index): ChangePlan => {
      if (index > 0) from += afterSeconds;
      return { keyKind, revokesPurposeKeys, validFrom: from, validUntil: from + lifeSeconds };
    });
    return proven(whose, changes);
  });
}

function proven(owner: number, changes: readonly ChangePlan[]): HistoryPlan {
  const secrets = changes.map((_, index) => secretOf(owner, index));
  const items: unknown[] = [];
  const prefixes: Uint8Array[] = [];
  let previous: { readonly key: SigningKey; readonly hash: Uint8Array } | undefined;
  for (const [index, { keyKind, revokesPurposeKeys, validFrom, validUntil }] of changes.entries()) {
    const key = signingKey(keyKind, secrets[index]);
    const record = [previous?.hash ?? null, kindItem({ kind: keyKind, bytes: key.publicKey }), revokesPurposeKeys, validFrom, validUntil];
    const data = encodeSignedData('change', encodeCbor(record));
    const hash = nobleCrypto.sha256(data);
    const signature = (by: SigningKey) => kindItem({ kind: by.kind, bytes: by.sign(hash) });
    items.push(previous === undefined ? [data, signature(key)] : [data, signature(key), signature(previous.key)]);
    prefixes.push(encodeCbor(items));
    previous = { key, hash };
  }
  return { changes, bytes: prefixes.at(-1) ?? encodeCbor(items), prefixes, secrets };
}

/** No two keys of a history are the same. */
function secretOf(owner: number, index: number): Uint8Array {
  return nobleCrypto.sha256(Uint8Array.of(owner, index));
}

function signingKey(kind: SigningKeyKind, secret: Uint8Array = new Uint8Array(32)): SigningKey {
  return kind === 'ed25519' ? nobleCrypto.importEd25519(secret) : nobleCrypto.importP256(secret);
}
