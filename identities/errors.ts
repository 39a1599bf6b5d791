import { PosternError } from '../runtime/errors.ts';

/** A key or a primitive that was used wrongly, or a ciphertext that does not open. Nothing was changed. */
export class VaultError extends PosternError<
  'KEY_NOT_FOUND' | 'KEY_DAMAGED' | 'KEY_KIND' | 'INVALID_SECRET' | 'INVALID_PUBLIC_KEY' | 'INVALID_NONCE' | 'DECRYPTION_FAILED'
> {}

/** An identity, its history or one of its purpose keys that does not hold, or that is not trusted. Nothing was stored. */
export class IdentityError extends PosternError<
  | 'IDENTIFIER_TEXT'
  | 'RECORD_VERSION'
  | 'RECORD_TYPE'
  | 'HISTORY_INVALID'
  | 'HISTORY_TOO_LONG'
  | 'HISTORY_UNKNOWN'
  | 'HISTORY_OLDER'
  | 'HISTORY_CONFLICT'
  | 'SECRET_MISMATCH'
  | 'PURPOSE_KEY_INVALID'
  | 'PURPOSE_KEY_EXPIRED'
  | 'PURPOSE_KEY_NOT_YET_VALID'
  | 'PURPOSE_KEY_PURPOSE'
  | 'PURPOSE_KEY_MISMATCH'
  | 'STATEMENT_INVALID'
  | 'TRUST_REFUSED'
> {}

/** A credential that does not hold, or that cannot be issued as asked. */
export class CredentialError extends PosternError<
  | 'CREDENTIAL_INVALID'
  | 'CREDENTIAL_EXPIRED'
  | 'CREDENTIAL_NOT_YET_VALID'
  | 'CREDENTIAL_REVOKED'
  | 'CREDENTIAL_AUTHORITY'
  | 'ATTRIBUTE_RESERVED'
  | 'ATTRIBUTE_DUPLICATE'
  | 'ATTRIBUTE_LIMIT'
> {}
