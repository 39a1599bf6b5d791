import { expect, test } from 'vitest';
import { PolicyError } from './errors.ts';
import { decide } from './evaluate.ts';
import { type Expression, integer, list, name, sequence, type Scalar, string } from './expression.ts';
import { parsePolicy, policy, policyOf, readPolicy } from './policy.ts';
import { parseResourceType } from './resource.ts';

function errorOf(run: () => unknown): PolicyError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof PolicyError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

test.each([
  ['(= subject.a', 1, 13, 'the end of the text'],
  ['(and\n  (= subject.a "x")\n  (= subject.b "y"]', 3, 19, '"]"'],
  ['(= "é" 1_)', 1, 8, '"1_"'],
  ['(= "\u{1f600}" #)', 1, 8, '"#"'],
  ['(and\r\n\r\n;; x\r\n {)', 4, 2, '"{"'],
  ['(= "a\nb" "x")', 1, 6, 'a control character'],
  ['(= "\\q" "x")', 1, 5, 'another escape'],
  ['(member? "a" ["a" 1])', 1, 19, '"1"'],
  ['(= 1 (; a', 1, 6, 'one without an end'],
  ['(= a "', 1, 6, 'one without an end'],
  [';; \u202e\n(and)', 1, 4, 'a mark that turns text around'],
])('%j: where it stops, and what stands there', (text, line, column, found) => {
  const { code, fault, message } = errorOf(() => parsePolicy(text, 'allow.txt'));
  expect([code, fault?.file, fault?.line, fault?.column, fault?.found]).toEqual(['POLICY_SYNTAX', 'allow.txt', line, column, found]);
  expect(message).toContain('As a boolean policy, allow.txt:');
  expect(message).toContain(`allow.txt:${line}:${column}: expected `);
});

test('the constants that are attribute names in the boolean form come with a warning', () => {
  expect(parsePolicy('true').warnings).toEqual([expect.stringContaining('write (= 1 1) to allow everyone')]);
  expect(parsePolicy('a or not false').warnings).toEqual([expect.stringContaining('write (= 1 2) to allow nobody')]);
  expect(parsePolicy('a or truer').warnings).toEqual([]);
});

test('what a program puts into a policy is a value, whatever it holds', () => {
  const team = '") (= 1 1) (= "';
  expect(policy`(= subject.team ${team})`.text).toBe('(= subject.team "\\") (= 1 1) (= \\"")');
  expect(policy`(and (= 1 ${1}) (= 1.5 ${1.5}) (= 2 ${2n}) ${true})`.text).toBe('(and (= 1 1) (= 1.5 1.5) (= 2 2) true)');
  const environment = new Map<string, Scalar>([['subject.team', string(team)]]);
  expect(decide(policy`(= subject.team ${team})`.expression, environment).allowed).toBe(true);
  expect(decide(policy`(= subject.team ${'db'})`.expression, environment).allowed).toBe(false);
});

test('a stored text is read in full form only', () => {
  expect(readPolicy('(and)').text).toBe('(and)');
  expect(parsePolicy('(and)').text).toBe('(= subject.and "true")');
  expect(errorOf(() => readPolicy('a or b')).code).toBe('POLICY_SYNTAX');
});

test.each<[string, Expression, string]>([
  ['no operator', string('x'), 'POLICY_VALUE'],
  ['half a surrogate pair', list(name('='), string('\ud800'), string('x')), 'POLICY_VALUE'],
  ['an empty name', list(name('='), name(''), string('x')), 'POLICY_VALUE'],
  ['an integer of 65 bits', list(name('='), integer(2n ** 63n), integer(1n)), 'POLICY_VALUE'],
  ['a mixed sequence', list(name('member?'), string('x'), sequence(string('x'), integer(1n))), 'POLICY_VALUE'],
  ['too deep', Array.from({ length: 40_000 }).reduce<Expression>((inner) => list(name('not'), inner), string('x')), 'POLICY_LIMIT'],
  ['too many', list(name('and'), ...Array.from({ length: 9_000 }, () => string('x'))), 'POLICY_LIMIT'],
  ['too long', list(name('='), string('x'.repeat(20_000))), 'POLICY_LIMIT'],
])('an expression with %s is no policy', (_, expression, code) => {
  expect(errorOf(() => policyOf(expression)).code).toBe(code);
});

test('an expression that nobody checked is evaluated within its bounds', () => {
  const deep = Array.from({ length: 40_000 }).reduce<Expression>((inner) => list(name('not'), inner), string('x'));
  expect(decide(deep, new Map<string, Scalar>())).toMatchObject({ allowed: false, outcome: { code: 'limit' } });
  const wide = list(name('and'), ...Array.from({ length: 40_000 }, () => list(name('and'))));
  expect(decide(wide, new Map<string, Scalar>())).toMatchObject({ allowed: false, outcome: { code: 'limit' } });
});

test('types of resources have seven names', () => {
  expect(parseResourceType('tcp-outlet')).toBe('tcp-outlet');
  expect(errorOf(() => parseResourceType('outlet')).code).toBe('POLICY_RESOURCE');
});
