import { hex } from '../runtime/random.ts';
import { parseHex } from './bytes.ts';
import { IdentityError } from './errors.ts';

/**
 * The name of an identity for all its life: `I`, then the SHA-256 of its first change as 64 lower-case hex digits. Two
 * identifiers are the same identity exactly when their texts are equal. Source: identity.md 2.1
 */
export type Identifier = `I${string}`;

/**
 * Reads what a person typed or a file holds: surrounding whitespace and upper-case digits are fine.
 * @throws {IdentityError} `IDENTIFIER_TEXT`
 */
export function parseIdentifier(text: string): Identifier {
  const trimmed = text.trim();
  const bytes = trimmed.startsWith('I') ? parseHex(trimmed.slice(1)) : undefined;
  if (bytes?.length !== 32) throw new IdentityError('IDENTIFIER_TEXT', 'An identifier is the letter I and 64 hex digits.');
  return identifierOf(bytes);
}

/** @param bytes 32 bytes, the hash of a first change */
export function identifierOf(bytes: Uint8Array): Identifier {
  return `I${hex(bytes)}`;
}

/** The 32 bytes that stand for the identifier on the wire. @throws {IdentityError} `IDENTIFIER_TEXT` */
export function identifierBytes(identifier: Identifier): Uint8Array {
  const bytes = parseHex(identifier.slice(1));
  if (bytes?.length !== 32) throw new IdentityError('IDENTIFIER_TEXT', 'An identifier is the letter I and 64 hex digits.');
  return bytes;
}
