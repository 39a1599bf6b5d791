import { PolicyError } from './errors.ts';
import { EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX } from './limits.ts';

/** A value that an attribute or a fact of the node can have. Source: routing.md 8.3 */
export type Scalar =
  | { readonly kind: 'string'; readonly value: string }
  /** Signed, 64 bit. */
  | { readonly kind: 'integer'; readonly value: bigint }
  /** 64 bit. */
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean };

/** What an expression can come to. `()` is the unit: it equals itself and nothing else is of its type. */
export type Value = Scalar | { readonly kind: 'sequence'; readonly items: readonly Value[] } | { readonly kind: 'unit' };

/** A policy as it is evaluated. A list applies the operator that its first item names; a sequence is a value. Source: routing.md 8.2 */
export type Expression = Scalar | Name | Items;
export interface Name {
  readonly kind: 'name';
  readonly name: string;
}
export interface Items {
  readonly kind: 'list' | 'sequence';
  readonly items: readonly Expression[];
}

export const OPERATORS = ['and', 'or', 'not', 'if', '<', '>', '=', '!=', 'member?', 'exists?'] as const;
export type Operator = (typeof OPERATORS)[number];

export const INTEGER_MIN = -(2n ** 63n);
export const INTEGER_MAX = 2n ** 63n - 1n;

export const string = (value: string): Scalar => ({ kind: 'string', value });
export const integer = (value: bigint): Scalar => ({ kind: 'integer', value });
export const float = (value: number): Scalar => ({ kind: 'float', value });
export const boolean = (value: boolean): Scalar => ({ kind: 'boolean', value });
export const name = (text: string): Name => ({ kind: 'name', name: text });
export const list = (...items: readonly Expression[]): Items => ({ kind: 'list', items });
export const sequence = (...items: readonly Expression[]): Items => ({ kind: 'sequence', items });

export function hasItems(expression: Expression): expression is Items {
  return expression.kind === 'list' || expression.kind === 'sequence';
}

const operators: ReadonlySet<string> = new Set(OPERATORS);
export function isOperator(text: string): text is Operator {
  return operators.has(text);
}

/** Whether a whole expression may begin like this: with an operator, or with a list that does. Source: routing.md 8.2 */
export function startsWithOperator(expression: Expression): boolean {
  let first: Expression | undefined = expression;
  while (first?.kind === 'list') first = first.items[0];
  return first?.kind === 'name' && isOperator(first.name);
}

/**
 * Whether two neighbours may stand in one sequence: whether they compare without a type error, as far as comparing them goes.
 * Source: routing.md 8.2, 8.3
 */
export function areAlike(left: Expression, right: Expression): boolean {
  return likeness(left, right) !== 'unlike';
}

function likeness(left: Expression, right: Expression): 'same' | 'different' | 'unlike' {
  if (hasItems(left) || hasItems(right)) {
    if (!hasItems(left) || !hasItems(right) || left.kind !== right.kind) return 'unlike';
    if (left.items.length !== right.items.length) return 'different';
    for (const [index, item] of left.items.entries()) {
      const other = right.items[index];
      const found = other === undefined ? 'different' : likeness(item, other);
      if (found !== 'same') return found;
    }
    return 'same';
  }
  if (left.kind !== right.kind) return 'unlike';
  if (left.kind === 'name') return right.kind === 'name' && left.name === right.name ? 'same' : 'different';
  return right.kind !== 'name' && left.value === right.value ? 'same' : 'different';
}

/**
 * Checks an expression that no parser made: its size and depth, that it begins with an operator, that its sequences hold one type,
 * and that each value and name can be written down.
 * @throws {PolicyError} `POLICY_LIMIT`, `POLICY_VALUE`
 */
export function checkExpression(expression: Expression): void {
  checkParts(expression);
  if (!startsWithOperator(expression)) throw new PolicyError('POLICY_VALUE', `A policy begins with one of ${OPERATORS.join(', ')}.`);
}

/** As `checkExpression`, for a part of one. @throws {PolicyError} */
export function checkParts(expression: Expression): void {
  let nodeCount = 0;
  const check = (part: Expression, depth: number): void => {
    nodeCount += 1;
    if (nodeCount > EXPRESSION_NODES_MAX) throw tooMany();
    if (hasItems(part)) {
      if (depth === EXPRESSION_DEPTH_MAX) throw tooDeep();
      for (const item of part.items) check(item, depth + 1);
      if (part.kind === 'sequence' && unlikeNeighbour(part.items) !== undefined)
        throw new PolicyError('POLICY_VALUE', 'The items of a sequence are of one type.');
    } else {
      checkAtom(part);
    }
  };
  check(expression, 0);
}

function checkAtom(atom: Scalar | Name): void {
  const text = atom.kind === 'name' ? atom.name : atom.kind === 'string' ? atom.value : '';
  if (/\p{Cs}/u.test(text)) throw new PolicyError('POLICY_VALUE', 'Strings and names are Unicode text: half a surrogate pair is none.');
  if (atom.kind === 'name' && text === '') throw new PolicyError('POLICY_VALUE', 'A name has at least one character.');
  if (atom.kind === 'integer' && (atom.value < INTEGER_MIN || atom.value > INTEGER_MAX))
    throw new PolicyError('POLICY_VALUE', `The integer ${atom.value} is beyond 64 bits.`);
}

/** The index of the first item that is of another type than the one before it. */
export function unlikeNeighbour(items: readonly Expression[]): number | undefined {
  for (const [index, item] of items.entries()) {
    const before = items[index - 1];
    if (before !== undefined && !areAlike(before, item)) return index;
  }
  return undefined;
}

export const tooDeep = () =>
  new PolicyError('POLICY_LIMIT', `A policy is nested at most ${EXPRESSION_DEPTH_MAX} deep: write (or a b c) for a or b or c.`);
export const tooMany = () => new PolicyError('POLICY_LIMIT', `A policy has at most ${EXPRESSION_NODES_MAX} values, names and lists.`);
