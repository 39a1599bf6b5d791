import { type AttributeSpace, isAttribute, sameScalar, type Variable } from './attribute-space.ts';
import { HAS_CREDENTIAL } from './environment.ts';
import type { Environment } from './evaluate.ts';
import { boolean, type Scalar } from './expression.ts';
import { ATOMS_MAX } from './limits.ts';

/** One thing about a subject that would be otherwise; undefined where there is nothing. */
export interface Change {
  readonly name: string;
  readonly from: Scalar | undefined;
  readonly to: Scalar | undefined;
}

export interface ChangeSet {
  readonly changes: readonly Change[];
  /**
   * How many attributes are set, changed or removed. A credential that comes with its attributes, or goes with them, is not
   * counted besides: to lose it is one, and so is to get one without attributes.
   */
  readonly size: number;
}

export interface Search {
  /** False when there were too many questions to try all answers: then a smaller change may exist, or any at all. */
  readonly decided: boolean;
  readonly found: ChangeSet | undefined;
}

/** Beyond `ATOMS_MAX` questions this many answers are tried. */
const TRIALS_MAX = 20_000;

/** What was settled on the way to a trial, the latest first; shared by all trials that go on from there. */
interface Settled {
  readonly name: string;
  readonly value: Scalar | undefined;
  readonly before: Settled | undefined;
}

interface Trial {
  readonly settled: Settled | undefined;
  readonly size: number;
  /** Its credential came without an attribute so far. */
  readonly isBare: boolean;
  /** Its credential is lost, and every attribute with it. */
  readonly isLost: boolean;
}

/**
 * The smallest change of a subject under which `holds`; of several the one whose attributes are looked up first. Only what an
 * evaluation has looked up is varied, since nothing else can matter to it; sizes are tried in their order.
 * @param absentFirst rather remove an attribute than give it another value
 */
export function smallestChange(space: AttributeSpace, holds: (environment: Environment) => boolean, absentFirst: boolean): Search {
  const withCredential = coupledTo(space);
  const trials: Trial[][] = [[{ settled: undefined, size: 0, isBare: false, isLost: false }]];
  const add = (trial: Trial) => (trials[trial.size] ??= []).push(trial);
  const isExact = space.atomCount <= ATOMS_MAX && space.isWhole;
  let trialCount = 0;

  for (let size = 0; size < trials.length; size++) {
    // The list grows while it is gone through.
    for (const trial of trials[size] ?? []) {
      if (!isExact && ++trialCount > TRIALS_MAX) return { decided: false, found: undefined };
      const environment = new TrialEnvironment(space, trial);
      if (holds(environment)) return { decided: isExact, found: changesOf(space, trial) };
      for (const next of nextTrials(trial, environment.lookedUp, withCredential, absentFirst)) add(next);
    }
    trials[size] = [];
    if (size === 0 && withCredential === true) add({ settled: undefined, size: 1, isBare: false, isLost: true });
  }
  return { decided: isExact, found: undefined };
}

/**
 * Whether the subject has a credential, when attributes and credential come and go together; undefined when they do not: where there
 * is no authority, or for an environment in which they contradict each other to begin with.
 */
function coupledTo({ base }: AttributeSpace): boolean | undefined {
  const fact = base.get(HAS_CREDENTIAL);
  if (fact?.kind !== 'boolean') return undefined;
  return fact.value || [...base.keys()].every((name) => !isAttribute(name)) ? fact.value : undefined;
}

class TrialEnvironment implements Environment {
  /** In their order. */
  readonly lookedUp = new Set<Variable>();
  readonly #space: AttributeSpace;
  readonly #trial: Trial;

  constructor(space: AttributeSpace, trial: Trial) {
    this.#space = space;
    this.#trial = trial;
  }

  get(name: string): Scalar | undefined {
    const { settled, isLost } = this.#trial;
    if (isLost && name === HAS_CREDENTIAL) return boolean(false);
    if (isLost && isAttribute(name)) return undefined;
    const found = find(settled, name);
    if (found !== undefined) return found.value;
    const variable = this.#space.variables.get(name);
    if (variable !== undefined) this.lookedUp.add(variable);
    return this.#space.base.get(name);
  }
}

function find(settled: Settled | undefined, name: string): Settled | undefined {
  for (let at = settled; at !== undefined; at = at.before) if (at.name === name) return at;
  return undefined;
}

function* nextTrials(
  trial: Trial,
  lookedUp: Iterable<Variable>,
  withCredential: boolean | undefined,
  absentFirst: boolean,
): Generator<Trial> {
  let settled = trial.settled;
  for (const variable of lookedUp) {
    const { name, current, alternatives } = variable;
    for (const value of absentFirst ? alternatives.toReversed() : alternatives) {
      const before: Settled | undefined = settled;
      const next = { ...trial, settled: { name, value, before }, size: trial.size + 1 };
      if (name === HAS_CREDENTIAL) {
        // The loss of a credential is a trial of its own.
        if (withCredential !== true) yield { ...next, isBare: withCredential === false };
      } else if (withCredential === false && isAttribute(name)) {
        const credential = find(settled, HAS_CREDENTIAL);
        if (credential === undefined) yield { ...next, settled: { name: HAS_CREDENTIAL, value: boolean(true), before: next.settled } };
        else if (credential.value?.value === true) yield { ...next, size: trial.size + (trial.isBare ? 0 : 1), isBare: false };
      } else {
        yield next;
      }
    }
    settled = { name, value: current, before: settled };
  }
}

function changesOf({ base }: AttributeSpace, { settled, size, isLost }: Trial): ChangeSet {
  const changes: Change[] = [];
  if (isLost) {
    for (const [name, from] of base) {
      if (name === HAS_CREDENTIAL) changes.push({ name, from, to: boolean(false) });
      else if (isAttribute(name)) changes.push({ name, from, to: undefined });
    }
  } else {
    for (let at = settled; at !== undefined; at = at.before) {
      const from = base.get(at.name);
      if (!sameScalar(from, at.value) && (at.name !== HAS_CREDENTIAL || from !== undefined))
        changes.unshift({ name: at.name, from, to: at.value });
    }
  }
  return { changes, size };
}

/** The environment after a change. */
export function applyChanges(base: ReadonlyMap<string, Scalar>, changes: readonly Change[]): ReadonlyMap<string, Scalar> {
  const changed = new Map(base);
  for (const { name, to } of changes) {
    if (to === undefined) changed.delete(name);
    else changed.set(name, to);
  }
  return changed;
}
