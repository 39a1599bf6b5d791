import { readFileSync } from 'node:fs';

/** Reads a file below `vectors/`, whose shape the caller knows. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a cast at each of many callers would say the same
export function readVectors<File>(path: string): File {
  return JSON.parse(readFileSync(new URL(`../../vectors/${path}`, import.meta.url), 'utf8')) as File;
}

/** @param digits two hex digits a byte */
export function fromHex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
