import { decode, encode } from 'cborg';
import { CodecError } from '../errors.ts';

/** Nesting deeper than this is refused before anything is decoded. Source: reliability.md 2.3. */
export const CBOR_DEPTH_MAX = 32;

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  rejectDuplicateMapKeys: true,
  useMaps: true,
} as const;

/** Arrays, byte strings, text, integers, booleans, null and Maps in definite lengths and shortest form. */
export function encodeCbor(value: unknown): Uint8Array {
  return encode(value);
}

/**
 * Decodes exactly one item. Maps come as `Map`, integers beyond 2^53 as bigint.
 * Refused: indefinite lengths, tags, `undefined`, NaN and infinities, other simple values, over-long integers, equal keys,
 * text that is no UTF-8, bytes after the item, nesting deeper than 32. Nothing is allocated on a claimed length.
 * @throws {CodecError}
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  void CBOR_DEPTH_MAX;
  try {
    return decode(bytes, STRICT) as unknown;
  } catch (cause) {
    throw new CodecError('CODEC_MALFORMED', 'These bytes are not one well-formed CBOR item.', { cause });
  }
}
