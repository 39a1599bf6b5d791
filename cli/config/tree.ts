import { type Document, isAlias, isMap, isScalar, isSeq, parseDocument, type Scalar } from 'yaml';
import { malformed, type Place } from './place.ts';
import { textOfScalar } from './scalar.ts';
import type { Expanded } from './variables.ts';

/** A configuration, each part with its place. Numbers stay as they are written: `080` is no 80. */
export type Tree =
  | { readonly kind: 'text'; readonly place: Place; readonly text: string; readonly boolean: boolean | undefined }
  | { readonly kind: 'none'; readonly place: Place }
  | { readonly kind: 'list'; readonly place: Place; readonly items: readonly Tree[] }
  | Mapping;

export interface Mapping {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly key: string;
  /** That of the key. */
  readonly place: Place;
  readonly value: Tree;
}

/** The shapes of sections are four deep. */
const DEPTH_MAX = 8;
/** An alias repeats what it stands for: a few lines could become very many. */
const PARTS_MAX = 10_000;

/** Reads the whole of a configuration: a map, or nothing. @throws {CommandError} */
export function readTree(expanded: Expanded): Mapping {
  const document = parseDocument(expanded.text, { prettyErrors: false, logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined) throw malformed(expanded.placeAt(error.pos[0]), `It is no YAML: ${error.message}`);
  const start = expanded.placeAt(0);
  if (document.contents === null) return { kind: 'map', place: start, entries: [] };
  const tree = new Reader(document, expanded).read(document.contents, start, 0);
  if (tree.kind === 'none') return { kind: 'map', place: start, entries: [] };
  if (tree.kind !== 'map') throw malformed(tree.place, 'A configuration is a map of keys.', 'Such as: tcp-outlet: {to: 5432}');
  return tree;
}

class Reader {
  readonly #document: Document;
  readonly #expanded: Expanded;
  #parts = 0;

  constructor(document: Document, expanded: Expanded) {
    this.#document = document;
    this.#expanded = expanded;
  }

  read(node: unknown, beside: Place, depth: number): Tree {
    this.#parts += 1;
    const place = this.#placeOf(node) ?? beside;
    if (depth > DEPTH_MAX || this.#parts > PARTS_MAX) throw malformed(place, 'It is nested too deep, or too long.');
    if (isAlias(node)) return this.read(node.resolve(this.#document), place, depth + 1);
    if (isScalar(node)) return scalar(node, place);
    if (isSeq(node)) return { kind: 'list', place, items: node.items.map((item) => this.read(item, place, depth + 1)) };
    if (!isMap(node)) return { kind: 'none', place };
    const entries = node.items.map(({ key, value }): Entry => {
      const at = this.#placeOf(key) ?? place;
      if (!isScalar(key)) throw malformed(at, 'A key is a word.');
      return { key: String(key.value), place: at, value: this.read(value, at, depth + 1) };
    });
    return { kind: 'map', place, entries };
  }

  #placeOf(node: unknown): Place | undefined {
    const { range } = (node ?? {}) as { readonly range?: readonly number[] | null };
    return range?.[0] === undefined ? undefined : this.#expanded.placeAt(range[0]);
  }
}

function scalar(node: Scalar, place: Place): Tree {
  const { value } = node;
  if (value === null || value === undefined) return { kind: 'none', place };
  return { kind: 'text', place, text: textOfScalar(node), boolean: typeof value === 'boolean' ? value : undefined };
}
