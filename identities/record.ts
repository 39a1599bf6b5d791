import { CodecError } from '../runtime/errors.ts';

/**
 * Reads the fields of one decoded record, first to last. Elements after the last field that is read are skipped, so that a
 * later version may add some; null means absent for an optional field only. Source: identity.md 0.1, rules E2, D3 to D6
 */
export class RecordReader {
  readonly #name: string;
  readonly #fields: readonly unknown[];
  #index = 0;

  /** @throws {CodecError} `CODEC_TYPE` unless `item` is an array */
  constructor(name: string, item: unknown) {
    this.#name = name;
    this.#fields = readArray(name, item);
  }

  /** The next field as it was decoded; undefined when it is missing from the end. */
  item(): unknown {
    return this.#fields[this.#index++];
  }

  /** The next field as it was decoded; undefined for null too. */
  optional(): unknown {
    return this.item() ?? undefined;
  }

  bytes(byteCount?: number): Uint8Array {
    return readBytes(this.#name, this.item(), byteCount);
  }

  optionalBytes(byteCount: number): Uint8Array | undefined {
    const item = this.optional();
    return item === undefined ? undefined : readBytes(this.#name, item, byteCount);
  }

  boolean(): boolean {
    const item = this.item();
    if (typeof item !== 'boolean') throw this.#wrong('a boolean');
    return item;
  }

  /** A number from 0 to 255. */
  u8(): number {
    const item = this.item();
    if (typeof item !== 'number' || !Number.isInteger(item) || item < 0 || item > 255) throw this.#wrong('a number below 256');
    return item;
  }

  /** A number from 0 to 2^64-1, as bigint only when it is beyond 2^53-1. */
  u64(): number | bigint {
    const item = this.item();
    if (typeof item === 'bigint' && item >= 0n && item < 2n ** 64n) return item;
    if (typeof item !== 'number' || !Number.isInteger(item) || item < 0) throw this.#wrong('an unsigned number');
    return item;
  }

  /** Whole seconds since 1970. An instant beyond 2^53-1, 285 million years away, reads as that number. */
  seconds(): number {
    const value = this.u64();
    return typeof value === 'bigint' ? Number.MAX_SAFE_INTEGER : value;
  }

  #wrong(expected: string): CodecError {
    return new CodecError('CODEC_TYPE', `Field ${this.#index - 1} of ${this.#name} should be ${expected}.`);
  }
}

/** @throws {CodecError} `CODEC_TYPE` */
export function readArray(name: string, item: unknown): readonly unknown[] {
  if (!Array.isArray(item)) throw new CodecError('CODEC_TYPE', `${name} should be an array.`);
  return item;
}

/** A variant number and the record of its fields. @throws {CodecError} `CODEC_TYPE`. Source: identity.md 0.1, rules E4 and D5 */
export function readChoice(name: string, item: unknown): { variant: number; fields: RecordReader } {
  const [variant, fields, ...rest] = readArray(name, item);
  if (typeof variant !== 'number' || rest.length > 0) throw new CodecError('CODEC_TYPE', `${name} should be a variant and its fields.`);
  return { variant, fields: new RecordReader(name, fields) };
}

function readBytes(name: string, item: unknown, byteCount?: number): Uint8Array {
  if (!(item instanceof Uint8Array)) throw new CodecError('CODEC_TYPE', `${name} should hold a byte string here.`);
  if (byteCount !== undefined && item.length !== byteCount)
    throw new CodecError('CODEC_TYPE', `${name} should hold ${byteCount} bytes here, not ${item.length}.`);
  return item;
}
