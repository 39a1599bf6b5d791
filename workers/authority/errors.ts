import { PosternError } from '../../runtime/errors.ts';

/** An authority that cannot be started as wished; nothing was changed. */
export class AuthorityError extends PosternError<'AUTHORITY_SETTING'> {}

/** A text that is no ticket, or a project that cannot be used; nothing was remembered. The text says what to do next. */
export class TicketError extends PosternError<'TICKET_TEXT' | 'TICKET_PROJECT' | 'PROJECT_INFORMATION' | 'PROJECT_ROUTE'> {}
