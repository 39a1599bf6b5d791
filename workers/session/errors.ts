import { PosternError } from '../../runtime/errors.ts';

/** Why an attempt of a session failed, or why what it held up came down, where nothing more precise is known. */
export class SessionError extends PosternError<
  'ATTEMPT_TIMEOUT' | 'ATTEMPT_ABANDONED' | 'PEER_SILENT' | 'SESSION_LOST' | 'SESSION_EFFECT'
> {}
