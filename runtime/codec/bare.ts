import { CodecError } from '../errors.ts';
import { decodeUtf8 } from './utf8.ts';

/** Reads BARE values from the front of a buffer. Every length is checked before it is used. Source: routing.md 0.2. */
export class BareReader {
  readonly #bytes: Uint8Array;
  #position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.#position = position;
  }

  /** Where the next value starts. */
  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  u8(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw truncated();
    this.#position += 1;
    return byte;
  }

  /**
   * An unsigned LEB128 number up to 2^64-1, at most 10 bytes; the tenth, if there is one, is 01. Longer forms than need be
   * are read (`8000` is 0), as every implementation does; nobody writes them.
   * @throws {CodecError} `CODEC_LIMIT` beyond 64 bits
   */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      if (shift === 63n && byte !== 1) throw new CodecError('CODEC_LIMIT', 'A BARE number does not fit 64 bits.');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  /** A number that counts bytes or items. @throws {CodecError} `CODEC_LIMIT` above 2^53-1 */
  count(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    this.#position -= 1;
    const value = this.varint();
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new CodecError('CODEC_LIMIT', 'A BARE length is larger than anything that could follow.');
    return Number(value);
  }

  /** A view of the input, not a copy. */
  data(): Uint8Array {
    return this.take(this.count());
  }

  take(count: number): Uint8Array {
    if (count > this.remaining) throw truncated();
    this.#position += count;
    return this.#bytes.subarray(this.#position - count, this.#position);
  }

  /** @throws {CodecError} `CODEC_TEXT` when it is not UTF-8 */
  string(): string {
    return decodeUtf8(this.data());
  }
}

const utf8 = new TextEncoder();
const truncated = () => new CodecError('CODEC_TRUNCATED', 'A BARE value ends before its last byte.');

/** The bytes of a varint, shortest form. */
export function bareVarint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 0x80n) return Uint8Array.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

/** A BARE `data` value: length, then the bytes. */
export function bareData(bytes: Uint8Array): Uint8Array {
  return concat(bareVarint(bytes.length), bytes);
}

/** A BARE string: length in bytes, then UTF-8. */
export function bareString(text: string): Uint8Array {
  return bareData(utf8.encode(text));
}

/** Joins byte arrays into a new one. */
export function concat(...chunks: readonly Uint8Array[]): Uint8Array {
  let count = 0;
  for (const chunk of chunks) count += chunk.length;
  const out = new Uint8Array(count);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
