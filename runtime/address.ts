import { RuntimeError } from './errors.ts';

/** The number that says by which transport an address is reached. Source: routing.md 1.2. */
export const TRANSPORT_TYPE = { local: 0, tcp: 1, udp: 2, ws: 3, ble: 4, uds: 5 } as const;

const LOCAL = TRANSPORT_TYPE.local;
const TYPE_MAX = 255;
/** Decoded addresses are shared through a table of this many slots: a busy route costs no new objects. A power of two. */
const SHARED_SLOTS = 4_096;

const utf8 = new TextEncoder();
const lossyText = new TextDecoder();

/**
 * Where a worker is: a transport type and the bytes of a name, nearly always UTF-8. Immutable; two addresses are the same
 * when type and bytes are. Text form: `T#value`, or just `value` for a local one. Source: routing.md 1.2.
 */
export class Address {
  /** 0 local, 1 TCP, 3 WebSocket …: see `TRANSPORT_TYPE`. */
  readonly type: number;
  readonly value: Uint8Array;
  /** One string per distinct address: what maps are keyed by. Not for people; see `toString`. */
  readonly key: string;
  #cbor: Uint8Array | undefined;
  #text: string | undefined;

  private constructor(type: number, value: Uint8Array, key: string) {
    this.type = type;
    this.value = value;
    this.key = key;
  }

  /** The local address of that name, taken as it is: a `#` in it means nothing. Use this for names that a peer chose. */
  static local(name: string): Address {
    return Address.of(LOCAL, utf8.encode(name));
  }

  /** @param value copied */
  static of(type: number, value: Uint8Array): Address {
    if (!Number.isInteger(type) || type < 0 || type > TYPE_MAX) {
      throw new RuntimeError('ADDRESS_TEXT', `The transport type of an address is a whole number from 0 to ${TYPE_MAX}, not ${type}.`);
    }
    return new Address(type, value.slice(), keyOf(type, value, 0, value.length));
  }

  /** The address whose value stands at `bytes[start, end)`: the same object as last time while it is in the shared table. */
  static shared(type: number, bytes: Uint8Array, start: number, end: number): Address {
    let hash = type;
    for (let index = start; index < end; index++) hash = (Math.imul(hash, 31) + (bytes[index] ?? 0)) | 0;
    hash ^= hash >>> 15;
    const slot = hash & (SHARED_SLOTS - 1);
    const known = shared[slot];
    if (known?.type === type && sameBytes(known.value, bytes, start, end)) return known;
    const value = bytes.slice(start, end);
    const made = new Address(type, value, keyOf(type, value, 0, value.length));
    shared[slot] = made;
    return made;
  }

  get isLocal(): boolean {
    return this.type === LOCAL;
  }

  /** The wire form, `[type, bytes]`: shared, not to be changed. */
  get cbor(): Uint8Array {
    return (this.#cbor ??= encodeAddress(this));
  }

  /** The value as text; bytes that are no UTF-8 show as replacement characters. */
  get name(): string {
    return lossyText.decode(this.value);
  }

  equals(other: Address): boolean {
    return this.key === other.key;
  }

  toString(): string {
    return (this.#text ??= `${this.type}#${this.name}`);
  }

  toJSON(): string {
    return this.toString();
  }
}

const shared: (Address | undefined)[] = Array.from({ length: SHARED_SLOTS }, () => undefined);

/**
 * Reads the text of an address, as an operator writes it: `echo`, `0#echo`, `1#127.0.0.1:4000`.
 * @throws {RuntimeError} `ADDRESS_TEXT`. Never give it what a peer sent: see `Address.local`.
 */
export function address(text: string): Address {
  const parts = text.split('#');
  const [first, value] = parts;
  if (value === undefined) return Address.local(text);
  if (parts.length > 2 || first === undefined || !/^\+?\d{1,3}$/.test(first) || Number(first) > TYPE_MAX) {
    throw new RuntimeError('ADDRESS_TEXT', `An address is NAME or TYPE#NAME with a type from 0 to 255 and one '#'; this is not: ${text}`);
  }
  return Address.of(Number(first), utf8.encode(value));
}

/** Anything that names a worker: its address, or the text of one. */
export type AddressLike = Address | string;

export function toAddress(like: AddressLike): Address {
  return typeof like === 'string' ? address(like) : like;
}

// Local keys are the value, one character a byte; others start with a character no byte can be, so that no two clash.
function keyOf(type: number, bytes: Uint8Array, start: number, end: number): string {
  let key = type === LOCAL ? '' : String.fromCharCode(0x100 + type);
  for (let index = start; index < end; index++) key += String.fromCharCode(bytes[index] ?? 0);
  return key;
}

function sameBytes(value: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (value.length !== end - start) return false;
  for (let index = 0; index < value.length; index++) if (value[index] !== bytes[start + index]) return false;
  return true;
}

function encodeAddress(of: Address): Uint8Array {
  const head = [0x82, ...cborHead(0x00, of.type), ...cborHead(0x40, of.value.length)];
  const out = new Uint8Array(head.length + of.value.length);
  out.set(head);
  out.set(of.value, head.length);
  return out;
}

function cborHead(major: number, count: number): number[] {
  if (count < 24) return [major | count];
  if (count < 0x100) return [major | 24, count];
  if (count < 0x1_0000) return [major | 25, count >> 8, count & 0xff];
  return [major | 26, count >>> 24, (count >> 16) & 0xff, (count >> 8) & 0xff, count & 0xff];
}
