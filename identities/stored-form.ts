import { decodeCbor } from '../runtime/codec/cbor.ts';
import { encodeAttributes, readAttributes, type Attributes } from './attributes.ts';
import { exportChangeHistory, importChangeHistory, type ChangeHistory } from './change-history.ts';
import type { CryptoProvider } from './crypto.ts';
import type { Identifier } from './identifier.ts';
import { decodePurposeKeyAttestation, encodePurposeKeyAttestation, type PurposeKeyAttestation } from './purpose-key.ts';
import { applyHistoryRule, type HistoryRule } from './repository.ts';
import { Secret, type SecretKind } from './secret.ts';

/**
 * What a store has to know of identities: the bytes of each value, and the rule for histories. A store keeps rows and is
 * handed this, so that formats and rules stay here.
 */
export interface IdentityForms {
  historyBytes(history: ChangeHistory): Uint8Array;
  /** Verifies it again, so that a damaged row is no history. @throws {PosternError} */
  history(bytes: Uint8Array, expected: Identifier): ChangeHistory;
  historyRule(received: ChangeHistory, known: ChangeHistory | undefined, rule: HistoryRule): 'stored' | 'updated' | 'unchanged';
  attestationBytes(attestation: PurposeKeyAttestation): Uint8Array;
  /** @throws {CodecError} */
  attestation(bytes: Uint8Array): PurposeKeyAttestation;
  attributesBytes(attributes: Attributes): Uint8Array;
  /** @throws {PosternError} */
  attributes(bytes: Uint8Array): Attributes;
  /** @throws {VaultError} `INVALID_SECRET` */
  secret(kind: SecretKind, bytes: Uint8Array): Secret;
}

export function identityForms(crypto: CryptoProvider): IdentityForms {
  return {
    historyBytes: exportChangeHistory,
    history: (bytes, expected) => importChangeHistory(crypto, bytes, expected),
    historyRule: applyHistoryRule,
    attestationBytes: encodePurposeKeyAttestation,
    attestation: decodePurposeKeyAttestation,
    attributesBytes: encodeAttributes,
    attributes: (bytes) => readAttributes(decodeCbor(bytes)).attributes,
    secret: (kind, bytes) => new Secret(kind, bytes),
  };
}
