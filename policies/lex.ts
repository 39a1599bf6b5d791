import { decodeUtf8 } from '../runtime/codec/utf8.ts';
import { boolean, type Expression, float, INTEGER_MAX, INTEGER_MIN, integer, name, string } from './expression.ts';
import type { Source } from './source.ts';

/** The lexer is that of the WebAssembly text format. Source: routing.md 8.1 */
export type Token = { readonly start: number } & (
  | { readonly kind: '(' | ')' | '[' | ']' | 'end' }
  | { readonly kind: 'atom'; readonly atom: Expression }
);

const SPACE = /[ \t\r\n]+/y;
const LINE_COMMENT = /;;[^\r\n]*/y;
const WORD = /[A-Za-z0-9!#$%&'*+\-./:<=>?@\\^_`|~]+/y;
/** The marks that make text read otherwise than it is written: refused in strings and comments alike. */
const MISLEADING = /[\u202a\u202b\u202d\u202e\u2066-\u2069\u206c]/;
// eslint-disable-next-line no-control-regex -- they are what is looked for
const NOT_IN_STRINGS = /[\u0000-\u001f\u007f\u202a\u202b\u202d\u202e\u2066-\u2069\u206c]/;
const IDENTIFIER = /^[A-Za-z!$%&*/<=>?~_^][A-Za-z0-9!$%&*/<=>?~_^+,\-.:;@]*$/;
const NOT_A_NUMBER = /^[+-]?nan(?::0x[0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*)?$/;
const INTEGER = /^[+-]?(?:0x[0-9A-Fa-f_]+|[0-9_]+)$/;
const MISPLACED_UNDERSCORE = /__|_$|^[+-]?(?:0x)?_/;
const FLOAT = /^[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?$/;

const utf8 = new TextEncoder();

export class Lexer {
  readonly #source: Source;
  readonly #text: string;
  #at = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
  }

  /** The next token; `end` for ever at the end. @throws {PolicyError} `POLICY_SYNTAX` */
  next(): Token {
    this.#skipBlank();
    const start = this.#at;
    const character = this.#text[start];
    switch (character) {
      case undefined:
        return { kind: 'end', start };
      case '(':
      case ')':
      case '[':
      case ']':
        this.#at += 1;
        return { kind: character, start };
      default:
        return { kind: 'atom', atom: this.#atom(start), start };
    }
  }

  #skipBlank(): void {
    for (;;) {
      if (this.#match(SPACE) !== undefined) continue;
      const start = this.#at;
      if (this.#match(LINE_COMMENT) === undefined && !this.#skipBlockComment()) return;
      const misleading = this.#text.slice(start, this.#at).search(MISLEADING);
      if (misleading >= 0)
        throw this.#source.error(start + misleading, 'a comment that reads as it is written', 'a mark that turns text around');
    }
  }

  #skipBlockComment(): boolean {
    const start = this.#at;
    if (!this.#text.startsWith('(;', start)) return false;
    let depth = 0;
    do {
      if (this.#text.startsWith('(;', this.#at)) depth += 1;
      else if (this.#text.startsWith(';)', this.#at)) depth -= 1;
      else if (this.#at >= this.#text.length) throw this.#source.error(start, 'a comment that ends with ";)"', 'one without an end');
      else {
        this.#at += 1;
        continue;
      }
      this.#at += 2;
    } while (depth > 0);
    return true;
  }

  /** A word, a string, or a word and a string that make one name. */
  #atom(start: number): Expression {
    const word = this.#match(WORD);
    if (this.#text[this.#at] === '"') {
      const quoted = this.#string();
      if (this.#text[this.#at] === '"' || this.#match(WORD) !== undefined)
        throw this.#source.error(start, 'a space between two values', 'a string that touches its neighbour');
      if (word === undefined) return string(quoted);
      if (word === '$') return this.#name(quoted, start);
      if (word === '@' && IDENTIFIER.test(quoted)) return name(quoted);
      throw this.#source.error(start, 'a space before a string', JSON.stringify(`${word}"`));
    }
    if (word === undefined) throw this.#source.error(start, 'a value, a name, a list or a sequence');
    if (word.startsWith('$')) return this.#name(word.slice(1), start);
    if (word === 'true' || word === 'false') return boolean(word === 'true');
    return this.#number(word, start) ?? this.#identifier(word.replace(/^@/, ''), start);
  }

  #name(text: string, start: number): Expression {
    if (text === '') throw this.#source.error(start, 'a name after "$"');
    return name(text);
  }

  #identifier(text: string, start: number): Expression {
    if (!IDENTIFIER.test(text)) throw this.#source.error(start, 'a name or a number');
    return name(text);
  }

  #number(word: string, start: number): Expression | undefined {
    if (NOT_A_NUMBER.test(word)) return float(Number.NaN);
    if (/^[+-]?inf$/.test(word)) return float(word.startsWith('-') ? -Infinity : Infinity);
    if (INTEGER.test(word) && !MISPLACED_UNDERSCORE.test(word)) {
      const magnitude = BigInt(word.replaceAll(/[+_-]/g, ''));
      const value = word.startsWith('-') ? -magnitude : magnitude;
      if (value < INTEGER_MIN || value > INTEGER_MAX) throw this.#source.error(start, 'an integer of 64 bits, sign included');
      return integer(value);
    }
    // Underscores and hexadecimal digits make no float: such a word is no name either.
    return FLOAT.test(word) ? float(Number(word)) : undefined;
  }

  /** Gathers bytes, since `\hh` is one byte, and reads them as UTF-8 in the end. */
  #string(): string {
    const start = this.#at;
    this.#at += 1;
    const parts: (string | Uint8Array)[] = [];
    for (;;) {
      const plainTo = this.#plainTo();
      if (plainTo > this.#at) parts.push(this.#text.slice(this.#at, plainTo));
      this.#at = plainTo;
      const character = this.#text[plainTo];
      if (character === undefined) throw this.#source.error(start, 'a string that ends with a quotation mark', 'one without an end');
      this.#at += 1;
      if (character === '"') break;
      parts.push(this.#escape(plainTo));
    }
    if (parts.every((part) => typeof part === 'string')) return parts.join('');
    const bytes = parts.flatMap((part) => [...(typeof part === 'string' ? utf8.encode(part) : part)]);
    try {
      return decodeUtf8(Uint8Array.from(bytes));
    } catch {
      throw this.#source.error(start, 'a string whose bytes are UTF-8', 'one whose escapes make other bytes');
    }
  }

  /** Where the next quotation mark or backslash stands. */
  #plainTo(): number {
    let end = this.#at;
    while (end < this.#text.length && this.#text[end] !== '"' && this.#text[end] !== '\\') end += 1;
    const refused = this.#text.slice(this.#at, end).search(NOT_IN_STRINGS);
    if (refused >= 0) throw this.#source.error(this.#at + refused, 'an escape such as \\n or \\u{202e}', 'a control character');
    return end;
  }

  /** @param start where its backslash stands */
  #escape(start: number): string | Uint8Array {
    const rest = this.#text.slice(start + 1, start + 16);
    const simple = SIMPLE_ESCAPES.get(rest[0] ?? '');
    if (simple !== undefined) {
      this.#at += 1;
      return simple;
    }
    const byte = /^[0-9A-Fa-f]{2}/.exec(rest)?.[0];
    if (byte !== undefined) {
      this.#at += 2;
      return Uint8Array.of(Number.parseInt(byte, 16));
    }
    return this.#scalar(start);
  }

  #scalar(start: number): string {
    const end = this.#text.indexOf('}', start);
    const digits = this.#text.startsWith('u{', start + 1) && end > 0 ? this.#text.slice(start + 3, end) : '';
    const isHex = /^[0-9A-Fa-f][0-9A-Fa-f_]*$/.test(digits) && !MISPLACED_UNDERSCORE.test(digits);
    const point = isHex ? Number.parseInt(digits.replaceAll('_', ''), 16) : Infinity;
    if (point > 0x10_ffff || (point >= 0xd800 && point <= 0xdfff))
      throw this.#source.error(start, 'one of \\t \\n \\r \\" \\\' \\\\, a byte as \\41, or a character as \\u{41}', 'another escape');
    this.#at = end + 1;
    return String.fromCodePoint(point);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['"', '"'],
  ["'", "'"],
  ['\\', '\\'],
]);

/** Whether a name can stand without quotation marks and be read again as that name. */
export function isPlainName(text: string): boolean {
  WORD.lastIndex = 0;
  const isWord = WORD.exec(text)?.[0] === text;
  const isOther = text.startsWith('$') || text === 'true' || text === 'false' || text === 'inf' || NOT_A_NUMBER.test(text);
  return isWord && IDENTIFIER.test(text) && !isOther;
}
