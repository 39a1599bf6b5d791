import { CodecError } from '../errors.ts';
import { decodeUtf8 } from './utf8.ts';

/** Arrays and maps nested deeper than this are refused. Source: reliability.md 2.3 (as for CBOR). */
export const MESSAGE_PACK_DEPTH_MAX = 32;

/** Keys by which a decoded map could reach into the objects it is copied to. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Decodes exactly one value: plain objects, arrays, text, copied bytes, booleans, null, numbers, and bigints for integers
 * beyond 2^53. Numbers may be longer than need be.
 * Refused: extension types (so dates and timestamps), map keys that are no text, equal keys, the keys `__proto__`,
 * `constructor` and `prototype`, text that is no UTF-8, nesting deeper than 32, bytes after the value. Nothing is allocated
 * on a claimed length.
 * @throws {CodecError} Source: the MessagePack specification; decisions.md A10
 */
export function readMessagePack(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.remaining > 0) throw new CodecError('CODEC_TRAILING', 'Bytes follow the MessagePack value.');
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  value(depth: number): unknown {
    const head = this.#number(1);
    if (head < 0x80) return head;
    if (head < 0x90) return this.#map(head & 0x0f, depth);
    if (head < 0xa0) return this.#array(head & 0x0f, depth);
    if (head < 0xc0) return this.#text(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#number(1 << (head - 0xc4))).slice();
      case 0xca:
        return this.#view.getFloat32(this.#advance(4));
      case 0xcb:
        return this.#view.getFloat64(this.#advance(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#number(1 << (head - 0xcc));
      case 0xcf:
        return numberIfExact(this.#view.getBigUint64(this.#advance(8)));
      case 0xd0:
        return this.#view.getInt8(this.#advance(1));
      case 0xd1:
        return this.#view.getInt16(this.#advance(2));
      case 0xd2:
        return this.#view.getInt32(this.#advance(4));
      case 0xd3:
        return numberIfExact(this.#view.getBigInt64(this.#advance(8)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#number(1 << (head - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#number(2 << (head - 0xdc)), depth);
      case 0xde:
      case 0xdf:
        return this.#map(this.#number(2 << (head - 0xde)), depth);
      case 0xc1:
        throw new CodecError('CODEC_MALFORMED', 'No MessagePack value begins with the byte c1.');
      default:
        throw new CodecError('CODEC_TYPE', 'MessagePack extension types, dates among them, are refused.');
    }
  }

  #array(count: number, depth: number): unknown[] {
    this.#enter(count, depth);
    const items: unknown[] = [];
    for (let index = 0; index < count; index++) items.push(this.value(depth + 1));
    return items;
  }

  #map(count: number, depth: number): Record<string, unknown> {
    this.#enter(count * 2, depth);
    const map: Record<string, unknown> = {};
    for (let index = 0; index < count; index++) {
      const key = this.#key();
      if (FORBIDDEN_KEYS.has(key)) throw new CodecError('CODEC_TYPE', `The key ${key} is refused.`);
      if (Object.hasOwn(map, key)) throw new CodecError('CODEC_DUPLICATE', 'A MessagePack map holds the same key twice.');
      map[key] = this.value(depth + 1);
    }
    return map;
  }

  #enter(items: number, depth: number): void {
    if (depth === MESSAGE_PACK_DEPTH_MAX)
      throw new CodecError('CODEC_LIMIT', `MessagePack is nested at most ${MESSAGE_PACK_DEPTH_MAX} deep.`);
    // Every item has a byte at least, so a larger claim cannot come true.
    if (items > this.remaining) throw truncated();
  }

  #key(): string {
    const head = this.#number(1);
    if (head >= 0xa0 && head < 0xc0) return this.#text(head & 0x1f);
    if (head >= 0xd9 && head <= 0xdb) return this.#text(this.#number(1 << (head - 0xd9)));
    throw new CodecError('CODEC_TYPE', 'The keys of a MessagePack map are text.');
  }

  #text(count: number): string {
    return decodeUtf8(this.#take(count));
  }

  #take(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#bytes.subarray(start, start + count);
  }

  /** An unsigned number of 1, 2 or 4 bytes. */
  #number(width: number): number {
    const start = this.#advance(width);
    return width === 1 ? this.#view.getUint8(start) : width === 2 ? this.#view.getUint16(start) : this.#view.getUint32(start);
  }

  /** @returns where the bytes that were stepped over begin */
  #advance(count: number): number {
    if (count > this.remaining) throw truncated();
    this.#at += count;
    return this.#at - count;
  }
}

const truncated = () => new CodecError('CODEC_TRUNCATED', 'A MessagePack value ends before its last byte.');

function numberIfExact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
