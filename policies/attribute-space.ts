import { compareTexts } from './compare.ts';
import { HAS_CREDENTIAL, IDENTIFIER, isReservedName, SUBJECT } from './environment.ts';
import { boolean, type Expression, type Items, type Scalar, string } from './expression.ts';

/** Something about a subject that could be otherwise; undefined stands for an attribute that is not there. */
export interface Variable {
  readonly name: string;
  readonly current: Scalar | undefined;
  /** What else it could be. Any other value would be told apart from these by no expression of the space. */
  readonly alternatives: readonly (Scalar | undefined)[];
}

/** All that some expressions can tell apart of one subject. */
export interface AttributeSpace {
  readonly base: ReadonlyMap<string, Scalar>;
  readonly variables: ReadonlyMap<string, Variable>;
  /** How many questions there are: whether an attribute is there, where that is asked, and which of the values told apart it has. */
  readonly atomCount: number;
  /** False when the values to try are not all that matter. */
  readonly isWhole: boolean;
}

export interface SpaceOptions {
  /** Whether the attributes of a subject can be known at all. */
  readonly authority: boolean;
  /** Facts besides attributes that may be otherwise. */
  readonly free?: ReadonlySet<string>;
}

/**
 * Expressions look into text in two ways only: they compare it with other text, for equality or for order. So for each attribute it is
 * enough to try the texts it can meet, and as many others before, between and after them (before and after counting only where there
 * is `<` or `>`) as there are attributes that can meet. What can meet is read off the expressions: the operands of each comparison.
 */
export function attributeSpace(
  expressions: readonly Expression[],
  base: ReadonlyMap<string, Scalar>,
  { authority, free = new Set() }: SpaceOptions,
): AttributeSpace {
  const uses = new Uses(base, (name) => free.has(name) || (authority && isAttribute(name)));
  for (const expression of expressions) uses.flow(expression);
  const variables = new Map<string, Variable>();
  let atomCount = 0;
  let isWhole = true;
  if (authority && uses.names.has(HAS_CREDENTIAL) && base.has(HAS_CREDENTIAL)) {
    variables.set(HAS_CREDENTIAL, variable(HAS_CREDENTIAL, base, [boolean(true), boolean(false)]));
    atomCount += 1;
  }
  for (const meeting of uses.meetings()) {
    for (const name of meeting.names) {
      const texts = name === IDENTIFIER ? identifiersAmong(meeting) : meeting.texts();
      if (name === IDENTIFIER && meeting.isOrdered) isWhole = false;
      const mayBeAbsent = isAttribute(name);
      const values = [...texts.map(string), ...(mayBeAbsent ? [undefined] : [])];
      variables.set(name, variable(name, base, values));
      atomCount += texts.length - 1 + (uses.asked.has(name) ? 1 : 0);
    }
  }
  return { base, variables, atomCount, isWhole };
}

/** `subject.KEY` for a key that an authority can give. */
export function isAttribute(name: string): boolean {
  return name.startsWith(SUBJECT) && name.length > SUBJECT.length && !isReservedName(name.slice(SUBJECT.length));
}

export function sameScalar(left: Scalar | undefined, right: Scalar | undefined): boolean {
  return left?.kind === right?.kind && Object.is(left?.value, right?.value);
}

function variable(name: string, base: ReadonlyMap<string, Scalar>, values: readonly (Scalar | undefined)[]): Variable {
  const current = base.get(name);
  return { name, current, alternatives: values.filter((value) => !sameScalar(value, current)) };
}

/** Attributes whose values are compared with each other, directly or through others, and with what else. */
class Meeting {
  readonly names = new Set<string>();
  readonly constants = new Set<string>();
  readonly currents = new Set<string>();
  isOrdered = false;

  join(other: Meeting): void {
    for (const name of other.names) this.names.add(name);
    for (const text of other.constants) this.constants.add(text);
    for (const text of other.currents) this.currents.add(text);
    this.isOrdered ||= other.isOrdered;
  }

  /** What each of the attributes could be. */
  texts(): string[] {
    // One alone only meets constants: the value it has stands for all that equal none of them, or lie between the same two.
    const alone = this.names.size === 1;
    const [own] = alone ? this.currents : [];
    const points = new Set(alone ? this.constants : [...this.constants, ...this.currents]);
    if (this.isOrdered) return this.#inOrder([...points].sort(byCodePoint), own);
    const others = own !== undefined && !points.has(own) ? [own] : freshTexts(points, this.names.size);
    return [...points, ...others];
  }

  #inOrder(points: readonly string[], own: string | undefined): string[] {
    const texts: string[] = [];
    for (const [index, point] of [undefined, ...points].entries()) {
      const next = points[index];
      if (point !== undefined) texts.push(point);
      const isInside = own !== undefined && isBefore(point, own) && isBefore(own, next);
      texts.push(...(isInside ? [own] : textsBetween(point, next, this.names.size)));
    }
    return texts;
  }
}

/** What the operands of comparisons can be. */
class Uses {
  readonly names = new Set<string>();
  /** By `exists?`. */
  readonly asked = new Set<string>();
  readonly #base: ReadonlyMap<string, Scalar>;
  readonly #isVariable: (name: string) => boolean;
  readonly #meetingOf = new Map<string, Meeting>();

  constructor(base: ReadonlyMap<string, Scalar>, isVariable: (name: string) => boolean) {
    this.#base = base;
    this.#isVariable = isVariable;
  }

  meetings(): Set<Meeting> {
    return new Set(this.#meetingOf.values());
  }

  /** Notes all comparisons inside. @returns what text the expression itself can come to, or hold */
  flow(expression: Expression): Meeting {
    const found = new Meeting();
    switch (expression.kind) {
      case 'string':
        found.constants.add(expression.value);
        break;
      case 'name':
        this.#note(expression.name, found);
        break;
      case 'sequence':
        for (const item of expression.items) found.join(this.flow(item));
        break;
      case 'list':
        this.#flowOfCall(expression, found);
        break;
      default:
    }
    return found;
  }

  #note(name: string, found: Meeting): void {
    this.names.add(name);
    const bound = this.#base.get(name);
    const text = bound?.kind === 'string' ? [bound.value] : [];
    if (this.#isVariable(name)) {
      found.names.add(name);
      for (const current of text) found.currents.add(current);
      if (!this.#meetingOf.has(name)) this.#meet(found, false);
    } else {
      for (const constant of text) found.constants.add(constant);
    }
  }

  #flowOfCall({ items }: Items, found: Meeting): void {
    const [operator, ...operands] = items;
    const called = operator?.kind === 'name' ? operator.name : '';
    if (called === 'exists?') {
      for (const operand of operands) if (operand.kind === 'name') this.#ask(operand.name);
      return;
    }
    const flows = operands.map((operand) => this.flow(operand));
    switch (called) {
      case 'and':
      case 'or':
        found.join(flows.at(-1) ?? new Meeting());
        break;
      case 'if':
        for (const branch of flows.slice(1)) found.join(branch);
        break;
      case '=':
      case '!=':
      case 'member?':
      case '<':
      case '>': {
        const together = new Meeting();
        for (const flow of flows) together.join(flow);
        this.#meet(together, called === '<' || called === '>');
        break;
      }
      default:
    }
  }

  #ask(name: string): void {
    this.asked.add(name);
    this.#note(name, new Meeting());
  }

  #meet(together: Meeting, isOrdered: boolean): void {
    if (together.names.size === 0) return;
    const all = new Meeting();
    all.join(together);
    all.isOrdered = isOrdered;
    for (const name of together.names) {
      const before = this.#meetingOf.get(name);
      if (before !== undefined) all.join(before);
    }
    for (const name of all.names) this.#meetingOf.set(name, all);
  }
}

/** Texts unlike all of those. */
function freshTexts(
  taken: ReadonlySet<string>,
  count: number,
  make = (index: number) => (index === 0 ? 'other' : `other-${index + 1}`),
): string[] {
  const fresh: string[] = [];
  for (let index = 0; fresh.length < count; index++) if (!taken.has(make(index))) fresh.push(make(index));
  return fresh;
}

const IDENTIFIER_TEXT = /^I[0-9a-f]{64}$/;

/** The identifier a subject has when nothing is known of it: no policy names it. */
export const NOBODY = `I${'0'.repeat(64)}`;

function identifiersAmong(meeting: Meeting): string[] {
  const known = new Set([...meeting.constants, ...meeting.currents].filter((text) => IDENTIFIER_TEXT.test(text)));
  return [...known, ...freshTexts(known, meeting.names.size, (index) => `I${index.toString(16).padStart(64, '0')}`)];
}

const byCodePoint = (left: string, right: string) => ({ less: -1, greater: 1 })[compareTexts(left, right) as string] ?? 0;
const isBefore = (left: string | undefined, right: string | undefined) =>
  left === undefined || right === undefined || compareTexts(left, right) === 'less';

/**
 * Up to `count` texts after `low` and before `high`, in their order; fewer only where there are no more. Such as a person would
 * write, if those fit: else `low` with ever more NULs, which are the very next texts there are.
 */
function textsBetween(low: string | undefined, high: string | undefined, count: number): string[] {
  const indexes = Array.from({ length: count }, (_, index) => index);
  for (const mark of ['~', '-', '!']) {
    const texts = indexes.map((index) => `${low ?? ''}${mark}${String(index + 1).padStart(String(count).length, '0')}`);
    if (isBefore(texts.at(-1), high)) return texts;
  }
  const start = low === undefined ? '' : `${low}\0`;
  return indexes.map((index) => start + '\0'.repeat(index)).filter((text) => isBefore(text, high));
}
