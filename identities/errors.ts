import { PosternError } from '../runtime/errors.ts';

/** A key or a primitive that was used wrongly, or a ciphertext that does not open. Nothing was changed. */
export class VaultError extends PosternError<
  'KEY_NOT_FOUND' | 'KEY_KIND' | 'INVALID_SECRET' | 'INVALID_PUBLIC_KEY' | 'INVALID_NONCE' | 'DECRYPTION_FAILED'
> {}
