import { concat } from '../../runtime/codec/bare.ts';
import { writeCborHead } from '../../runtime/codec/cbor-head.ts';
import { encodeCbor } from '../../runtime/codec/cbor.ts';
import { CodecError } from '../../runtime/errors.ts';

/**
 * Reads the fields of a record that stands as a map from numbers to values. Unknown fields are skipped, so that a later version
 * may add some; null means absent for an optional field only. Source: identity.md 0.1, rules E3, D3, D4
 */
export class FieldReader {
  readonly #name: string;
  readonly #fields: ReadonlyMap<unknown, unknown>;

  /** @throws {CodecError} `CODEC_TYPE` unless `item` is a map */
  constructor(name: string, item: unknown) {
    if (!(item instanceof Map)) throw new CodecError('CODEC_TYPE', `${name} should be a map.`);
    this.#name = name;
    this.#fields = item;
  }

  /** As it was decoded; undefined when it is missing or null. */
  optional(key: number): unknown {
    return this.#fields.get(key) ?? undefined;
  }

  boolean(key: number): boolean {
    return this.#checked(key, 'a boolean', (item) => typeof item === 'boolean');
  }

  text(key: number): string {
    return this.#checked(key, 'a text', (item) => typeof item === 'string');
  }

  bytes(key: number, byteCount: number): Uint8Array {
    return this.#checked(key, `${byteCount} bytes`, (item) => item instanceof Uint8Array && item.length === byteCount);
  }

  /** A number from 0 to `max`. */
  number(key: number, max = Number.MAX_SAFE_INTEGER): number {
    return this.#checked(
      key,
      `a number up to ${max}`,
      (item) => Number.isSafeInteger(item) && (item as number) >= 0 && (item as number) <= max,
    );
  }

  map(key: number): ReadonlyMap<unknown, unknown> {
    return this.#checked(key, 'a map', (item) => item instanceof Map);
  }

  array(key: number): readonly unknown[] {
    return this.#checked(key, 'an array', Array.isArray);
  }

  optionalText(key: number): string | undefined {
    return this.optional(key) === undefined ? undefined : this.text(key);
  }

  optionalNumber(key: number, max?: number): number | undefined {
    return this.optional(key) === undefined ? undefined : this.number(key, max);
  }

  optionalBytes(key: number, byteCount: number): Uint8Array | undefined {
    return this.optional(key) === undefined ? undefined : this.bytes(key, byteCount);
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a cast at each of many callers would say the same
  #checked<Item>(key: number, expected: string, isRight: (item: unknown) => boolean): Item {
    const item = this.#fields.get(key);
    if (!isRight(item)) throw new CodecError('CODEC_TYPE', `Field ${key} of ${this.#name} should be ${expected}.`);
    return item as Item;
  }
}

/** An encoded map of encoded keys and values, in the order given. */
export function encodedMap(entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[]): Uint8Array {
  return concat(head(0xa0, entries.length), ...entries.flat());
}

/** An encoded array of encoded items. */
export function encodedArray(items: readonly Uint8Array[]): Uint8Array {
  return concat(head(0x80, items.length), ...items);
}

/** A record as a map: fields that are undefined are left out. @param fields by ascending key; byte arrays are encoded already */
export function encodedFields(fields: Readonly<Record<number, Uint8Array | undefined>>): Uint8Array {
  const present = Object.entries(fields).filter((entry): entry is [string, Uint8Array] => entry[1] !== undefined);
  return encodedMap(present.map(([key, value]) => [encodeCbor(Number(key)), value]));
}

function head(major: number, count: number): Uint8Array {
  const bytes = new Uint8Array(9);
  return bytes.subarray(0, writeCborHead(bytes, 0, major, count));
}
