import { CodecError } from '../errors.ts';

/** Where the head that `readCborHead` read last ended. */
export let headEnd = 0;

/**
 * Reads the head of an item of one major type: a definite length or number below 2^32 in shortest form.
 * @param major the type bits, 0x00 to 0xe0
 * @throws {CodecError} `CODEC_TYPE`, `CODEC_TRUNCATED`, `CODEC_MALFORMED` (over-long), `CODEC_LIMIT` (2^32 or more, or indefinite)
 */
export function readCborHead(bytes: Uint8Array, position: number, major: number, expected: string): number {
  const first = bytes[position];
  if (first === undefined) throw new CodecError('CODEC_TRUNCATED', `The bytes end where something should start. ${expected}`);
  if ((first & 0xe0) !== major) throw new CodecError('CODEC_TYPE', expected);
  const info = first & 0x1f;
  if (info < 24) {
    headEnd = position + 1;
    return info;
  }
  const width = info === 24 ? 1 : info === 25 ? 2 : info === 26 ? 4 : 0;
  if (width === 0) throw new CodecError('CODEC_LIMIT', `A length is definite and below 2^32. ${expected}`);
  if (position + width >= bytes.length) throw new CodecError('CODEC_TRUNCATED', `A length ends before its last byte. ${expected}`);
  let value = 0;
  for (let index = 1; index <= width; index++) value = value * 256 + (bytes[position + index] ?? 0);
  if (value < (width === 1 ? 24 : width === 2 ? 0x100 : 0x1_0000))
    throw new CodecError('CODEC_MALFORMED', `A length is longer than it need be. ${expected}`);
  headEnd = position + 1 + width;
  return value;
}

/** How many bytes the head of an item with this length or number takes. */
export function cborHeadBytes(count: number): number {
  return count < 24 ? 1 : count < 0x100 ? 2 : count < 0x1_0000 ? 3 : 5;
}

/** Writes the head of an item in shortest form. @returns the position after it */
export function writeCborHead(target: Uint8Array, position: number, major: number, count: number): number {
  let at = position;
  if (count < 24) {
    target[at++] = major | count;
  } else if (count < 0x100) {
    target[at++] = major | 24;
    target[at++] = count;
  } else if (count < 0x1_0000) {
    target[at++] = major | 25;
    target[at++] = count >> 8;
    target[at++] = count & 0xff;
  } else {
    target[at++] = major | 26;
    target[at++] = count >>> 24;
    target[at++] = (count >>> 16) & 0xff;
    target[at++] = (count >>> 8) & 0xff;
    target[at++] = count & 0xff;
  }
  return at;
}
