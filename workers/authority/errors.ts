import { PosternError } from '../../runtime/errors.ts';

/** An authority that cannot be started as wished; nothing was changed. */
export class AuthorityError extends PosternError<'AUTHORITY_SETTING'> {}
