import type { Settings } from '../manager/ports.ts';
import { readBack } from './damaged.ts';
import { StorageError } from './errors.ts';

/** Far more than what a person sets, or than a project with two histories of full length takes. Our own bound. */
const CHARACTERS_MAX = 256 * 1024;

/** @throws {StorageError} `STORAGE_VALUE` for what JSON cannot say, or does not say back */
export function jsonText(what: string, settings: Settings): string {
  let text: string;
  try {
    text = JSON.stringify(settings, checkedValue);
  } catch (cause) {
    throw new StorageError('STORAGE_VALUE', `${what} cannot be kept as JSON; nothing was stored. See the cause.`, { cause });
  }
  return checkedText(what, text);
}

/** @throws {StorageError} `STORAGE_VALUE` for what is no JSON object, or too long */
export function checkedText(what: string, text: string): string {
  if (text.length > CHARACTERS_MAX)
    throw new StorageError('STORAGE_VALUE', `${what} is over ${CHARACTERS_MAX} characters of JSON: keep less. Nothing was stored.`);
  try {
    parse(text);
  } catch (cause) {
    throw new StorageError('STORAGE_VALUE', `${what} is no JSON object; nothing was stored.`, { cause });
  }
  return text;
}

/** @throws {StorageError} `STORAGE_CORRUPT` */
export const settingsOf = (what: string, text: string): Settings => readBack(what, () => parse(text));

/** The text of an object, as it was stored. @throws {StorageError} `STORAGE_CORRUPT` */
export const objectText = (what: string, text: string): string => {
  settingsOf(what, text);
  return text;
};

function parse(text: string): Settings {
  const value = JSON.parse(text) as unknown;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('This is no object.');
  return value as Settings;
}

/** What `JSON.stringify` would leave out or change. */
function checkedValue(key: string, value: unknown): unknown {
  if (value === null || ['boolean', 'string', 'object'].includes(typeof value)) return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new TypeError(`JSON has no such value: ${key}.`);
}
