import { concat } from './codec/bare.ts';
import { decodeCbor, encodeCbor } from './codec/cbor.ts';
import { decodeUtf8 } from './codec/utf8.ts';
import { CodecError, RuntimeError } from './errors.ts';
import { formatIp4, formatIp6, parseIp4, parseIp6 } from './ip-address.ts';
import { shown } from './shown.ts';

/** The number that stands for each protocol in the binary form. Source: routing.md 7.1 */
const CODES = {
  ip4: 4,
  tcp: 6,
  ip6: 41,
  dnsaddr: 56,
  service: 62_526,
  node: 72_526,
  project: 82_526,
  space: 92_526,
  secure: 99_526,
  worker: 102_526,
} as const;

export type MultiAddressProtocol = keyof typeof CODES;

const PROTOCOLS = Object.keys(CODES) as readonly MultiAddressProtocol[];
const PORT_MAX = 65_535;
/** What a code or a length may need: 32 bits, seven in each byte. */
const VARINT_BYTES_MAX = 5;
const UINT32_MAX = 0xffff_ffff;
/** Source of neither in the original: our own bounds, several times what a route may hold. */
const BYTES_MAX = 8 * 1024;
const COMPONENTS_MAX = 128;

const utf8 = new TextEncoder();

export interface MultiAddressComponent {
  readonly protocol: MultiAddressProtocol;
  /** As it is printed: a port without leading zeros, an IPv6 address in its one form. May be empty for those that are any text. */
  readonly value: string;
}

/**
 * Where something is and what leads there, as operators write it: `/project/default/service/forward_to_bank/secure/api/service/outlet`.
 * Immutable. Source: routing.md 7
 */
export class MultiAddress {
  readonly components: readonly MultiAddressComponent[];

  /** @internal use `parseMultiAddress` or `multiAddress` */
  constructor(components: readonly MultiAddressComponent[]) {
    this.components = components;
  }

  /** The binary form: for each component the code of its protocol and its value. */
  get bytes(): Uint8Array {
    return concat(...this.components.flatMap(({ protocol, value }) => [varint(CODES[protocol]), valueBytes(protocol, value)]));
  }

  /** The binary form as a CBOR byte string. */
  get cbor(): Uint8Array {
    return encodeCbor(this.bytes);
  }

  get isEmpty(): boolean {
    return this.components.length === 0;
  }

  concat(other: MultiAddress): MultiAddress {
    return new MultiAddress([...this.components, ...other.components]);
  }

  equals(other: MultiAddress): boolean {
    return this.toString() === other.toString();
  }

  toString(): string {
    return this.components.map(({ protocol, value }) => `/${protocol}/${value}`).join('');
  }

  toJSON(): string {
    return this.toString();
  }
}

/** A text that is no multi-address. */
export class MultiAddressError extends RuntimeError {
  /** Where the fault begins, in UTF-16 code units from the start of the text. */
  readonly position: number;

  constructor(text: string, position: number, fault: string) {
    super('MULTI_ADDRESS_TEXT', `${shown(text)} is no address: at position ${position} ${fault}.`);
    this.position = position;
  }
}

/**
 * Puts an address together from protocols and values in turn: `multiAddress('ip4', '127.0.0.1', 'tcp', '4000')`.
 * @throws {MultiAddressError} `MULTI_ADDRESS_TEXT`, also for a value with a slash, which would be read as something else
 */
export function multiAddress(...parts: readonly string[]): MultiAddress {
  const slashed = parts.find((part) => part.includes('/'));
  if (slashed !== undefined) throw new MultiAddressError(slashed, slashed.indexOf('/'), 'stands a slash, which no value can hold');
  return parseMultiAddress(parts.map((part) => `/${part}`).join(''));
}

/**
 * Reads the text form. The slash before the first component may be missing, the value after the last one too; `self` is short for
 * `/secure/api`, and the empty text is the empty address. Nothing is escaped, so no value holds a slash.
 * @throws {MultiAddressError} `MULTI_ADDRESS_TEXT`, with the position of the fault
 * Source: routing.md 7.1, 7.2
 */
export function parseMultiAddress(text: string): MultiAddress {
  if (text === 'self') return new MultiAddress([{ protocol: 'secure', value: 'api' }]);
  // Each character is a byte at least, and protocols are written longer than their codes.
  if (text.length > BYTES_MAX) throw new MultiAddressError(text, BYTES_MAX, `it becomes longer than ${BYTES_MAX} characters`);
  const loneSurrogate = /\p{Surrogate}/u.exec(text);
  if (loneSurrogate !== null) throw new MultiAddressError(text, loneSurrogate.index, 'stands half of a character, which has no bytes');
  const components: MultiAddressComponent[] = [];
  for (let position = 0; position < text.length; ) {
    if (components.length === COMPONENTS_MAX) throw new MultiAddressError(text, position, `begins more than component ${COMPONENTS_MAX}`);
    const start = text[position] === '/' ? position + 1 : position;
    const [name, afterName] = segment(text, start);
    const protocol = readProtocol(text, start, name);
    const [value, end] = afterName < text.length ? segment(text, afterName + 1) : ['', afterName];
    components.push({ protocol, value: readValue(text, Math.min(afterName + 1, text.length), protocol, value) });
    position = end;
  }
  return new MultiAddress(components);
}

/**
 * Reads the binary form.
 * @throws {CodecError} `CODEC_TRUNCATED`; `CODEC_MALFORMED` for a number that is longer than need be, or an unknown code;
 * `CODEC_LIMIT`; `CODEC_TEXT` for a value that is no UTF-8; `CODEC_INVALID` for a text with a slash, which would read as another address
 * Source: routing.md 7.1, 7.3
 */
export function decodeMultiAddress(bytes: Uint8Array): MultiAddress {
  if (bytes.length > BYTES_MAX) throw tooLong();
  const reader = new Reader(bytes);
  const components: MultiAddressComponent[] = [];
  while (!reader.isAtEnd) {
    if (components.length === COMPONENTS_MAX) throw tooLong();
    const code = reader.varint();
    const protocol = PROTOCOLS.find((each) => CODES[each] === code);
    if (protocol === undefined)
      throw new CodecError('CODEC_MALFORMED', `A multi-address has a protocol of number ${code}, which is unknown.`);
    components.push({ protocol, value: decodeValue(protocol, reader) });
  }
  return new MultiAddress(components);
}

/** Reads a CBOR byte string that holds the binary form. @throws {CodecError} */
export function decodeMultiAddressCbor(bytes: Uint8Array): MultiAddress {
  const item = decodeCbor(bytes, BYTES_MAX + VARINT_BYTES_MAX);
  if (!(item instanceof Uint8Array)) throw new CodecError('CODEC_TYPE', 'A multi-address in CBOR is a byte string.');
  return decodeMultiAddress(item);
}

function segment(text: string, start: number): [value: string, end: number] {
  const slash = text.indexOf('/', start);
  const end = slash === -1 ? text.length : slash;
  return [text.slice(start, end), end];
}

function readProtocol(text: string, position: number, name: string): MultiAddressProtocol {
  const protocol = PROTOCOLS.find((each) => each === name);
  if (protocol !== undefined) return protocol;
  const known = `a protocol is one of ${PROTOCOLS.join(', ')}`;
  if (name === '') throw new MultiAddressError(text, position, `the name of a protocol is missing: ${known}, with its value after a slash`);
  throw new MultiAddressError(text, position, `${shown(name)} is no protocol: ${known}`);
}

function readValue(text: string, position: number, protocol: MultiAddressProtocol, value: string): string {
  switch (protocol) {
    case 'ip4':
      if (parseIp4(value) !== undefined) return value;
      throw new MultiAddressError(text, position, 'should stand four numbers from 0 to 255 without leading zeros, as in 127.0.0.1');
    case 'ip6': {
      const ip6 = parseIp6(value);
      if (ip6 !== undefined) return formatIp6(ip6);
      throw new MultiAddressError(text, position, 'should stand an IPv6 address without brackets, as in ::1');
    }
    case 'tcp':
      if (/^\+?\d+$/.test(value) && Number(value) <= PORT_MAX) return String(Number(value));
      throw new MultiAddressError(text, position, `should stand a port from 0 to ${PORT_MAX}`);
    default:
      return value;
  }
}

function valueBytes(protocol: MultiAddressProtocol, value: string): Uint8Array {
  switch (protocol) {
    case 'ip4':
      return parseIp4(value) ?? new Uint8Array(4);
    case 'ip6':
      return parseIp6(value) ?? new Uint8Array(16);
    case 'tcp':
      return Uint8Array.of(Number(value) >> 8, Number(value) & 0xff);
    default: {
      const bytes = utf8.encode(value);
      return concat(varint(bytes.length), bytes);
    }
  }
}

function decodeValue(protocol: MultiAddressProtocol, reader: Reader): string {
  switch (protocol) {
    case 'ip4':
      return formatIp4(reader.take(4));
    case 'ip6':
      return formatIp6(reader.take(16));
    case 'tcp': {
      const [high = 0, low = 0] = reader.take(2);
      return String((high << 8) | low);
    }
    default: {
      const value = decodeUtf8(reader.take(reader.varint()));
      if (value.includes('/')) throw new CodecError('CODEC_INVALID', 'A value in a multi-address holds a slash: it has no text form.');
      return value;
    }
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

function tooLong(): CodecError {
  return new CodecError('CODEC_LIMIT', `A multi-address has at most ${COMPONENTS_MAX} components and ${BYTES_MAX} bytes.`);
}

class Reader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  take(count: number): Uint8Array {
    const end = this.#position + count;
    if (end > this.#bytes.length) throw truncated();
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  /** Stricter than a number of BARE: only the shortest form. */
  varint(): number {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const [byte = 0] = this.take(1);
      if (byte === 0 && index > 0) throw new CodecError('CODEC_MALFORMED', 'A number in a multi-address is longer than need be.');
      value += (byte & 0x7f) * 0x80 ** index;
      if (byte >= 0x80) continue;
      if (value > UINT32_MAX) break;
      return value;
    }
    throw new CodecError('CODEC_LIMIT', 'A number in a multi-address does not fit 32 bits.');
  }
}

function truncated(): CodecError {
  return new CodecError('CODEC_TRUNCATED', 'A multi-address ends before its last component does.');
}
