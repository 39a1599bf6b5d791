import { describe, expect, test } from 'vitest';
import { isReservedAttribute } from '../../identities/attributes.ts';
import { booleanToExpression, parseBoolean } from '../../policies/boolean.ts';
import { environmentOf, isReservedName } from '../../policies/environment.ts';
import { PolicyError } from '../../policies/errors.ts';
import { decide, type Environment, evaluate } from '../../policies/evaluate.ts';
import { boolean, type Scalar, string } from '../../policies/expression.ts';
import { parseExpression } from '../../policies/parse.ts';
import { parsePolicy, type Policy } from '../../policies/policy.ts';
import * as cbor from '../../policies/policy-cbor.ts';
import { printExpression, printValue } from '../../policies/print.ts';
import { hex } from '../../runtime/random.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface BuiltText {
  readonly prefix: string;
  readonly pattern: string;
  readonly repeat: number;
  readonly middle: string;
  readonly repeat_suffix: string;
  readonly suffix: string;
}
interface Case {
  readonly name: string;
  readonly expr: string | BuiltText;
  readonly expect: string;
  readonly budget_ms?: number;
}

const { cases } = readVectors<{ cases: Case[] }>('strings/policies.json');
const { names } = readVectors<{ names: string[] }>('strings/attributes.json');

function textOf({ expr }: Case): string {
  if (typeof expr === 'string') return expr;
  return `${expr.prefix}${expr.pattern.repeat(expr.repeat)}${expr.middle}${expr.repeat_suffix.repeat(expr.repeat)}${expr.suffix}`;
}

const none: Environment = new Map<string, Scalar>();

/** What becomes of a text: refused with a code, or allowed or denied for a subject of whom these facts are known. */
function verdict(text: string, environment = none): string {
  try {
    return decide(parsePolicy(text).expression, environment).allowed ? 'allow' : 'deny';
  } catch (thrown) {
    if (thrown instanceof PolicyError) return thrown.code;
    throw thrown;
  }
}

const subject = (...attributes: string[]): Environment => new Map(attributes.map((each) => [`subject.${each}`, string('true')]));

/** What we decided where the file leaves it open. A text that is no policy is never stored, so it allows nobody. */
const PINNED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'bare identifier': 'deny',
    'bare true': 'deny',
    'or with error': 'deny',
    'i64 max': 'allow',
    inf: 'allow',
    // A character is written \u{0}, with braces.
    'nul in string': 'POLICY_SYNTAX',
    escape: 'deny',
    'keyword glued': 'deny',
    'not glued': 'deny',
    'or glued': 'deny',
    'and in name': 'deny',
    'identifier too short': 'deny',
    'identifier shortcut': 'deny',
    'infix precedence': 'deny',
    'quote in value': 'POLICY_SYNTAX',
    // Values, not operators: the language's documents refuse them before anything is evaluated.
    'string result': 'POLICY_SYNTAX',
    'int result': 'POLICY_SYNTAX',
  }),
);

test('61 texts and 42 names', () => {
  expect([cases.length, names.length]).toEqual([61, 42]);
});

test.each(cases)('$name', (one) => {
  const text = textOf(one);
  // Time of the processor: other tests share it.
  const start = process.cpuUsage();
  const found = verdict(text);
  expect(process.cpuUsage(start).user / 1_000).toBeLessThan(one.budget_ms ?? 50);
  const pinned = PINNED.get(one.name);
  if (pinned !== undefined) return expect(found).toBe(pinned);
  switch (one.expect) {
    case 'reject':
      return expect(found).toMatch(/^POLICY_/);
    case 'deny':
      return expect(found).toBe('deny');
    case 'reject or deny':
      return expect(found).toMatch(/^POLICY_|^deny$/);
    default:
      expect(one.expect).toMatch(/^(reject or correct value; never crash|correct value or reject)$/);
      return expect(found).toBe(expectedOfBuilt(one));
  }
});

/** Nested deeper than 64 and longer than 16 KiB is refused; `(and true ...)` is as deep as one. */
function expectedOfBuilt({ name }: Case): string {
  return name === 'wide and x100' || name === 'wide and x1000' ? 'allow' : 'POLICY_LIMIT';
}

test('just inside the limits the values are right', () => {
  const nested = (count: number) => `${'(not '.repeat(count)}(= 1 1)${')'.repeat(count)}`;
  expect([verdict(nested(62)), verdict(nested(63)), verdict(nested(64))]).toEqual(['allow', 'deny', 'POLICY_LIMIT']);
  const joined = (count: number) => Array.from({ length: count }, () => 'a').join(' and ');
  expect([verdict(joined(64), subject('a')), verdict(joined(65), subject('a'))]).toEqual(['allow', 'POLICY_LIMIT']);
  const wrapped = (count: number) => `${'('.repeat(count)}a${')'.repeat(count)}`;
  expect([verdict(wrapped(64), subject('a')), verdict(wrapped(65), subject('a'))]).toEqual(['allow', 'POLICY_LIMIT']);
});

describe('what the file leaves to us', () => {
  test.each([
    ['a or not b and c', [[], ['a'], ['b'], ['c'], ['b', 'c'], ['a', 'b', 'c']], 'deny allow deny deny deny allow'],
    ['aandb', [['aandb'], ['a', 'b']], 'allow deny'],
    ['nota', [['nota'], ['a']], 'allow deny'],
    ['nothing', [['nothing'], []], 'allow deny'],
    ['notary', [['notary']], 'allow'],
    ['order', [['order']], 'allow'],
    ['android', [['android']], 'allow'],
    ['true', [['true'], []], 'allow deny'],
    ['subject.a', [['subject.a'], ['a']], 'allow deny'],
    ['I1234', [['I1234']], 'allow'],
    [`I${'0'.repeat(64)}`, [[`I${'0'.repeat(64)}`], []], 'allow deny'],
  ])('%s', (text, subjects, expected) => {
    expect(subjects.map((attributes) => verdict(text, subject(...attributes))).join(' ')).toBe(expected);
  });

  test('not over and over or, as it would be in full, errors included', () => {
    const full = parsePolicy('a or not b and c').text;
    expect(full).toBe('(or (= subject.a "true") (and (not (= subject.b "true")) (= subject.c "true")))');
    const [yes, no] = [string('true'), string('false')];
    const truth = [yes, no].flatMap((a) => [yes, no].flatMap((b) => [yes, no].map((c) => [a, b, c] as const)));
    const found = truth.map(([a, b, c]) =>
      verdict(
        'a or not b and c',
        new Map([
          ['subject.a', a],
          ['subject.b', b],
          ['subject.c', c],
        ]),
      ),
    );
    expect(found).toEqual(['allow', 'allow', 'allow', 'allow', 'deny', 'deny', 'allow', 'deny']);
  });

  test('escapes and a NUL are read as they are written', () => {
    const holds = (text: string, value: string) => verdict(text, new Map([['subject.a', string(value)]]));
    expect(holds('(= subject.a "x\\u{0}y")', 'x\0y')).toBe('allow');
    expect(holds('(= subject.a "\\"\\\\")', '"\\')).toBe('allow');
  });
});

describe('attributes with names that mislead', () => {
  const identifier = `I${'1'.repeat(64)}`;
  const builtIn = [
    `(= subject.identifier "${identifier}")`,
    '(= subject.has_credential true)',
    '(= resource.id "outlet")',
    '(= action.id "handle_message")',
    '(exists? subject.role)',
  ].map((text) => parsePolicy(text));
  const bind = (attributes: ReadonlyMap<string, string> | undefined) =>
    environmentOf({ resource: 'outlet', action: 'handle_message', identifier, authority: true, attributes });
  const outcomes = (policies: readonly Policy[], environment: Environment) =>
    policies.map(({ expression }) => decide(expression, environment).allowed);

  test.each(names)('%j changes no policy that reads a fact of the node', (name) => {
    const before = outcomes(builtIn, bind(new Map()).environment);
    const { environment, skipped } = bind(new Map([[name, 'shadow']]));
    const expected = name === 'role' ? before.with(4, true) : before;
    expect(outcomes(builtIn, environment)).toEqual(expected);
    expect(skipped).toEqual(isReservedAttribute(name) ? [name] : []);
    expect(isReservedName(name)).toBe(isReservedAttribute(name));
    if (name !== '' && !isReservedAttribute(name)) {
      const asked = printExpression(
        parseExpression(
          `(= $"subject.${name.replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\0', '\\00').replaceAll('\u202e', '\\u{202e}')}" "shadow")`,
        ),
      );
      expect([asked, decide(parseExpression(asked), environment).allowed]).toEqual([asked, true]);
    }
  });
});

// Source: routing.md 8.5
const ATTRIBUTES: Environment = new Map([
  ['subject.a', string('true')],
  ['subject.n', string('5')],
]);
const VALUES: readonly (readonly [text: string, result: string])[] = [
  ['(= subject.a "true")', 'true'],
  ['(= subject.n 5)', 'type'],
  ['(and)', 'true'],
  ['(or)', 'false'],
  ['(and true "x")', '"x"'],
  ['(and "x" true)', 'type'],
  ['(and false "x")', 'false'],
  ['(or false 5)', '5'],
  ['(or 5 true)', 'type'],
  ['(not (and true "x"))', 'type'],
  ['(if true true unbound)', 'true'],
  ['(if 1 2 3)', 'type'],
  ['(< 1 2 3)', 'true'],
  ['(< 1 3 2)', 'false'],
  ['(< 1)', 'arity'],
  ['(= 1)', 'arity'],
  ['(< 1 2.0)', 'type'],
  ['(= 1 1 2)', 'false'],
  ['(= 1 2 "a")', 'false'],
  ['(= "a" "a" 3)', 'type'],
  ['(!=)', 'false'],
  ['(!= 1)', 'false'],
  ['(!= 1 "a")', 'type'],
  ['(!= 1 2 1)', 'true'],
  ['(member? 1 [1 2])', 'true'],
  ['(member? "a" [])', 'false'],
  ['(member? 1 ["a"])', 'type'],
  ['(member? [1] [[1] [2]])', 'true'],
  ['(member? subject.a ["true" "x"])', 'true'],
  ['(member? 1 2)', 'type'],
  ['(exists?)', 'true'],
  ['(exists? subject.zz)', 'false'],
  ['(exists? subject.a 5)', 'type'],
  ['(exists? subject.zz 5)', 'false'],
  ['(or true (= subject.zz "1"))', 'true'],
  ['(or (= subject.zz "1") true)', 'unbound'],
  ['(and (or) (foo))', 'false'],
  ['(and (foo))', 'operator'],
  ['(and ())', '()'],
  ['((and) true)', 'operator'],
  ['and true false', 'false'],
  ['and', 'unbound'],
  ['(= [1] [1 2])', 'false'],
  ['(< [1] [1 2])', 'true'],
  ['(< [2 1] [1 9])', 'false'],
  ['(< [1 2] [3])', 'false'],
  ['(< "z" "é")', 'true'],
  ['(< "a" "B")', 'false'],
  ['(= nan nan)', 'false'],
  ['(= inf +inf)', 'true'],
  ['(= 0x10 16)', 'true'],
  ['(= 1e3 1000.0)', 'true'],
  ['(= "\\u{41}" "A")', 'true'],
  ['(= "\\41" "A")', 'true'],
  ['(= $subject.a "true")', 'true'],
  ['(= @subject.a "true")', 'true'],
  ['(= 1 1) (= 1 2)', 'operator'],
  ['and)', 'true'],
  [';; c\n(= 1 1)', 'true'],
  ['(= 1 (; x (; y ;) ;) 1)', 'true'],
];
const NO_EXPRESSIONS = [
  ...['(foo 1)', 'true', '()', '[1 2]', ')', '(and', '(and [1 2)', '(= [1 "a"] [1])', '(= 9223372036854775808 1)', '(= 1_0.5 10.5)'],
  ...['(= .5 0.5)', '(= 1__0 10)', '(= 12abc 1)', '(= é "é")', '(= a#b 1)', '(= a|b 1)', '(= a,b 1)', '(= -a 1)', "(= 'a' 1)"],
  ...['(= subject.a"true" 1)', '(= "\\ff" "a")', 'a or b', '', '  '],
];

describe('the full form', () => {
  test('60 values and 24 texts that are none', () => {
    expect([VALUES.length, NO_EXPRESSIONS.length]).toEqual([60, 24]);
  });

  test.each(VALUES)('%s', (text, expected) => {
    const outcome = evaluate(parseExpression(text), ATTRIBUTES);
    expect(outcome.kind === 'fault' ? outcome.code : printValue(outcome)).toBe(expected);
    expect(decide(parseExpression(text), ATTRIBUTES).allowed).toBe(expected === 'true');
  });

  test.each(NO_EXPRESSIONS)('%j is none', (text) => {
    expect(() => parseExpression(text)).toThrow(expect.objectContaining({ code: 'POLICY_SYNTAX' }));
  });

  test('(exists?) asks for nothing: true where it is evaluated, refused where a person types it', () => {
    expect(decide(parseExpression('(exists?)'), none).allowed).toBe(true);
    expect(verdict('(or (exists?) a)')).toBe('POLICY_VALUE');
  });

  test('a default policy with the fact unknown, false and true', () => {
    const policy = parseExpression('(= subject.has_credential true)');
    const outcomes = [none, ...[false, true].map((value) => new Map([['subject.has_credential', boolean(value)]]))];
    expect(outcomes.map((environment) => decide(policy, environment).outcome.kind)).toEqual(['fault', 'boolean', 'boolean']);
    expect(outcomes.map((environment) => decide(policy, environment).allowed)).toEqual([false, false, true]);
  });
});

// Source: routing.md 8.6, with the word boundaries of decisions.md D11
const is = (attribute: string) => `(= subject.${attribute} "true")`;
const TRANSLATIONS: readonly (readonly [text: string, full: string])[] = [
  ['a', is('a')],
  ['a and b', `(and ${is('a')} ${is('b')})`],
  ['a or b and not c', `(or ${is('a')} (and ${is('b')} (not ${is('c')})))`],
  ['a and b and c', `(and (and ${is('a')} ${is('b')}) ${is('c')})`],
  ['a or b or c', `(or (or ${is('a')} ${is('b')}) ${is('c')})`],
  ['not not a', `(not (not ${is('a')}))`],
  ['not (not a)', `(not (not ${is('a')}))`],
  ['(a)and(b)', `(and ${is('a')} ${is('b')})`],
  ['a\tand\nb', `(and ${is('a')} ${is('b')})`],
  ['( ( (a )))', is('a')],
  ['a.b-c_d', is('a.b-c_d')],
  ['___reserved', is('___reserved')],
  ['name.1', is('name.1')],
  ['-a', is('-a')],
  ['subject.a', is('subject.a')],
  [' (a)', is('a')],
  ['(a) ', is('a')],
  [' not a', `(not ${is('a')})`],
  ['(not a)', `(not ${is('a')})`],
  ['(and)', is('and')],
  ['nothing', is('nothing')],
  ['notes or a', `(or ${is('notes')} ${is('a')})`],
  ['x and notify', `(and ${is('x')} ${is('notify')})`],
  ['aorb', is('aorb')],
  ['a-and-b', is('a-and-b')],
  ['and', is('and')],
  ['component.db or component.web', `(or ${is('component.db')} ${is('component.web')})`],
];
const NO_BOOLEANS = [
  ...['*', '1', '1a', '.a', '()', '', 'na*me', 'a and', 'a b', 'a and b not c', '(a and b) or (c and d))', 'NOT a', 'a && b'],
  ...[' a', 'a ', 'a orb', '(or a b)', '(and a b)', '(exists? x)', 'not and not', 'component="web"', 'component.db or'],
];

describe('the boolean form', () => {
  test('27 translations and 22 texts that are none', () => {
    expect([TRANSLATIONS.length, NO_BOOLEANS.length]).toEqual([27, 22]);
  });

  test.each(TRANSLATIONS)('%j', (text, full) => {
    expect(printExpression(booleanToExpression(parseBoolean(text)))).toBe(full);
    expect(parsePolicy(text).text).toBe(full);
  });

  test.each(NO_BOOLEANS)('%j is none', (text) => {
    expect(() => parseBoolean(text)).toThrow(expect.objectContaining({ code: 'POLICY_SYNTAX' }));
  });

  test('the part that is a policy is told, and the rest as it was written', () => {
    expect(() => parsePolicy('component.db or')).toThrow(
      expect.objectContaining({ fault: expect.objectContaining({ parsed: 'component.db', rest: ' or', line: 1, column: 16 }) as unknown }),
    );
  });
});

// Source: routing.md 8.9
describe('CBOR', () => {
  test.each([
    ['(= subject.has_credential true)', '82078183820581613d820581767375626a6563742e6861735f63726564656e7469616c820481f5'],
    ['-1', '82028120'],
    ['1.5', '820381fb3ff8000000000000'],
    ['["a"]', '820681818201816161'],
    ['()', '82078180'],
  ])('%s', (text, bytes) => {
    const whole = parseExpression(text.startsWith('(=') ? text : `(and ${text})`);
    const expression = text.startsWith('(=') ? whole : whole.kind === 'list' ? whole.items[1]! : whole;
    expect(hex(cbor.encodeExpression(expression))).toBe(bytes);
    expect(cbor.decodeExpression(fromHex(bytes))).toEqual(expression);
  });

  test.each([
    ['a', '8200816161'],
    ['a and not b', '82028282008161618203818200816162'],
  ])('the boolean policy %s', (text, bytes) => {
    expect(hex(cbor.encodeBoolean(parseBoolean(text)))).toBe(bytes);
    expect(cbor.decodeBoolean(fromHex(bytes))).toEqual(parseBoolean(text));
  });

  const sent = { kind: 'boolean', policy: parseBoolean('a') } as const;
  test.each([
    ['the empty policy', '820480', cbor.encodeBoolean, cbor.decodeBoolean, { kind: 'empty' }],
    ['a policy as it is sent', '8201818200816161', cbor.encodeSentPolicy, cbor.decodeSentPolicy, sent],
    ['a type', '820182f601', cbor.encodeSelector, cbor.decodeSelector, { type: 'tcp-inlet' }],
    ['a name', '820282f6616f', cbor.encodeSelector, cbor.decodeSelector, { name: 'o' }],
    [
      'a request',
      'a201820182f602028201818200816161',
      cbor.encodeSetPolicy,
      cbor.decodeSetPolicy,
      { resource: { type: 'tcp-outlet' }, policy: sent },
    ],
  ] as [string, string, (value: unknown) => Uint8Array, (bytes: Uint8Array) => unknown, unknown][])(
    '%s',
    (_, bytes, encode, decode, value) => {
      expect(hex(encode(value))).toBe(bytes);
      expect(decode(fromHex(bytes))).toEqual(value);
    },
  );
});
