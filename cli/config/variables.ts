import { isMap, isScalar, parseDocument } from 'yaml';
import { malformed, misused, type Place, placeAt, type Source } from './place.ts';
import { textOfScalar } from './scalar.ts';

/** The value of a variable, where it has one. */
export type Lookup = (name: string) => string | undefined;

/** A text whose variables were replaced. */
export interface Expanded {
  readonly text: string;
  /** Where in the source something came from that stands there in the text. */
  placeAt(offset: number): Place;
}

const VARIABLE = /\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}\n]*))?\}|(\{))/g;

interface Piece {
  /** Where it begins in the text that was made, and in the source. */
  readonly start: number;
  readonly origin: number;
  /** Whether it was taken over letter by letter. */
  readonly isCopy: boolean;
}

/**
 * Replaces `$NAME`, `${NAME}` and `${NAME:-default}`; `$$` is a `$`. Lines that are a comment stay as they are.
 * @throws {CommandError} for a variable that has no value
 * Source: command-line.md 6.4
 */
export function expand(source: Source, lookup: Lookup): Expanded {
  const pieces: Piece[] = [];
  let text = '';
  const add = (more: string, origin: number, isCopy: boolean) => {
    pieces.push({ start: text.length, origin, isCopy });
    text += more;
  };
  let lineStart = 0;
  for (const line of source.text.split(/(?<=\n)/)) {
    let done = 0;
    for (const found of line.trimStart().startsWith('#') ? [] : line.matchAll(VARIABLE)) {
      const origin = lineStart + found.index;
      add(line.slice(done, found.index), lineStart + done, true);
      add(
        valueOf(found, lookup, () => placeAt(source, origin)),
        origin,
        false,
      );
      done = found.index + found[0].length;
    }
    add(line.slice(done), lineStart + done, true);
    lineStart += line.length;
  }
  return { text, placeAt: (offset) => placeAt(source, originOf(pieces, offset)) };
}

function valueOf([, dollar, bare, braced, fallback, open]: RegExpMatchArray, lookup: Lookup, place: () => Place): string {
  if (dollar !== undefined) return '$';
  if (open !== undefined) throw malformed(place(), 'Here begins no variable: write ${NAME} or ${NAME:-default}, and $$ for a "$".');
  const name = bare ?? braced ?? '';
  const value = lookup(name);
  if (fallback !== undefined && (value === undefined || value === '')) return fallback;
  if (value !== undefined) return value;
  throw misused(
    place(),
    `Variable '${name}' is not defined.`,
    `Give --variable ${name}=VALUE, set it in the environment, or under "variables".`,
  );
}

function originOf(pieces: readonly Piece[], offset: number): number {
  const piece = pieces.findLast(({ start }) => start <= offset);
  if (piece === undefined) return 0;
  return piece.isCopy ? piece.origin + offset - piece.start : piece.origin;
}

/**
 * Replaces the variables of a whole configuration. What is given counts before the environment, and this before the section
 * `variables`, which is taken out.
 * @throws {CommandError}
 */
export function expandAll(source: Source, given: ReadonlyMap<string, string>, env: Readonly<Record<string, string | undefined>>): Expanded {
  const outside: Lookup = (name) => given.get(name) ?? env[name];
  const { values, rest } = takeVariables(source, outside);
  return expand({ ...source, text: rest }, (name) => outside(name) ?? values.get(name));
}

/** The section is read before anything is replaced; in its place blanks stay, so that nothing moves. */
function takeVariables(source: Source, outside: Lookup): { readonly values: ReadonlyMap<string, string>; readonly rest: string } {
  const values = new Map<string, string>();
  // What is wrong elsewhere is found when the variables are replaced.
  const { contents } = parseDocument(source.text, { prettyErrors: false, logLevel: 'silent' });
  const pair = isMap(contents) ? contents.items.find(({ key }) => isScalar(key) && key.value === 'variables') : undefined;
  const section = pair?.value;
  if (section === undefined || section === null || (isScalar(section) && section.value === null)) return { values, rest: source.text };
  const [start, , end] = rangeOf(section);
  if (!isMap(section)) throw malformed(placeAt(source, start), 'variables: Write NAME: VALUE, one a line.');
  for (const item of section.items) {
    const at = placeAt(source, rangeOf(item.key)[0]);
    const name = isScalar(item.key) ? String(item.key.value) : '';
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw malformed(at, `variables: ${JSON.stringify(name)} is no name: letters, digits and "_", not beginning with a digit.`);
    if (!isScalar(item.value)) throw malformed(at, `variables: ${name}: A variable is a text or a number.`);
    if (outside(name) !== undefined) continue;
    const { text } = expand({ name: source.name, text: textOfScalar(item.value) }, (other) => {
      const found = outside(other);
      if (found === undefined) throw misused(at, `variables: ${name}: Variable '${other}' is not defined.`);
      return found;
    });
    if (text === '') throw misused(at, `variables: Empty value for variable '${name}'`);
    values.set(name, text);
  }
  const blank = source.text.slice(start, end).replaceAll(/[^\n]/g, ' ');
  return { values, rest: source.text.slice(0, start) + blank + source.text.slice(end) };
}

function rangeOf(node: unknown): readonly [start: number, valueEnd: number, end: number] {
  const { range } = node as { readonly range?: readonly [number, number, number] | null };
  return range ?? [0, 0, 0];
}
