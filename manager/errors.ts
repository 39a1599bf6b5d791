import { PosternError } from '../runtime/errors.ts';

/** What a node, or the home that it is in, was asked for and cannot be; nothing was changed. The text says what to do next. */
export class ManagerError extends PosternError<
  | 'PROJECT_CONFLICT'
  | 'PROJECT_UNKNOWN'
  | 'NODE_UNKNOWN'
  | 'ADDRESS_ROUTE'
  | 'TRUST_OPTIONS'
  | 'RESOURCE_UNKNOWN'
  | 'NAME_TAKEN'
  | 'RESOURCE_SETTINGS'
  | 'WAY_DOWN'
> {}
