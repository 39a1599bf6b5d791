import { decode, encode } from 'cborg';
import { CodecError } from '../errors.ts';
import { skipCborItem } from './cbor-walk.ts';

/** Larger input is refused unless the caller allows more: histories, credentials and requests stay far below. */
export const CBOR_BYTES_MAX = 1024 * 1024;

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  rejectDuplicateMapKeys: true,
  useMaps: true,
} as const;

/** Arrays, byte strings, text, integers, booleans, null and Maps in definite lengths and shortest form; map keys are sorted. */
export function encodeCbor(value: unknown): Uint8Array {
  // On Node the library gives a Buffer, whose `slice` does not copy.
  const { buffer, byteOffset, length } = encode(value);
  return new Uint8Array(buffer, byteOffset, length);
}

/**
 * Decodes exactly one item; byte strings are copies. Maps come as `Map`, integers beyond 2^53 as bigint.
 * Refused: indefinite lengths, tags, `undefined`, NaN and infinities, other simple values, over-long integers, equal keys
 * (save byte strings, which a `Map` tells apart by identity), text that is no UTF-8 or begins with a byte order mark, bytes
 * after the item, nesting deeper than 32. The bytes are walked first, so that nothing is allocated on a claimed length.
 * @throws {CodecError}
 */
export function decodeCbor(bytes: Uint8Array, bytesMax: number = CBOR_BYTES_MAX): unknown {
  if (bytes.length > bytesMax) throw new CodecError('CODEC_LIMIT', `This CBOR has ${bytes.length} bytes; at most ${bytesMax} are allowed.`);
  if (skipCborItem(bytes, 0) !== bytes.length) throw new CodecError('CODEC_TRAILING', 'Bytes follow the CBOR item.');
  try {
    return decode(bytes, STRICT) as unknown;
  } catch (cause) {
    // The walk has found everything but equal keys.
    throw new CodecError('CODEC_DUPLICATE', 'A CBOR map holds the same key twice.', { cause });
  }
}
