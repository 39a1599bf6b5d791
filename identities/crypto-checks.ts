import { VaultError } from './errors.ts';

/** What both providers check in the same words. */

export const TAG_BYTES = 16;
const NONCE_BYTES = 12;

/** @throws {VaultError} `INVALID_NONCE`: another length would be hashed into a nonce, and such nonces can collide. */
export function checkNonce(nonce: Uint8Array): void {
  if (nonce.length !== NONCE_BYTES) throw new VaultError('INVALID_NONCE', 'An AES-256-GCM nonce is 12 bytes.');
}

/** @throws {VaultError} `INVALID_SECRET` unless there are 32 bytes */
export function checkSecret(secret: Uint8Array): Uint8Array {
  if (secret.length !== 32) throw new VaultError('INVALID_SECRET', 'This kind of secret key is 32 bytes.');
  return secret;
}

/** One text whatever the reason, and no cause: what failed first is nobody's business. */
export const decryptionFailed = () => new VaultError('DECRYPTION_FAILED', 'These bytes do not open with this key and nonce.');

export const smallOrderPeer = () => new VaultError('INVALID_PUBLIC_KEY', 'An X25519 public key is 32 bytes and not of small order.');
