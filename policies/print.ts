import { checkParts, type Expression, type Scalar, type Value } from './expression.ts';
import { isPlainName } from './lex.ts';

/**
 * The canonical text: what is stored, shown and compared. Reading it gives the same expression again, of strings that hold a NUL
 * too, which the wire's original prints in a way that nobody can read. Source: routing.md 8.2
 * @throws {PolicyError} `POLICY_LIMIT`, `POLICY_VALUE` for what no text says, such as an integer beyond 64 bits
 */
export function printExpression(expression: Expression): string {
  checkParts(expression);
  return print(expression);
}

function print(expression: Expression): string {
  switch (expression.kind) {
    case 'list':
      return `(${expression.items.map(print).join(' ')})`;
    case 'sequence':
      return `[${expression.items.map(print).join(' ')}]`;
    case 'name':
      return isPlainName(expression.name) ? expression.name : `$${quoted(expression.name)}`;
    default:
      return printScalar(expression);
  }
}

/** A value as it would be written in a policy. */
export function printValue(value: Value): string {
  switch (value.kind) {
    case 'sequence':
      return `[${value.items.map(printValue).join(' ')}]`;
    case 'unit':
      return '()';
    default:
      return printScalar(value);
  }
}

function printScalar(scalar: Scalar): string {
  switch (scalar.kind) {
    case 'string':
      return quoted(scalar.value);
    case 'float':
      return printFloat(scalar.value);
    case 'integer':
    case 'boolean':
      return String(scalar.value);
  }
}

/** What shows as nothing, as a blank, or as part of its neighbour is written as its number. */
const UNPRINTABLE = /["\\]|\p{C}|[^\P{Z} ]|\p{Grapheme_Extend}/gu;
const SHORT: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\t', '\\t'],
  ['\r', '\\r'],
]);

function quoted(text: string): string {
  return `"${text.replaceAll(UNPRINTABLE, (character) => SHORT.get(character) ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)}"`;
}

/** From here on, and below the other, with an exponent: as the original prints them. */
const EXPONENT_FROM = 1e16;
const EXPONENT_BELOW = 1e-4;

function printFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? '+inf' : '-inf';
  const size = Math.abs(value);
  if (size >= EXPONENT_FROM || (size > 0 && size < EXPONENT_BELOW)) return value.toExponential().replace('e+', 'e');
  const digits = Object.is(value, -0) ? '-0' : String(value);
  return digits.includes('.') ? digits : `${digits}.0`;
}
