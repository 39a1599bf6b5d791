import { StorageError } from './errors.ts';

/** Reads a stored value back. @throws {StorageError} `STORAGE_CORRUPT` when it does not hold; its bytes are not in the text */
export function readBack<Value>(what: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    throw new StorageError('STORAGE_CORRUPT', `${what} was stored and does not hold any more: restore a copy of the state.`, { cause });
  }
}
