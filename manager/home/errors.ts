import { PosternError } from '../../runtime/errors.ts';

/** A name in a home that is taken, used by others, unknown, or not a name; nothing was changed. */
export class HomeError extends PosternError<
  'NAME_INVALID' | 'VAULT_TAKEN' | 'VAULT_UNKNOWN' | 'VAULT_NEEDED' | 'VAULT_IN_USE' | 'VAULT_FILE' | 'IDENTITY_UNKNOWN' | 'IDENTITY_IN_USE'
> {}
