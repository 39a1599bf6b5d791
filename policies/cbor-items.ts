import { concat } from '../runtime/codec/bare.ts';
import { headEnd, readCborHead, writeCborHead } from '../runtime/codec/cbor-head.ts';
import { decodeUtf8 } from '../runtime/codec/utf8.ts';
import { CodecError } from '../runtime/errors.ts';

// Integers of 64 bits, floats that stay floats, and nesting far beyond what other records have: policies are read and written item
// by item. Strict, as all CBOR here: definite lengths, shortest heads. Source: routing.md 8.9, decisions.md B3

const utf8 = new TextEncoder();

export const cborArray = (...items: readonly Uint8Array[]): Uint8Array => concat(head(0x80, BigInt(items.length)), ...items);
/** @param pairs in ascending order of their keys */
export const cborMap = (...pairs: readonly (readonly [key: number, value: Uint8Array])[]): Uint8Array =>
  concat(head(0xa0, BigInt(pairs.length)), ...pairs.flatMap(([key, value]) => [cborInteger(BigInt(key)), value]));
export const cborInteger = (value: bigint): Uint8Array => (value < 0n ? head(0x20, -1n - value) : head(0x00, value));
export const cborBoolean = (value: boolean): Uint8Array => Uint8Array.of(value ? 0xf5 : 0xf4);
export const cborNull = Uint8Array.of(0xf6);

export function cborText(text: string): Uint8Array {
  const bytes = utf8.encode(text);
  return concat(head(0x60, BigInt(bytes.length)), bytes);
}

/** Always eight bytes. */
export function cborFloat(value: number): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = 0xfb;
  new DataView(bytes.buffer).setFloat64(1, value);
  return bytes;
}

function head(major: number, value: bigint): Uint8Array {
  const bytes = new Uint8Array(9);
  if (value <= 0xffff_ffffn) return bytes.subarray(0, writeCborHead(bytes, 0, major, Number(value)));
  bytes[0] = major | 27;
  new DataView(bytes.buffer).setBigUint64(1, value);
  return bytes;
}

/** Reads one item after the other; every length is checked against what is left before it is used. @throws {CodecError} */
export class CborItems {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @throws {CodecError} `CODEC_TRAILING` */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new CodecError('CODEC_TRAILING', 'Bytes follow the CBOR item.');
  }

  array(): number {
    return this.#count(0x80, 1, 'This is an array.');
  }

  /** An array of exactly so many items. */
  tuple(count: number): void {
    const found = this.array();
    if (found !== count) throw new CodecError('CODEC_TYPE', `This array has ${count} items, not ${found}.`);
  }

  /** The number of a variant; its fields follow, so many. */
  variant(): { readonly index: number; readonly fieldCount: number } {
    this.tuple(2);
    return { index: this.small(), fieldCount: this.array() };
  }

  map(): number {
    return this.#count(0xa0, 2, 'This is a map.');
  }

  text(): string {
    const count = this.#count(0x60, 1, 'This is a text.');
    this.#at += count;
    return decodeUtf8(this.#bytes.subarray(this.#at - count, this.#at));
  }

  /** A number below 2^32: of a variant, a field, a resource type. */
  small(): number {
    const value = readCborHead(this.#bytes, this.#at, 0x00, 'This is a number.');
    this.#at = headEnd;
    return value;
  }

  /** Signed, 64 bit. */
  integer(): bigint {
    const major = this.#peek() & 0xe0;
    if (major !== 0x00 && major !== 0x20) throw new CodecError('CODEC_TYPE', 'This is an integer.');
    const magnitude = (this.#peek() & 0x1f) === 27 ? this.#long() : this.#short(major);
    if (magnitude >= 2n ** 63n) throw new CodecError('CODEC_LIMIT', 'This is an integer of 64 bits, sign included.');
    return major === 0x00 ? magnitude : -1n - magnitude;
  }

  float(): number {
    if (this.#peek() !== 0xfb) throw new CodecError('CODEC_TYPE', 'This is a float of 64 bits.');
    return this.#view(8).getFloat64(0);
  }

  boolean(): boolean {
    const byte = this.#peek();
    if (byte !== 0xf4 && byte !== 0xf5) throw new CodecError('CODEC_TYPE', 'This is true or false.');
    this.#at += 1;
    return byte === 0xf5;
  }

  null(): void {
    if (this.#peek() !== 0xf6) throw new CodecError('CODEC_TYPE', 'This is null.');
    this.#at += 1;
  }

  #peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new CodecError('CODEC_TRUNCATED', 'The bytes end where something should start.');
    return byte;
  }

  #short(major: number): bigint {
    const value = readCborHead(this.#bytes, this.#at, major, 'This is an integer.');
    this.#at = headEnd;
    return BigInt(value);
  }

  #long(): bigint {
    const value = this.#view(8).getBigUint64(0);
    if (value <= 0xffff_ffffn) throw new CodecError('CODEC_MALFORMED', 'An integer is longer than it need be.');
    return value;
  }

  /** What follows the first byte. */
  #view(count: number): DataView {
    const start = this.#at + 1;
    if (start + count > this.#bytes.length) throw new CodecError('CODEC_TRUNCATED', 'A number ends before its last byte.');
    this.#at = start + count;
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, count);
  }

  /** @param bytesMin that each of so many takes */
  #count(major: number, bytesMin: number, expected: string): number {
    const count = readCborHead(this.#bytes, this.#at, major, expected);
    this.#at = headEnd;
    if (count * bytesMin > this.#bytes.length - this.#at) throw new CodecError('CODEC_TRUNCATED', `The bytes end too early. ${expected}`);
    return count;
  }
}
