import fc from 'fast-check';
import type { BooleanPolicy } from '../../policies/boolean.ts';
import { boolean, type Expression, float, hasItems, integer, list, name, OPERATORS, sequence, string } from '../../policies/expression.ts';
import { type Policy, policyOf } from '../../policies/policy.ts';
import { attributeSets } from './attributes.ts';

const OPERATOR_NAMES = OPERATORS.map(name);
const TEXT_NAMES = ['subject.role', 'subject.team', 'subject.site', 'subject.identifier', 'resource.id'] as const;
const ODD_NAMES = [
  'role',
  'subject.a b',
  'subject.__proto__',
  'subject.',
  'true',
  'inf',
  '$x',
  '-x',
  'a"b',
  '\u202e',
  'subject.ü',
  'and',
] as const;
const TEXTS = ['dba', 'dev', 'true', '', 'db', 'dba\0', '1', 'ü', '\u{1f600}', '\uff5e', '"\\', '\u202e', '\n\0'] as const;

/** Of `expressions`. */
export interface ExpressionOptions {
  /** How deep operators are nested; 2 unless given. */
  readonly depthMax?: number;
  /** The names that stand for text; those of ordinary attributes and facts unless given. */
  readonly names?: readonly string[];
  /** Leaves out what is nearly always an error: odd names, wrong arguments. */
  readonly isTame?: boolean;
}

/** Expressions that a policy may be: mostly of the right types, some with any arguments at all. Shrinks towards `(and)`. */
export function expressions({ depthMax = 2, names = TEXT_NAMES, isTame = false }: ExpressionOptions = {}): fc.Arbitrary<Expression> {
  const literal = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...TEXTS) },
    { weight: isTame ? 0 : 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 10 }) },
  );
  const known = fc.constantFrom(...names).map(name);
  const odd = fc.constantFrom(...ODD_NAMES).map(name);
  const texts = fc.oneof(
    { weight: 3, arbitrary: known },
    { weight: 3, arbitrary: literal.map(string) },
    { weight: isTame ? 0 : 1, arbitrary: odd },
  );
  const integers = fc.oneof(fc.bigInt({ min: -3n, max: 3n }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })).map(integer);
  const floats = fc.oneof(fc.constantFrom(0, -0, 1.5, NaN, Infinity, -Infinity, 1e16, 1e-5, 1e21), fc.double()).map(float);
  const atoms = fc.oneof(texts, integers, floats, fc.boolean().map(boolean));
  // One kind an array, since that is what may stand in a sequence.
  const alike = (maxLength: number) =>
    fc.oneof(
      ...[literal.map(string), known, integers, floats, fc.boolean().map(boolean)].map((each) => fc.array<Expression>(each, { maxLength })),
    );
  const sequences = fc.oneof(
    { weight: 4, arbitrary: alike(4).map((items) => sequence(...items)) },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.array(integers, { maxLength: 2 }), { maxLength: 3 })
        .map((rows) => sequence(...rows.map((row) => sequence(...row)))),
    },
  );

  const call = (operator: string, operands: fc.Arbitrary<readonly Expression[]>) => operands.map((items) => list(name(operator), ...items));
  const some = (each: fc.Arbitrary<Expression>, minLength = 0, maxLength = 3) => fc.array(each, { minLength, maxLength });
  const conditions = (depth: number): fc.Arbitrary<Expression> => {
    const inner =
      depth === 0
        ? fc.boolean().map(boolean)
        : fc.oneof({ weight: 4, arbitrary: conditions(depth - 1) }, { weight: 1, arbitrary: fc.boolean().map(boolean) });
    const chosen =
      depth === 0 ? texts : fc.oneof({ weight: 3, arbitrary: texts }, { weight: 1, arbitrary: call('if', fc.tuple(inner, texts, texts)) });
    const ordered = fc.oneof(some(chosen, 2), some(integers, 2), some(floats, 2));
    return fc.oneof(
      { weight: 2, arbitrary: call('and', some(inner)) },
      { weight: 2, arbitrary: call('or', some(inner)) },
      { weight: 2, arbitrary: call('not', some(inner, 1, 1)) },
      { weight: 1, arbitrary: call('if', some(inner, 3, 3)) },
      { weight: 4, arbitrary: call('=', some(chosen, 2)) },
      { weight: 1, arbitrary: fc.boolean().map((value) => list(name('='), name('subject.has_credential'), boolean(value))) },
      { weight: 1, arbitrary: call('!=', some(chosen)) },
      { weight: 1, arbitrary: call('<', ordered) },
      { weight: 1, arbitrary: call('>', ordered) },
      {
        weight: 2,
        arbitrary: call(
          'member?',
          fc.tuple(
            texts,
            fc.oneof(some(literal.map(string), 0, 4), some(known)).map((items) => sequence(...items)),
          ),
        ),
      },
      { weight: 1, arbitrary: call('exists?', some(known, 1)) },
      { weight: isTame ? 0 : 1, arbitrary: wild(depth) },
    );
  };
  const wild = (depth: number): fc.Arbitrary<Expression> => {
    const item = depth === 0 ? fc.oneof(atoms, sequences) : fc.oneof(atoms, sequences, wild(depth - 1), conditions(depth - 1));
    return fc
      .tuple(fc.constantFrom<Expression>(...OPERATOR_NAMES), fc.array(item, { maxLength: 4 }))
      .map(([first, rest]) => list(first, ...rest));
  };
  return conditions(depthMax);
}

/** Policies, of expressions as `expressions` makes them. */
export function policies(options?: ExpressionOptions): fc.Arbitrary<Policy> {
  return expressions(options).map(policyOf);
}

/** Policies of the boolean form, with names that look like keywords. Shrinks towards one name. */
export function booleanPolicies(depthMax = 4): fc.Arbitrary<BooleanPolicy> {
  const names = fc
    .oneof(
      fc.constantFrom('a', 'b', 'nota', 'order', 'and', 'or', 'not', 'true', '-x', 'a.b'),
      fc.stringMatching(/^[A-Za-z_-][A-Za-z0-9._-]{0,8}$/),
    )
    .map((text): BooleanPolicy => ({ kind: 'name', name: text }));
  if (depthMax === 0) return names;
  const inner = booleanPolicies(depthMax - 1);
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 2, arbitrary: names },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('or', 'and'), left: inner, right: inner }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('not'), of: inner }) },
  );
}

/**
 * Members of a project with their attributes: one in four has no credential. The identifiers are all different.
 * @param countMax 4 unless given
 */
export function members(countMax = 4): fc.Arbitrary<{ identifier: string; attributes: ReadonlyMap<string, string> | undefined }[]> {
  const values = fc.constantFrom(...TEXTS);
  const ordinary = fc
    .dictionary(fc.constantFrom('role', 'team', 'site'), values, { maxKeys: 3 })
    .map((each) => new Map(Object.entries(each)));
  const attributes = fc.oneof(
    { weight: 2, arbitrary: ordinary },
    { weight: 1, arbitrary: attributeSets(4) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
  return fc
    .array(attributes, { maxLength: countMax })
    .map((all) => all.map((each, index) => ({ identifier: `I${String(index).padStart(64, '0')}`, attributes: each })));
}

/** Texts that may be policies and mostly are not: their words and brackets in any order, with much or nothing between them. */
export function policyTexts(): fc.Arbitrary<string> {
  const words = [
    ...OPERATORS,
    ...[
      '(',
      ')',
      '[',
      ']',
      '"',
      '"dba"',
      '"\\',
      '\\u{41}',
      '\\41',
      ';;',
      '(;',
      ';)',
      '$',
      '@',
      '#',
      ',',
      '{',
      '}',
      ';',
      "'",
      '\0',
      'é',
      '\u{1f600}',
      '\u202e',
    ],
    ...[
      'subject.role',
      'a',
      'nota',
      '1',
      '-1',
      '1_0',
      '0x10',
      '1.5',
      '1e5',
      'nan',
      'inf',
      'true',
      'false',
      '9223372036854775808',
      '\ud800',
      '\n',
      '\r\n',
    ],
  ];
  return fc.oneof(
    fc.array(fc.tuple(fc.constantFrom(...words), fc.constantFrom('', ' ', ' ', '\t')), { maxLength: 30 }).map((all) => all.flat().join('')),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .tuple(fc.constantFrom(...words), fc.nat(20_000))
      .map(([word, count]) => word.repeat(Math.min(count, Math.floor(20_000 / word.length)))),
  );
}

/** The strings that stand in an expression. */
export function textsIn(expression: Expression): string[] {
  if (hasItems(expression)) return expression.items.flatMap(textsIn);
  return expression.kind === 'string' ? [expression.value] : [];
}
