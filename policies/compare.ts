import type { Value } from './expression.ts';

/** What comparing two values says; `mismatch` when they are of different types. Nothing is ever converted. */
export type Comparison = 'less' | 'same' | 'greater' | 'unordered' | 'mismatch';

/**
 * Text goes by Unicode code point, sequences by length first, `false` before `true`; NaN has no order. Source: routing.md 8.3
 */
export function compare(left: Value, right: Value): Comparison {
  switch (left.kind) {
    case 'string':
      return right.kind === 'string' ? compareTexts(left.value, right.value) : 'mismatch';
    case 'integer':
      return right.kind === 'integer' ? byOrder(left.value, right.value) : 'mismatch';
    case 'float':
      if (right.kind !== 'float') return 'mismatch';
      return Number.isNaN(left.value) || Number.isNaN(right.value) ? 'unordered' : byOrder(left.value, right.value);
    case 'boolean':
      return right.kind === 'boolean' ? byOrder(left.value, right.value) : 'mismatch';
    case 'unit':
      return right.kind === 'unit' ? 'same' : 'mismatch';
    case 'sequence':
      return right.kind === 'sequence' ? compareItems(left.items, right.items) : 'mismatch';
  }
}

/** The first difference decides: what comes after it is not even of a type. */
function compareItems(left: readonly Value[], right: readonly Value[]): Comparison {
  if (left.length !== right.length) return byOrder(left.length, right.length);
  for (const [index, item] of left.entries()) {
    const other = right[index];
    const found = other === undefined ? 'greater' : compare(item, other);
    if (found !== 'same') return found;
  }
  return 'same';
}

function byOrder<T extends bigint | number | boolean>(left: T, right: T): Comparison {
  return left < right ? 'less' : left > right ? 'greater' : 'same';
}

/** The order of code points, which is that of UTF-8 bytes; JavaScript's own puts U+1F600 before U+FF5E. */
export function compareTexts(left: string, right: string): Comparison {
  const end = Math.min(left.length, right.length);
  for (let index = 0; index < end; index++) {
    const [one, other] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (one !== other) return byOrder(afterBasic(one), afterBasic(other));
  }
  return byOrder(left.length, right.length);
}

/** Moves surrogates, which stand for the code points above the basic plane, above the rest of it. */
function afterBasic(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit;
}
