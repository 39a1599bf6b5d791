import { Buffer } from 'node:buffer';
import type { Expression } from '../../policies/expression.ts';

/** A value of the model: text and integers tagged, floats, booleans and lists as they are. */
type Plain = { readonly text: string } | { readonly whole: bigint } | number | boolean | readonly Plain[] | 'unit';
type Term =
  | { readonly plain: Plain }
  | { readonly name: string }
  | { readonly sequence: readonly Term[] }
  | { readonly call: readonly Term[] };

/** What a policy is an error by; its reason is not the model's business. */
class Stuck extends Error {}

/**
 * The second evaluator, written from the specification as rules that rewrite a term, one step at a time, until nothing is left to
 * rewrite. Slow, and unlike the first in all but the answer. Source: routing.md 8.3, 8.4
 * @returns `error`, or the value as JSON
 */
export function rewritten(expression: Expression, facts: ReadonlyMap<string, string | boolean>): string {
  try {
    let term = termOf(expression);
    while (!isDone(term)) term = step(term, facts);
    return JSON.stringify(plainOf(term), (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : numberText(value)));
  } catch (thrown) {
    if (thrown instanceof Stuck) return 'error';
    throw thrown;
  }
}

const numberText = (value: unknown) => (typeof value === 'number' ? `#${Object.is(value, -0) ? '-0' : value}` : value);

function termOf(expression: Expression): Term {
  switch (expression.kind) {
    case 'name':
      return { name: expression.name };
    case 'sequence':
      return { sequence: expression.items.map(termOf) };
    case 'list':
      return expression.items.length === 0 ? { plain: 'unit' } : { call: expression.items.map(termOf) };
    case 'string':
      return { plain: { text: expression.value } };
    case 'integer':
      return { plain: { whole: expression.value } };
    default:
      return { plain: expression.value };
  }
}

const isDone = (term: Term): boolean => 'plain' in term || ('sequence' in term && term.sequence.every(isDone));

function plainOf(term: Term): Plain {
  if ('plain' in term) return term.plain;
  if ('sequence' in term) return term.sequence.map(plainOf);
  throw new Stuck();
}

function step(term: Term, facts: ReadonlyMap<string, string | boolean>): Term {
  if ('name' in term) {
    const fact = facts.get(term.name);
    if (fact === undefined) throw new Stuck();
    return { plain: typeof fact === 'string' ? { text: fact } : fact };
  }
  if ('sequence' in term) return { sequence: stepFirst(term.sequence, facts) };
  if ('plain' in term) throw new Error('nothing is left to rewrite');
  const [head, ...rest] = term.call;
  if (head === undefined || !('name' in head)) throw new Stuck();
  const rule = RULES.get(head.name);
  if (rule === undefined) throw new Stuck();
  const next = rule(rest, facts);
  return Array.isArray(next) ? { call: [head, ...(next as Term[])] } : (next as Term);
}

/** The first item that is not done goes one step. */
function stepFirst(terms: readonly Term[], facts: ReadonlyMap<string, string | boolean>): Term[] {
  const index = terms.findIndex((term) => !isDone(term));
  return terms.map((term, at) => (at === index ? step(term, facts) : term));
}

/** A rule gives the term a call becomes, or the operands the same call goes on with. */
type Rule = (operands: readonly Term[], facts: ReadonlyMap<string, string | boolean>) => Term | readonly Term[];

const yes: Term = { plain: true };
const no: Term = { plain: false };
const truth = (value: boolean): Term => (value ? yes : no);

const junction =
  (neutral: boolean): Rule =>
  (operands, facts) => {
    const [first, ...rest] = operands;
    if (first === undefined) return truth(neutral);
    if (rest.length === 0) return first;
    if (!isDone(first)) return stepFirst(operands, facts);
    const value = plainOf(first);
    if (typeof value !== 'boolean') throw new Stuck();
    return value === neutral ? rest : first;
  };

/** Operators whose operands are all done before they begin. */
const strict =
  (isArity: (count: number) => boolean, result: (values: readonly Plain[]) => boolean): Rule =>
  (operands, facts) => {
    if (!isArity(operands.length)) throw new Stuck();
    return operands.every(isDone) ? truth(result(operands.map(plainOf))) : stepFirst(operands, facts);
  };

const chain = (passes: (order: number) => boolean) => (values: readonly Plain[]) =>
  values.slice(1).every((value, index) => passes(order(values[index]!, value)));

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['and', junction(true)],
  ['or', junction(false)],
  [
    'not',
    strict(
      (count) => count === 1,
      ([value]) => !asTruth(value),
    ),
  ],
  [
    'if',
    (operands, facts) => {
      const [test, then, otherwise] = operands;
      if (operands.length !== 3 || !test || !then || !otherwise) throw new Stuck();
      if (!isDone(test)) return [step(test, facts), then, otherwise];
      return asTruth(plainOf(test)) ? then : otherwise;
    },
  ],
  [
    '=',
    strict(
      (count) => count >= 2,
      chain((found) => found === 0),
    ),
  ],
  [
    '!=',
    strict(
      () => true,
      (values) => !chain((found) => found === 0)(values),
    ),
  ],
  [
    '<',
    strict(
      (count) => count >= 2,
      chain((found) => found < 0),
    ),
  ],
  [
    '>',
    strict(
      (count) => count >= 2,
      chain((found) => found > 0),
    ),
  ],
  [
    'member?',
    strict(
      (count) => count === 2,
      ([wanted, all]) => {
        if (!Array.isArray(all)) throw new Stuck();
        return (all as Plain[]).some((item) => order(wanted!, item) === 0);
      },
    ),
  ],
  [
    'exists?',
    ([first, ...rest], facts) => {
      if (first === undefined) return yes;
      if (!('name' in first)) throw new Stuck();
      return facts.has(first.name) ? rest : no;
    },
  ],
]);

function asTruth(value: Plain | undefined): boolean {
  if (typeof value !== 'boolean') throw new Stuck();
  return value;
}

/** Below zero, zero, above, or NaN where there is no order. */
function order(left: Plain, right: Plain): number {
  if (typeof left === 'number' && typeof right === 'number') return left === right ? 0 : left < right ? -1 : left > right ? 1 : NaN;
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  if (left === 'unit' && right === 'unit') return 0;
  if (Array.isArray(left) && Array.isArray(right)) {
    if (left.length !== right.length) return left.length - right.length;
    for (let index = 0; index < left.length; index++) {
      const found = order(left[index] as Plain, right[index] as Plain);
      if (found !== 0) return found;
    }
    return 0;
  }
  if (typeof left === 'object' && typeof right === 'object') {
    if ('text' in left && 'text' in right) return Buffer.compare(Buffer.from(left.text), Buffer.from(right.text));
    if ('whole' in left && 'whole' in right) return Number(left.whole > right.whole) - Number(left.whole < right.whole);
  }
  throw new Stuck();
}
