import { PosternError } from '../../runtime/errors.ts';
import type { ErrorBody, Status } from './api-message.ts';

/** A request to a service of another node that brought no good answer. */
export class ApiError extends PosternError<'API_REFUSED' | 'API_TIMEOUT' | 'API_ANSWER'> {
  /** What the service answered, when it refused; its texts were chosen by the other node. */
  readonly refusal: { readonly status: Status | undefined; readonly error: ErrorBody } | undefined;

  constructor(
    code: 'API_REFUSED' | 'API_TIMEOUT' | 'API_ANSWER',
    message: string,
    options: ErrorOptions & { readonly refusal?: { readonly status: Status | undefined; readonly error: ErrorBody } } = {},
  ) {
    super(code, message, options);
    this.refusal = options.refusal;
  }
}

/** A service refuses what it was asked; nothing was changed. The caller is told the status and the text. */
export class Refusal extends PosternError<'SERVICE_REFUSES'> {
  readonly status: Exclude<Status, 200>;
  /** How long the answer waits; other requests do not. */
  readonly delayMs: number;

  constructor(status: Exclude<Status, 200>, message: string, options: ErrorOptions & { readonly delayMs?: number } = {}) {
    super('SERVICE_REFUSES', message, options);
    this.status = status;
    this.delayMs = options.delayMs ?? 0;
  }
}

export const forbidden = (message: string, options?: ErrorOptions & { readonly delayMs?: number }) => new Refusal(403, message, options);
export const badRequest = (message: string, options?: ErrorOptions) => new Refusal(400, message, options);
