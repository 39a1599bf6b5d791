import { CodecError } from '../runtime/errors.ts';
import type { CryptoProvider, SigningKey } from './crypto.ts';
import { VaultError } from './errors.ts';
import { readChoice } from './record.ts';

export type SigningKeyKind = SigningKey['kind'];

/** A public key that signatures are checked with: 32 bytes for Ed25519, 65 for P-256, uncompressed. */
export interface VerifyingKey {
  readonly kind: SigningKeyKind;
  readonly bytes: Uint8Array;
}

/** 64 bytes and the kind of key that made them. Never an identity, a map key or a mark of equality: P-256 has two for each. */
export interface Signature {
  readonly kind: SigningKeyKind;
  readonly bytes: Uint8Array;
}

const KINDS = ['ed25519', 'p256'] as const;
const KEY_BYTES = { ed25519: 32, p256: 65 } as const;
const SIGNATURE_BYTES = 64;

/** The choice that stands for a key or a signature on the wire. Source: identity.md 0.3 */
export function kindItem({ kind, bytes }: VerifyingKey | Signature): unknown {
  return [KINDS.indexOf(kind), [bytes]];
}

/** @throws {CodecError} `CODEC_TYPE` for another variant or length */
export function readVerifyingKey(item: unknown): VerifyingKey {
  const { variant, fields } = readChoice('A public key', item);
  const kind = KINDS[variant];
  if (kind === undefined) throw new CodecError('CODEC_TYPE', 'This kind of public key is unknown.');
  return { kind, bytes: fields.bytes(KEY_BYTES[kind]) };
}

/** @throws {CodecError} `CODEC_TYPE` for another variant or length */
export function readSignature(item: unknown): Signature {
  const signature = readOptionalSignature(item);
  if (signature === undefined) throw new CodecError('CODEC_TYPE', 'This kind of signature is unknown.');
  return signature;
}

/** As `readSignature`, but absence and unknown variants read as undefined. Source: identity.md 0.1, rule D5 */
export function readOptionalSignature(item: unknown): Signature | undefined {
  if (item === undefined) return undefined;
  const { variant, fields } = readChoice('A signature', item);
  const kind = KINDS[variant];
  return kind === undefined ? undefined : { kind, bytes: fields.bytes(SIGNATURE_BYTES) };
}

/**
 * @returns false for a signature that does not hold, whatever the reason
 * @throws {VaultError} `KEY_KIND` when key and signature are of different kinds
 */
export function verifySignature(crypto: CryptoProvider, key: VerifyingKey, data: Uint8Array, signature: Signature): boolean {
  if (key.kind !== signature.kind) throw new VaultError('KEY_KIND', 'The signature is of another kind than the key.');
  return key.kind === 'ed25519'
    ? crypto.verifyEd25519(key.bytes, data, signature.bytes)
    : crypto.verifyP256(key.bytes, data, signature.bytes);
}
