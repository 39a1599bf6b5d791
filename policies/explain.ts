import { attributeSpace } from './attribute-space.ts';
import { type Decision, decide, type EvaluationWatch, type Outcome } from './evaluate.ts';
import { type Expression, hasItems, type Scalar } from './expression.ts';
import { printExpression, printValue } from './print.ts';
import { type Search, smallestChange } from './smallest-change.ts';

/** A part of a policy and what it came to. */
export interface ExplainedPart {
  readonly expression: Expression;
  /** Undefined when the part was not evaluated: the matter was settled before. */
  readonly outcome: Outcome | undefined;
  readonly parts: readonly ExplainedPart[];
}

/** A name that the decision rests on. */
export interface UsedFact {
  readonly name: string;
  /** Undefined when it is not known of the subject. */
  readonly value: Scalar | undefined;
}

/** Why a policy allows or denies. */
export interface Explanation {
  readonly decision: Decision;
  readonly tree: ExplainedPart;
  /** In the order in which they were looked up, each once. */
  readonly facts: readonly UsedFact[];
  /** The smallest change of the subject's attributes that would turn the decision; its identifier stays. */
  readonly flip: Search;
}

export interface ExplainOptions {
  /** Whether the node has an authority, without which no attribute can be known. Default: true */
  readonly authority?: boolean;
}

/**
 * Why a policy decides as it does in an environment, and what would turn it. Pure: the same question has the same answer. The change
 * is exact up to 16 questions that the policy can ask about attributes. Source: decisions.md D10
 */
export function explain(
  expression: Expression,
  environment: ReadonlyMap<string, Scalar>,
  { authority = true }: ExplainOptions = {},
): Explanation {
  const recorder = new Recorder(expression);
  const decision = decide(expression, environment, recorder);
  const space = attributeSpace([expression], environment, { authority });
  const flip = smallestChange(space, (changed) => decide(expression, changed).allowed !== decision.allowed, decision.allowed);
  return { decision, tree: recorder.tree(), facts: recorder.facts(), flip };
}

interface Began {
  readonly parts: Map<number, Began>;
  outcome: Outcome | undefined;
}

class Recorder implements EvaluationWatch {
  readonly #expression: Expression;
  readonly #root: Began = { parts: new Map(), outcome: undefined };
  readonly #open: Began[] = [];
  readonly #facts = new Map<string, Scalar | undefined>();

  constructor(expression: Expression) {
    this.#expression = expression;
  }

  began(index: number): void {
    const parent = this.#open.at(-1);
    const part: Began = parent === undefined ? this.#root : { parts: new Map(), outcome: undefined };
    parent?.parts.set(index, part);
    this.#open.push(part);
  }

  ended(outcome: Outcome): void {
    const part = this.#open.pop();
    if (part !== undefined) part.outcome = outcome;
  }

  lookedUp(name: string, bound: Scalar | undefined): void {
    if (!this.#facts.has(name)) this.#facts.set(name, bound);
  }

  facts(): UsedFact[] {
    return [...this.#facts].map(([name, value]) => ({ name, value }));
  }

  tree(): ExplainedPart {
    return explained(this.#expression, this.#root);
  }
}

function explained(expression: Expression, part: Began | undefined): ExplainedPart {
  const items = hasItems(expression) ? expression.items : [];
  return { expression, outcome: part?.outcome, parts: items.map((item, index) => explained(item, part?.parts.get(index))) };
}

/** One line, such as `"dba"`, `error: subject.role is not known of the subject.` or `not evaluated`. */
export function outcomeText(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'not evaluated';
  return outcome.kind === 'fault' ? `error: ${outcome.reason}` : printValue(outcome);
}

/** For people: the decision, each part with its value, the facts, and what would turn it. Lines end with `\n`. */
export function explanationText({ decision, tree, facts, flip }: Explanation): string {
  const lines = [`${decision.allowed ? 'Allowed' : 'Denied'}: ${decision.reason}`];
  const draw = ({ expression, outcome, parts }: ExplainedPart, depth: number): void => {
    lines.push(`${'  '.repeat(depth)}${printExpression(expression)} -> ${outcomeText(outcome)}`);
    if (expression.kind === 'list') for (const part of parts.slice(1)) if (hasItems(part.expression)) draw(part, depth + 1);
  };
  draw(tree, 1);
  for (const { name, value } of facts) lines.push(`${name} is ${value === undefined ? 'not known' : printValue(value)}.`);
  const turned = decision.allowed ? 'deny' : 'allow';
  if (flip.found !== undefined) {
    const how = flip.found.changes.map(({ name, to }) => (to === undefined ? `remove ${name}` : `${name} = ${printValue(to)}`));
    lines.push(`${flip.decided ? 'Smallest change' : 'A change'} that would ${turned}: ${how.join(', ')}.`);
  } else {
    lines.push(flip.decided ? `No change of attributes would ${turned}.` : 'Not decided: the policy asks too many questions.');
  }
  return `${lines.join('\n')}\n`;
}
