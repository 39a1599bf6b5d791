import { PosternError } from '../runtime/errors.ts';

/**
 * State that could not be opened, read or written. What was acknowledged before is still there; what failed was done wholly or
 * not at all (`STORAGE_UNREACHABLE` alone leaves open which). The cause is kept without the values it was about.
 */
export class StorageError extends PosternError<
  | 'STORAGE_PATH'
  | 'STORAGE_ACCESS'
  | 'STORAGE_READ_ONLY'
  | 'STORAGE_FOREIGN'
  | 'STORAGE_NEWER'
  | 'STORAGE_CORRUPT'
  | 'STORAGE_FULL'
  | 'STORAGE_BUSY'
  | 'STORAGE_VALUE'
  | 'STORAGE_UNREACHABLE'
  | 'STORAGE_DRIVER'
  | 'STORAGE_CLOSED'
  | 'STORAGE_FAILED'
> {}
