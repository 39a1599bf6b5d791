import { faultText, PolicyError, type SyntaxFault } from './errors.ts';
import { type Expression, integer, list, name, string, tooDeep } from './expression.ts';
import { EXPRESSION_DEPTH_MAX } from './limits.ts';
import { Source } from './source.ts';

/**
 * The short form of a policy: names of attributes that have to be `"true"`, joined by `and`, `or`, `not`. Source: routing.md 8.6
 */
export type BooleanPolicy =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'or' | 'and'; readonly left: BooleanPolicy; readonly right: BooleanPolicy }
  | { readonly kind: 'not'; readonly of: BooleanPolicy }
  /** Says nothing, and so allows nobody. No text says it; the wire's format knows it. */
  | { readonly kind: 'empty' };

const NAME = /[A-Za-z_-][A-Za-z0-9._-]*/y;
const NAME_CHARACTER = /[A-Za-z0-9._-]/;
const BLANK = /[ \t\r\n]*/y;
/** An attribute of that name becomes `(= subject.NAME "true")`: one list. */
const NAME_DEPTH = 1;

interface Parsed {
  readonly policy: BooleanPolicy;
  /** Of the full form. */
  readonly depth: number;
}

/** A fault, not an error, where the text is no boolean policy: it may be a full one. @throws {PolicyError} `POLICY_LIMIT` */
export function readBoolean(text: string, file?: string): { policy: BooleanPolicy } | { fault: SyntaxFault } {
  const source = new Source(text, file);
  const parser = new BooleanParser(text);
  const parsed = parser.orExpression();
  if (parsed !== undefined && parser.at === text.length) return { policy: parsed.policy };
  return { fault: source.fault(parser.furthest, [...parser.expected].join(', '), undefined, parsed === undefined ? 0 : parser.at) };
}

/**
 * `not` binds tighter than `and`, `and` tighter than `or`; both join to the left. Keywords are whole words: `nota` and `order` are
 * names (decisions.md D11), and so is a keyword where only a name can stand: `(and)`. Blanks at either end of the text go with a
 * keyword or a parenthesis only.
 * @throws {PolicyError} `POLICY_SYNTAX` with the place, `POLICY_LIMIT`
 */
export function parseBoolean(text: string, file?: string): BooleanPolicy {
  const read = readBoolean(text, file);
  if ('policy' in read) return read.policy;
  throw new PolicyError('POLICY_SYNTAX', faultText(read.fault), { fault: read.fault });
}

/** Tries the alternatives in their order and takes the first that fits, as the original does. */
class BooleanParser {
  readonly #text: string;
  at = 0;
  /** Where it got stuck last, and what could have stood there. */
  furthest = 0;
  readonly expected = new Set<string>();
  /** How deep parentheses and negations are nested just now; the full form bounds each by the same number. */
  readonly #nested = { '(': 0, not: 0 };

  constructor(text: string) {
    this.#text = text;
  }

  orExpression(): Parsed | undefined {
    return this.#joined('or', () => this.#joined('and', () => this.#notExpression()));
  }

  #joined(kind: 'or' | 'and', operand: () => Parsed | undefined): Parsed | undefined {
    let left = operand();
    while (left !== undefined) {
      const before = this.at;
      const right = this.#keyword(kind) ? operand() : undefined;
      if (right === undefined) {
        this.at = before;
        break;
      }
      const depth = deeper(Math.max(left.depth, right.depth));
      left = { policy: { kind, left: left.policy, right: right.policy }, depth };
    }
    return left;
  }

  #notExpression(): Parsed | undefined {
    return this.#negated() ?? this.#inParentheses() ?? this.#name();
  }

  #negated(): Parsed | undefined {
    const before = this.at;
    const of = this.#keyword('not') ? this.#inside('not', () => this.#notExpression()) : undefined;
    if (of !== undefined) return { policy: { kind: 'not', of: of.policy }, depth: deeper(of.depth) };
    this.at = before;
    return undefined;
  }

  #inParentheses(): Parsed | undefined {
    const before = this.at;
    const inner = this.#keyword('(') ? this.#inside('(', () => this.orExpression()) : undefined;
    if (inner !== undefined && this.#keyword(')')) return inner;
    this.at = before;
    return undefined;
  }

  #inside(kind: '(' | 'not', parse: () => Parsed | undefined): Parsed | undefined {
    if (this.#nested[kind] === EXPRESSION_DEPTH_MAX) throw tooDeep();
    this.#nested[kind] += 1;
    const parsed = parse();
    this.#nested[kind] -= 1;
    return parsed;
  }

  #name(): Parsed | undefined {
    NAME.lastIndex = this.at;
    const [found] = NAME.exec(this.#text) ?? [];
    if (found === undefined) {
      this.#stuck(this.at, 'a name');
      return undefined;
    }
    this.at += found.length;
    return { policy: { kind: 'name', name: found }, depth: NAME_DEPTH };
  }

  /** Takes the blanks around it along. */
  #keyword(word: string): boolean {
    const start = this.#blankTo(this.at);
    const end = start + word.length;
    const isWhole = !NAME_CHARACTER.test(word) || !NAME_CHARACTER.test(this.#text[end] ?? '');
    if (!this.#text.startsWith(word, start) || !isWhole) {
      this.#stuck(start, JSON.stringify(word));
      return false;
    }
    this.at = this.#blankTo(end);
    return true;
  }

  #blankTo(at: number): number {
    BLANK.lastIndex = at;
    return at + (BLANK.exec(this.#text)?.[0].length ?? 0);
  }

  #stuck(at: number, expected: string): void {
    if (at > this.furthest) this.expected.clear();
    if (at >= this.furthest) this.expected.add(expected);
    this.furthest = Math.max(at, this.furthest);
  }
}

function deeper(depth: number): number {
  if (depth === EXPRESSION_DEPTH_MAX) throw tooDeep();
  return depth + 1;
}

/** The full form: an attribute `n` becomes `(= subject.n "true")`, and and/or take two each. Source: routing.md 8.6 */
export function booleanToExpression(policy: BooleanPolicy): Expression {
  switch (policy.kind) {
    case 'name':
      return list(name('='), name(`subject.${policy.name}`), string('true'));
    case 'not':
      return list(name('not'), booleanToExpression(policy.of));
    case 'empty':
      return list(name('='), integer(1n), integer(2n));
    default:
      return list(name(policy.kind), booleanToExpression(policy.left), booleanToExpression(policy.right));
  }
}

/** The short form of a full one; undefined for all that has none. */
export function booleanOfExpression(expression: Expression): BooleanPolicy | undefined {
  if (expression.kind !== 'list') return undefined;
  const [operator, first, second] = expression.items;
  if (operator?.kind !== 'name' || first === undefined) return undefined;
  if (operator.name === 'not' && second === undefined) {
    const of = booleanOfExpression(first);
    return of && { kind: 'not', of };
  }
  if (second === undefined || expression.items.length !== 3) return undefined;
  if (operator.name === '=') {
    const attribute = first.kind === 'name' && first.name.startsWith('subject.') ? first.name.slice('subject.'.length) : '';
    const isTrue = second.kind === 'string' && second.value === 'true';
    return isTrue && isBooleanName(attribute) ? { kind: 'name', name: attribute } : undefined;
  }
  if (operator.name !== 'and' && operator.name !== 'or') return undefined;
  const [left, right] = [booleanOfExpression(first), booleanOfExpression(second)];
  return left && right && { kind: operator.name, left, right };
}

/** Reading the text gives the same policy again. @throws {PolicyError} `POLICY_VALUE` for a name that no text has, and for `empty` */
export function printBoolean(policy: BooleanPolicy): string {
  return printTight(policy, 0);
}

const TIGHTNESS = { or: 1, and: 2, not: 3 } as const;

function printTight(policy: BooleanPolicy, tightness: number): string {
  switch (policy.kind) {
    case 'name':
      if (!isBooleanName(policy.name))
        throw new PolicyError('POLICY_VALUE', `${JSON.stringify(policy.name)} is no name of a boolean policy.`);
      // Where a keyword could stand, a name of that spelling is only read as one between parentheses.
      return Object.hasOwn(TIGHTNESS, policy.name) ? `(${policy.name})` : policy.name;
    case 'empty':
      throw new PolicyError('POLICY_VALUE', 'No text says the empty policy.');
    case 'not':
      return `not ${printTight(policy.of, TIGHTNESS.not)}`;
    default: {
      const own = TIGHTNESS[policy.kind];
      const text = `${printTight(policy.left, own)} ${policy.kind} ${printTight(policy.right, own + 1)}`;
      return own < tightness ? `(${text})` : text;
    }
  }
}

/** The names of attributes that a boolean policy asks for. */
export function booleanNames(policy: BooleanPolicy): string[] {
  switch (policy.kind) {
    case 'name':
      return [policy.name];
    case 'not':
      return booleanNames(policy.of);
    case 'empty':
      return [];
    default:
      return [...booleanNames(policy.left), ...booleanNames(policy.right)];
  }
}

function isBooleanName(text: string): boolean {
  NAME.lastIndex = 0;
  return NAME.exec(text)?.[0] === text;
}
