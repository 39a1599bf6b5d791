import { booleanNames, booleanToExpression, readBoolean } from './boolean.ts';
import { faultText, PolicyError } from './errors.ts';
import { boolean, checkExpression, type Expression, float, hasItems, integer, string } from './expression.ts';
import { POLICY_BYTES_MAX } from './limits.ts';
import { parseExpression } from './parse.ts';
import { printExpression } from './print.ts';
import { tooLong } from './source.ts';

/** Who may do something: an expression over what is known of the subject. Immutable. */
export interface Policy {
  readonly expression: Expression;
  /** The canonical full form: what is stored and shown. Two policies with the same text are the same. */
  readonly text: string;
  /** What its author should be told: one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Reads what a person typed: the boolean form (`postgres-inlet and not suspended`), and if it is none, the full form
 * (`(= subject.role "dba")`).
 * @param file named in errors
 * @throws {PolicyError} `POLICY_SYNTAX`: the text gives the reasons of both readings, `fault` the place; `POLICY_LIMIT`;
 * `POLICY_VALUE` for `(exists?)` without a name, which would allow everyone
 * Source: routing.md 8.6
 */
export function parsePolicy(text: string, file?: string): Policy {
  const read = readBoolean(text, file);
  if ('policy' in read) return policyWith(booleanToExpression(read.policy), warningsFor(booleanNames(read.policy)));
  let expression: Expression;
  try {
    expression = parseExpression(text, file);
  } catch (thrown) {
    if (!(thrown instanceof PolicyError) || thrown.fault === undefined) throw thrown;
    const [short, full] = [read.fault, thrown.fault];
    const isFurther = full.line > short.line || (full.line === short.line && full.column > short.column);
    throw new PolicyError('POLICY_SYNTAX', `As a boolean policy, ${faultText(short)} As a full one, ${faultText(full)}`, {
      cause: thrown,
      // What a boolean policy says up to where it ends is told in either case.
      fault: isFurther ? { ...full, parsed: short.parsed, rest: short.rest } : short,
    });
  }
  refuseEmptyQuestions(expression);
  return policyWith(expression, []);
}

/**
 * Reads a policy that was stored: the canonical full form only. Read as what a person typed, `(and)` would be the attribute of that name.
 * @throws {PolicyError} `POLICY_SYNTAX`, `POLICY_LIMIT`
 */
export function readPolicy(text: string): Policy {
  return policyWith(parseExpression(text), []);
}

/** The policy of an expression that was built or decoded. @throws {PolicyError} `POLICY_VALUE`, `POLICY_LIMIT` */
export function policyOf(expression: Expression): Policy {
  checkExpression(expression);
  return policyWith(expression, []);
}

/**
 * A policy in a program's text. What is put in is a value, never syntax: `` policy`(= subject.team ${team})` `` holds for any team.
 * @throws {PolicyError} as `parsePolicy`
 */
export function policy(parts: TemplateStringsArray, ...values: readonly (string | number | bigint | boolean)[]): Policy {
  const text = parts.reduce((before, part, index) => {
    const value = values[index - 1];
    return `${before}${value === undefined ? '' : printExpression(literal(value))}${part}`;
  });
  return parsePolicy(text);
}

function refuseEmptyQuestions(expression: Expression): void {
  if (!hasItems(expression)) return;
  const [first, second] = expression.items;
  if (expression.kind === 'list' && first?.kind === 'name' && first.name === 'exists?' && second === undefined)
    throw new PolicyError('POLICY_VALUE', '(exists?) asks for nothing, and so is always true: name an attribute.');
  expression.items.forEach(refuseEmptyQuestions);
}

function literal(value: string | number | bigint | boolean): Expression {
  switch (typeof value) {
    case 'string':
      return string(value);
    case 'boolean':
      return boolean(value);
    case 'bigint':
      return integer(value);
    default:
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? integer(BigInt(value)) : float(value);
  }
}

function policyWith(expression: Expression, warnings: readonly string[]): Policy {
  const text = printExpression(expression);
  // It is stored as printed, and has to be readable from there.
  if (new TextEncoder().encode(text).length > POLICY_BYTES_MAX) throw tooLong();
  return { expression, text, warnings };
}

/** Source: decisions.md D1 */
function warningsFor(names: readonly string[]): string[] {
  const constants = [...new Set(names)].filter((name) => name === 'true' || name === 'false');
  return constants.map(
    (name) =>
      `"${name}" is the attribute of that name here, not the constant: write ${name === 'true' ? '(= 1 1) to allow everyone' : '(= 1 2) to allow nobody'}.`,
  );
}
