import { type Expression, hasItems, type Items, OPERATORS, startsWithOperator, tooDeep, tooMany, unlikeNeighbour } from './expression.ts';
import { Lexer, type Token } from './lex.ts';
import { EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX } from './limits.ts';
import { Source } from './source.ts';

/** A list or sequence that is not closed yet. */
interface Open {
  readonly kind: Items['kind'];
  readonly start: number;
  readonly items: Expression[];
  readonly starts: number[];
}

const EXPECTED = { list: 'a value, a name, a list or ")"', sequence: 'a value, a name, a list or "]"' } as const;

/**
 * Reads a policy in its full form, such as `(= subject.role "dba")`. Several expressions side by side are one list, and one `)` too
 * many at the end closes a list that was not opened and begins with a name, as the wire's original reads it.
 * @throws {PolicyError} `POLICY_SYNTAX` with the place, `POLICY_LIMIT`
 * Source: routing.md 8.1, 8.2
 */
export function parseExpression(text: string, file?: string): Expression {
  const source = new Source(text, file);
  const lexer = new Lexer(source);
  const outermost: Open = { kind: 'list', start: 0, items: [], starts: [] };
  const open: Open[] = [outermost];
  let nodeCount = 0;
  let closedBy: Token | undefined;

  for (;;) {
    const token = lexer.next();
    const innermost = open.at(-1) ?? outermost;
    if (token.kind === 'end') {
      if (innermost !== outermost) throw source.error(token.start, EXPECTED[innermost.kind]);
      break;
    }
    if (closedBy !== undefined) throw source.error(token.start, 'the end of the text');
    if (token.kind !== ')' && token.kind !== ']' && ++nodeCount > EXPRESSION_NODES_MAX) throw tooMany();
    switch (token.kind) {
      case '(':
      case '[':
        // The outermost list counts only if it turns out to be one.
        if (open.length > EXPRESSION_DEPTH_MAX) throw tooDeep();
        open.push({ kind: token.kind === '(' ? 'list' : 'sequence', start: token.start, items: [], starts: [] });
        break;
      case ')':
      case ']': {
        if (innermost === outermost) {
          if (token.kind === ']' || outermost.items[0]?.kind !== 'name') throw source.error(token.start, 'an expression');
          closedBy = token;
          break;
        }
        if (token.kind !== (innermost.kind === 'list' ? ')' : ']')) throw source.error(token.start, EXPECTED[innermost.kind]);
        const unlike = innermost.kind === 'sequence' ? unlikeNeighbour(innermost.items) : undefined;
        if (unlike !== undefined)
          throw source.error(innermost.starts[unlike] ?? token.start, 'an item of the same type as the one before it');
        open.pop();
        add(open.at(-1) ?? outermost, { kind: innermost.kind, items: innermost.items }, innermost.start);
        break;
      }
      case 'atom':
        add(innermost, token.atom, token.start);
        break;
    }
  }

  const [first] = outermost.items;
  if (first === undefined) throw source.error(text.length, 'an expression');
  const isImplicit = closedBy !== undefined || outermost.items.length > 1;
  const expression: Expression = isImplicit ? { kind: 'list', items: outermost.items } : first;
  if (isImplicit && depthOf(expression) > EXPRESSION_DEPTH_MAX) throw tooDeep();
  if (!startsWithOperator(expression)) throw source.error(outermost.starts[0] ?? 0, `"(" and one of ${OPERATORS.join(', ')}`);
  return expression;
}

function add(to: Open, item: Expression, start: number): void {
  to.items.push(item);
  to.starts.push(start);
}

function depthOf(expression: Expression): number {
  return hasItems(expression) ? 1 + Math.max(0, ...expression.items.map(depthOf)) : 0;
}
