import { type Comparison, compare } from './compare.ts';
import { boolean, type Expression, type Items, type Scalar, type Value } from './expression.ts';
import { EXPRESSION_DEPTH_MAX, STEPS_MAX } from './limits.ts';
import { printValue } from './print.ts';

/** What the names of a policy stand for. A `Map` is one. */
export interface Environment {
  get(name: string): Scalar | undefined;
}

/** Why an expression, or a part of it, comes to nothing. */
export interface Fault {
  readonly kind: 'fault';
  readonly code: 'unbound' | 'type' | 'arity' | 'operator' | 'limit';
  readonly reason: string;
}

export type Outcome = Value | Fault;

/** Is told what an evaluation does, in its order. */
export interface EvaluationWatch {
  /** A part begins: the item of that index of the part begun last that has not ended. */
  began(index: number): void;
  ended(outcome: Outcome): void;
  /** A name was looked up, to be evaluated or by `exists?`. */
  lookedUp(name: string, bound: Scalar | undefined): void;
}

/** Whether a message may pass, and why. */
export interface Decision {
  readonly allowed: boolean;
  readonly outcome: Outcome;
  /** One sentence for people. */
  readonly reason: string;
}

/** Only what comes to `true` allows; any other value denies, and so does an error. Source: routing.md 8 */
export function decide(expression: Expression, environment: Environment, watch?: EvaluationWatch): Decision {
  const outcome = evaluate(expression, environment, watch);
  if (outcome.kind === 'boolean' && outcome.value) return { allowed: true, outcome, reason: 'The policy is true.' };
  if (outcome.kind === 'fault') return { allowed: false, outcome, reason: outcome.reason };
  const value = printValue(outcome);
  return {
    allowed: false,
    outcome,
    reason: value === 'false' ? 'The policy is false.' : `The policy comes to ${value}, and only true allows.`,
  };
}

/**
 * What an expression comes to. Lazy: what is not needed is not looked at. Throws nothing: an error is an outcome, and the outermost
 * one that is reached ends the evaluation. Source: routing.md 8.4, decisions.md D11
 */
export function evaluate(expression: Expression, environment: Environment, watch?: EvaluationWatch): Outcome {
  return new Evaluation(environment, watch).part(expression, 0);
}

class Evaluation {
  readonly #environment: Environment;
  readonly #watch: EvaluationWatch | undefined;
  #steps = 0;
  #depth = 0;

  constructor(environment: Environment, watch: EvaluationWatch | undefined) {
    this.#environment = environment;
    this.#watch = watch;
  }

  /** @param index which item of its list or sequence it is */
  part(expression: Expression, index: number): Outcome {
    if (++this.#steps > STEPS_MAX) return fault('limit', `The policy takes more than ${STEPS_MAX} steps.`);
    if (this.#depth > EXPRESSION_DEPTH_MAX) return fault('limit', `The policy is nested deeper than ${EXPRESSION_DEPTH_MAX}.`);
    this.#watch?.began(index);
    this.#depth += 1;
    const outcome = this.#evaluate(expression);
    this.#depth -= 1;
    this.#watch?.ended(outcome);
    return outcome;
  }

  #evaluate(expression: Expression): Outcome {
    switch (expression.kind) {
      case 'name':
        return this.#lookUp(expression.name) ?? fault('unbound', `${expression.name} is not known of the subject.`);
      case 'sequence': {
        const items = this.#strict(expression, 0);
        return isFault(items) ? items : { kind: 'sequence', items };
      }
      case 'list':
        return expression.items.length === 0 ? { kind: 'unit' } : this.#apply(expression);
      default:
        return expression;
    }
  }

  #lookUp(name: string): Scalar | undefined {
    const bound = this.#environment.get(name);
    this.#watch?.lookedUp(name, bound);
    return bound;
  }

  #apply(call: Items): Outcome {
    const [operator] = call.items;
    if (operator?.kind !== 'name') return fault('operator', 'A list begins with the name of an operator.');
    switch (operator.name) {
      case 'and':
        return this.#untilOneIs(false, call);
      case 'or':
        return this.#untilOneIs(true, call);
      case 'not': {
        const value = this.#truth(call, 'not', 1);
        return isFault(value) ? value : boolean(!value.value);
      }
      case 'if': {
        const test = this.#truth(call, 'if', 3);
        return isFault(test) ? test : this.#argument(call, test.value ? 2 : 3);
      }
      case '=':
        return this.#chain(call, '=', 2, (found) => found === 'same');
      case '<':
        return this.#chain(call, '<', 2, (found) => found === 'less');
      case '>':
        return this.#chain(call, '>', 2, (found) => found === 'greater');
      case '!=': {
        const equal = this.#chain(call, '!=', 0, (found) => found === 'same');
        return equal.kind === 'boolean' ? boolean(!equal.value) : equal;
      }
      case 'member?':
        return this.#member(call);
      case 'exists?':
        return this.#exist(call);
      default:
        return fault('operator', `There is no operator ${operator.name}.`);
    }
  }

  /** `and` and `or`: the last argument may be anything, and is the value when none before it ended the matter. */
  #untilOneIs(end: boolean, call: Items): Outcome {
    const last = call.items.length - 1;
    for (let index = 1; index < last; index++) {
      const value = this.#argument(call, index);
      if (value.kind !== 'boolean') return isFault(value) ? value : noTruth(end ? 'or' : 'and', value);
      if (value.value === end) return value;
    }
    return last === 0 ? boolean(!end) : this.#argument(call, last);
  }

  /** The first argument, which has to be a boolean, of an operator that takes so many. */
  #truth(call: Items, operator: string, count: number): Extract<Outcome, { kind: 'boolean' }> | Fault {
    if (call.items.length !== count + 1) return wrongCount(operator, `exactly ${count}`, call);
    const value = this.#argument(call, 1);
    return value.kind === 'boolean' || isFault(value) ? value : noTruth(operator, value);
  }

  /** Every neighbour has to pass; after the first that does not, nothing more is compared. */
  #chain(call: Items, operator: string, countMin: number, passes: (found: Comparison) => boolean): Outcome {
    if (call.items.length <= countMin) return wrongCount(operator, `at least ${countMin}`, call);
    const values = this.#strict(call, 1);
    if (isFault(values)) return values;
    // `(!=)` and `(!= x)` are false: nothing differs.
    let before: Value | undefined;
    for (const value of values) {
      const found = before === undefined ? undefined : this.#compare(before, value);
      if (found !== undefined && isFault(found)) return found;
      if (found !== undefined && !passes(found)) return boolean(false);
      before = value;
    }
    return boolean(true);
  }

  #member(call: Items): Outcome {
    if (call.items.length !== 3) return wrongCount('member?', 'exactly 2', call);
    const values = this.#strict(call, 1);
    if (isFault(values)) return values;
    const [wanted, all] = values;
    if (wanted === undefined || all?.kind !== 'sequence') return fault('type', 'member? takes a value and a sequence.');
    for (const item of all.items) {
      const found = this.#compare(wanted, item);
      if (isFault(found)) return found;
      if (found === 'same') return boolean(true);
    }
    return boolean(false);
  }

  #exist(call: Items): Outcome {
    for (const argument of call.items.slice(1)) {
      if (argument.kind !== 'name') return fault('type', 'exists? takes names.');
      if (this.#lookUp(argument.name) === undefined) return boolean(false);
    }
    return boolean(true);
  }

  #argument(call: Items, index: number): Outcome {
    const argument = call.items[index];
    return argument === undefined ? fault('arity', 'An argument is missing.') : this.part(argument, index);
  }

  /** All items from that index on, evaluated in their order. */
  #strict(items: Items, from: number): Value[] | Fault {
    const values: Value[] = [];
    for (let index = from; index < items.items.length; index++) {
      const value = this.#argument(items, index);
      if (isFault(value)) return value;
      values.push(value);
    }
    return values;
  }

  #compare(left: Value, right: Value): Exclude<Comparison, 'mismatch'> | Fault {
    const found = compare(left, right);
    if (found !== 'mismatch') return found;
    return fault('type', `${printValue(left)} and ${printValue(right)} are of different types, and nothing is converted.`);
  }
}

export function isFault(outcome: unknown): outcome is Fault {
  return typeof outcome === 'object' && outcome !== null && 'kind' in outcome && outcome.kind === 'fault';
}

const fault = (code: Fault['code'], reason: string): Fault => ({ kind: 'fault', code, reason });
const noTruth = (operator: string, value: Value) => fault('type', `${operator} takes true or false, not ${printValue(value)}.`);
const wrongCount = (operator: string, wanted: string, { items }: Items) =>
  fault('arity', `${operator} takes ${wanted} arguments, not ${items.length - 1}.`);
