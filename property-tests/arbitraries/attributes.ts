import fc from 'fast-check';

const ORDINARY_NAMES = ['role', 'team', 'site', 'member', 'level'] as const;
/** Of a name and of a value, in UTF-8. Source: reliability.md 2.3 */
const ATTRIBUTE_BYTES_MAX = 1024;
/** Names that mislead a policy's parser, an object, a terminal or a reader. Source: vectors/strings/attributes.json */
const ODD_NAMES = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'then', 'subject', 'enroller', 'trust_context_id'],
  ...['', 'a b', 'a\nb', 'a"b', 'a)b', '(a', 'true', 'false', 'and', 'or', 'not', 'if', 'member?', 'exists?', '=', '!=', '<', '>'],
  ...['-1', '1e9', 'NaN', '\u0000', '\u202e', 'ü', 'x'.repeat(ATTRIBUTE_BYTES_MAX)],
] as const;
const VALUES = ['', 'dba', 'true', 'false', '1', '-1', '10', '9', 'DBA', ' dba', '\u0000', '💥', 'x'.repeat(ATTRIBUTE_BYTES_MAX)] as const;

/** Names of attributes that an authority may give: no facts of the node itself such as `identifier`. Shrinks towards `role`. */
export function attributeNames(): fc.Arbitrary<string> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 4, arbitrary: fc.constantFrom(...ORDINARY_NAMES) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_NAMES) },
  );
}

/**
 * Attributes as a credential holds them, text by name: 0 to `countMax`, in any order. Values are mostly those that policies
 * mistake for each other, some any text. Shrinks towards none, then towards `role` with an empty text.
 * @param countMax 8 unless given; a credential holds 64
 */
export function attributeSets(countMax = 8): fc.Arbitrary<ReadonlyMap<string, string>> {
  const values = fc.oneof(
    { withCrossShrink: true },
    { weight: 3, arbitrary: fc.constantFrom(...VALUES) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  );
  return fc.array(fc.tuple(attributeNames(), values), { maxLength: countMax }).map((entries) => new Map(entries));
}
