import { Packr } from 'msgpackr';
import { CodecError } from '../errors.ts';
import { FORBIDDEN_KEYS, MESSAGE_PACK_DEPTH_MAX } from './msgpack-read.ts';
import { pathText } from './path-text.ts';

const packr = new Packr({ useRecords: false, variableMapSize: true });

/**
 * Encodes what `readMessagePack` gives back: plain objects, arrays, text, `Uint8Array`s, booleans, null, numbers, and bigints
 * of 64 bits. A property that is `undefined` is left out.
 * @throws {CodecError} `CODEC_TYPE`, `CODEC_TEXT` or `CODEC_LIMIT`, naming the path of what cannot be sent: a Date, a Map, a
 * class instance, a function, text with half a surrogate pair, nesting deeper than 32
 */
export function writeMessagePack(value: unknown): Uint8Array {
  return new Uint8Array(packr.pack(sendable(value, [])));
}

/** A copy without the properties that are `undefined`. @param path where we are; grows and shrinks with the walk */
function sendable(value: unknown, path: PropertyKey[]): unknown {
  switch (typeof value) {
    case 'boolean':
    case 'number':
      return value;
    case 'string':
      if (/\p{Surrogate}/u.test(value)) throw refusal('CODEC_TEXT', path, 'text with half a surrogate pair');
      return value;
    case 'bigint':
      if (value < -(2n ** 63n) || value >= 2n ** 64n) throw refusal('CODEC_LIMIT', path, 'an integer beyond 64 bits');
      return value;
    case 'object':
      if (value === null || value instanceof Uint8Array) return value;
      if (path.length === MESSAGE_PACK_DEPTH_MAX)
        throw refusal('CODEC_LIMIT', path, `a value nested deeper than ${MESSAGE_PACK_DEPTH_MAX}, or one that holds itself`);
      return Array.isArray(value)
        ? Array.from(value, (item: unknown, index) => sendableAt(index, item, path))
        : sendableObject(value, path);
    default:
      throw refusal('CODEC_TYPE', path, typeof value);
  }
}

function sendableObject(value: object, path: PropertyKey[]): Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refusal('CODEC_TYPE', path, 'something that is no plain object');
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value) as [string, unknown][]) {
    if (item === undefined) continue;
    if (FORBIDDEN_KEYS.has(key)) throw refusal('CODEC_TYPE', [...path, key], 'a key that receivers refuse');
    sendableAt(key, key, path);
    copy[key] = sendableAt(key, item, path);
  }
  return copy;
}

function sendableAt(key: PropertyKey, item: unknown, path: PropertyKey[]): unknown {
  path.push(key);
  const sent = sendable(item, path);
  path.pop();
  return sent;
}

function refusal(code: 'CODEC_TYPE' | 'CODEC_TEXT' | 'CODEC_LIMIT', path: readonly PropertyKey[], what: string): CodecError {
  return new CodecError(code, `${path.length === 0 ? 'The message' : pathText(path)} cannot be sent: it is ${what}.`);
}
