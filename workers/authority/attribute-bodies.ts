import { type Attributes, ATTRIBUTE_BYTES_MAX, ATTRIBUTES_MAX } from '../../identities/attributes.ts';
import { compareBytes } from '../../identities/bytes.ts';
import { encodeCbor } from '../../runtime/codec/cbor.ts';
import { CodecError } from '../../runtime/errors.ts';
import { encodedArray, encodedMap } from '../api/fields.ts';

/** One less than a credential holds: the authority adds one of its own. */
export const MEMBER_ATTRIBUTES_MAX = ATTRIBUTES_MAX - 1;

/** A map of texts, as AddMember and CreateToken have it, by ascending raw name. Source: authority.md 3.1; identity.md 0.1, rule E8 */
export function encodeTextAttributes(attributes: Attributes): Uint8Array {
  return encodedMap(sorted(attributes).map(({ name, value }) => [encodeCbor(name), encodeCbor(value)]));
}

/** @throws {CodecError} `CODEC_TYPE`, `CODEC_LIMIT` */
export function readTextAttributes(map: ReadonlyMap<unknown, unknown>): Attributes {
  return read(map, (item) => {
    if (typeof item !== 'string') throw new CodecError('CODEC_TYPE', 'Names and values of attributes are texts here.');
    return item;
  });
}

/** The same map with names and values as arrays of small numbers, as AttributesEntry has it. Source: identity.md 0.1, rule E7 */
export function encodeNumberAttributes(attributes: Attributes): Uint8Array {
  return encodedMap(sorted(attributes).map(({ name, value }) => [numbers(name), numbers(value)]));
}

/** Bytes that are no UTF-8 are replaced: this is for showing. @throws {CodecError} `CODEC_TYPE`, `CODEC_LIMIT`, `CODEC_DUPLICATE` */
export function readNumberAttributes(map: ReadonlyMap<unknown, unknown>): Attributes {
  return read(map, (item) => {
    if (!Array.isArray(item) || !item.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256))
      throw new CodecError('CODEC_TYPE', 'Names and values of attributes are arrays of numbers below 256 here.');
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(item as number[]));
  });
}

const utf8 = new TextEncoder();

function read(map: ReadonlyMap<unknown, unknown>, text: (item: unknown) => string): Attributes {
  if (map.size > ATTRIBUTES_MAX) throw new CodecError('CODEC_LIMIT', `There are at most ${ATTRIBUTES_MAX} attributes.`);
  const attributes = new Map<string, string>();
  for (const [name, value] of map) {
    const [nameText, valueText] = [text(name), text(value)];
    if (utf8.encode(nameText).length > ATTRIBUTE_BYTES_MAX || utf8.encode(valueText).length > ATTRIBUTE_BYTES_MAX)
      throw new CodecError('CODEC_LIMIT', `Names and values of attributes have at most ${ATTRIBUTE_BYTES_MAX} bytes.`);
    if (attributes.has(nameText)) throw new CodecError('CODEC_DUPLICATE', 'An attribute is named twice.');
    attributes.set(nameText, valueText);
  }
  return attributes;
}

function sorted(attributes: Attributes): { name: string; value: string; raw: Uint8Array }[] {
  const entries = [...attributes].map(([name, value]) => ({ name, value, raw: utf8.encode(name) }));
  return entries.sort((left, right) => compareBytes(left.raw, right.raw));
}

function numbers(text: string): Uint8Array {
  return encodedArray([...utf8.encode(text)].map((byte) => encodeCbor(byte)));
}
