import { concat } from '../runtime/codec/bare.ts';
import { writeCborHead } from '../runtime/codec/cbor-head.ts';
import { encodeCbor } from '../runtime/codec/cbor.ts';
import { CodecError } from '../runtime/errors.ts';
import { compareBytes, equalBytes } from './bytes.ts';
import { CredentialError } from './errors.ts';

/** Source: reliability.md 2.3. */
export const ATTRIBUTES_MAX = 64;
/** Of a name and of a value, in UTF-8. Source: reliability.md 2.3. */
export const ATTRIBUTE_BYTES_MAX = 1024;

/** What an authority says of a subject: text by name. */
export type Attributes = ReadonlyMap<string, string>;

/** An attribute that came in a credential and is not shown to policies. */
export interface SkippedAttribute {
  /** The raw name; it may be no text. */
  readonly name: Uint8Array;
  readonly reason: 'reserved' | 'not-text';
}

/**
 * True for names that policies read as facts of the node itself: who the subject is, whether it has a credential, what it
 * asks for. An authority must not be able to say these. Source: reliability.md CR7
 */
export function isReservedAttribute(name: string): boolean {
  return name === 'identifier' || name === 'has_credential' || /^(subject\.|resource\.|action)/.test(name);
}

/**
 * The map of names to values, sorted by the raw bytes of the names, a prefix first. A canonical CBOR library sorts by the
 * encoded names, shorter ones first, and so makes another hash. Source: identity.md 0.1, rule E8
 * @throws {CredentialError} `ATTRIBUTE_RESERVED`, `ATTRIBUTE_LIMIT`
 */
export function encodeAttributes(attributes: Attributes): Uint8Array {
  if (attributes.size > ATTRIBUTES_MAX) throw tooMany();
  const entries = [...attributes].map(([name, value]) => {
    if (isReservedAttribute(name))
      throw new CredentialError('ATTRIBUTE_RESERVED', `The attribute name ${JSON.stringify(name)} is kept for facts of the node itself.`);
    return [bounded(utf8.encode(name)), bounded(utf8.encode(value))] as const;
  });
  entries.sort(([left], [right]) => compareBytes(left, right));
  const head = new Uint8Array(9);
  const end = writeCborHead(head, 0, 0xa0, entries.length);
  return concat(head.subarray(0, end), ...entries.flat().map((bytes) => encodeCbor(bytes)));
}

/**
 * Reads a decoded map of byte strings. Names and values that are no UTF-8, and reserved names, are skipped and reported.
 * @throws {CredentialError} `ATTRIBUTE_DUPLICATE`, `ATTRIBUTE_LIMIT`
 * @throws {CodecError} `CODEC_TYPE`
 */
export function readAttributes(item: unknown): { attributes: Attributes; skipped: readonly SkippedAttribute[] } {
  if (!(item instanceof Map)) throw new CodecError('CODEC_TYPE', 'Attributes should be a map.');
  if (item.size > ATTRIBUTES_MAX) throw tooMany();
  const entries = [...(item as Map<unknown, unknown>)].map(([name, value]) => [readBytes(name), readBytes(value)] as const);
  refuseDuplicates(entries.map(([name]) => name));

  const attributes = new Map<string, string>();
  const skipped: SkippedAttribute[] = [];
  for (const [rawName, rawValue] of entries) {
    const [name, value] = [text(rawName), text(rawValue)];
    if (name === undefined || value === undefined) skipped.push({ name: rawName, reason: 'not-text' });
    else if (isReservedAttribute(name)) skipped.push({ name: rawName, reason: 'reserved' });
    else attributes.set(name, value);
  }
  return { attributes, skipped };
}

const utf8 = new TextEncoder();
const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function text(bytes: Uint8Array): string | undefined {
  try {
    return strictText.decode(bytes);
  } catch {
    return undefined;
  }
}

function readBytes(item: unknown): Uint8Array {
  if (!(item instanceof Uint8Array)) throw new CodecError('CODEC_TYPE', 'Names and values of attributes are byte strings.');
  return bounded(item);
}

/** The CBOR decoder tells byte strings apart by identity, so equal names come through it. */
function refuseDuplicates(names: readonly Uint8Array[]): void {
  const sorted = names.toSorted(compareBytes);
  sorted.forEach((name, index) => {
    const next = sorted[index + 1];
    if (next !== undefined && equalBytes(name, next))
      throw new CredentialError('ATTRIBUTE_DUPLICATE', 'A credential holds the same attribute twice.');
  });
}

function bounded(bytes: Uint8Array): Uint8Array {
  if (bytes.length > ATTRIBUTE_BYTES_MAX)
    throw new CredentialError('ATTRIBUTE_LIMIT', `Names and values of attributes have at most ${ATTRIBUTE_BYTES_MAX} bytes.`);
  return bytes;
}

const tooMany = () => new CredentialError('ATTRIBUTE_LIMIT', `A credential has at most ${ATTRIBUTES_MAX} attributes.`);
