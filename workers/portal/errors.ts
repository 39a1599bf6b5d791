import { PosternError } from '../../runtime/errors.ts';

/** A portal that could not be opened, or a stream that one of its ends had to give up. */
export class PortalError extends PosternError<'PORTAL_MESSAGE'> {}
