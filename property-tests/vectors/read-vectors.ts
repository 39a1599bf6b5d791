import { readFileSync } from 'node:fs';

/** Reads a file below `vectors/`. */
export function readVectors<File>(path: string): File {
  return JSON.parse(readFileSync(new URL(`../../vectors/${path}`, import.meta.url), 'utf8')) as File;
}

/** @param digits two hex digits a byte */
export function fromHex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
