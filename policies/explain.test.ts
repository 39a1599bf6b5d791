import { expect, test } from 'vitest';
import { explain } from './explain.ts';
import { boolean, type Scalar, string } from './expression.ts';
import { comparePolicies } from './plan.ts';
import { parsePolicy } from './policy.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, index) => `subject.a${index}`);
const member = (count: number) =>
  new Map<string, Scalar>([['subject.has_credential', boolean(true)], ...upTo(count).map((name) => [name, string('y')] as const)]);
const and = (parts: readonly string[]) => parsePolicy(`(and ${parts.join(' ')})`).expression;

// Source: decisions.md D10
test('16 questions are decided, of 17 the best found is given', () => {
  for (const [count, decided] of [
    [16, true],
    [17, false],
  ] as const) {
    const { flip } = explain(and(upTo(count).map((name) => `(= ${name} "x")`)), member(count));
    expect([flip.decided, flip.found?.size]).toEqual([decided, count]);
  }
});

test('that no change allows is told only where all were tried', () => {
  const never = (count: number) => and([...upTo(count).map((name) => `(or (= ${name} "x") true)`), '(or)']);
  expect(explain(never(8), member(8)).flip).toEqual({ decided: true, found: undefined });
  expect(explain(never(17), member(17)).flip).toEqual({ decided: false, found: undefined });
});

test('two ways to ask for the same are the same: nobody has an attribute without a credential', () => {
  const compare = (first: string, second: string) => {
    const { decided, gains, loses } = comparePolicies(parsePolicy(first).expression, parsePolicy(second).expression);
    const facts = (witness: typeof gains) => witness && Object.fromEntries([...witness.facts].map(([name, { value }]) => [name, value]));
    return { decided, gains: facts(gains), loses: facts(loses) };
  };
  expect(compare('(= subject.role "dba")', '(and (= subject.has_credential true) (= subject.role "dba"))')).toEqual({
    ...{ decided: true, gains: undefined, loses: undefined },
  });
  expect(compare('(= subject.role "dba")', '(member? subject.role ["dba" "dev"])')).toMatchObject({
    ...{ decided: true, gains: { 'subject.role': 'dev', 'subject.has_credential': true }, loses: undefined },
  });
  const someone = `I${'1'.repeat(64)}`;
  expect(compare('(= 1 2)', `(= subject.identifier "${someone}")`).gains).toMatchObject({ 'subject.identifier': someone });
  expect(compare('(= 1 2)', '(< subject.identifier "I5")').decided).toBe(false);
});
