import type { Clock } from '../runtime/clock.ts';
import { Listeners } from '../runtime/listeners.ts';
import { errorFields, type Logger, silentLogger } from '../runtime/logger.ts';
import { environmentOf } from './environment.ts';
import { explain, type Explanation, type UsedFact } from './explain.ts';
import type { Rule } from './plan.ts';
import type { Action, Resource } from './resource.ts';

/** Something a policy did not let pass, and all it takes to explain why. The remote side learns nothing of it. */
export interface Denial {
  readonly resource: Resource;
  readonly action: Action;
  readonly direction: 'in' | 'out';
  /** Undefined when no secure channel says who it is. */
  readonly identifier: string | undefined;
  readonly authority: boolean;
  /** What was attested of the subject then; undefined when nothing was. */
  readonly attributes: ReadonlyMap<string, string> | undefined;
  /** Names of attributes that bind nothing, since they would say what only the node says. */
  readonly skipped: readonly string[];
  /** Undefined when no policy was set. */
  readonly rule: Rule | undefined;
  /** The facts that the decision rests on. */
  readonly used: readonly UsedFact[];
  readonly reason: string;
}

/** The same denial, once or many times over. */
export interface LoggedDenial extends Denial {
  /** From 1, in the order of first denials. */
  readonly number: number;
  /** Seconds since 1970. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
}

export interface DecisionLogOptions {
  readonly clock: Pick<Clock, 'wallSeconds'>;
  /** Beyond this number the one that was not repeated for the longest time is forgotten. Default: 1,024 */
  readonly denialsMax?: number;
  /** Told of listeners that throw. */
  readonly logger?: Logger;
}

/**
 * The denials of a node, in memory. What is denied again for the same reason is counted where it stands, so that one peer that
 * insists does not push out the others. Source: decisions.md D12
 */
export class DecisionLog {
  readonly #clock: Pick<Clock, 'wallSeconds'>;
  readonly #denialsMax: number;
  /** The latest last. */
  readonly #denials = new Map<string, LoggedDenial>();
  readonly #listeners: Listeners<LoggedDenial>;
  #numbers = 0;
  #total = 0;

  constructor({ clock, denialsMax = 1_024, logger = silentLogger }: DecisionLogOptions) {
    this.#listeners = new Listeners((thrown) => logger.log('error', 'denials.listener.failed', errorFields(thrown)));
    this.#clock = clock;
    this.#denialsMax = denialsMax;
  }

  /** How many denials there were, forgotten ones too. */
  get total(): number {
    return this.#total;
  }

  /** The latest first. */
  denials(): LoggedDenial[] {
    return [...this.#denials.values()].reverse();
  }

  /** Tells every denial, the repeated ones too. @returns how to unsubscribe */
  subscribe(listener: (denial: LoggedDenial) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** @internal */
  record(denial: Denial): void {
    const key = keyOf(denial);
    const before = this.#denials.get(key);
    const now = this.#clock.wallSeconds();
    const { number, firstAt, count } = before ?? { number: ++this.#numbers, firstAt: now, count: 0 };
    const logged: LoggedDenial = { ...denial, number, firstAt, lastAt: now, count: count + 1 };
    this.#total += 1;
    this.#denials.delete(key);
    this.#denials.set(key, logged);
    if (this.#denials.size > this.#denialsMax) {
      const [oldest] = this.#denials.keys();
      if (oldest !== undefined) this.#denials.delete(oldest);
    }
    this.#listeners.tell(logged);
  }
}

function keyOf({ resource, direction, identifier, rule, reason }: Denial): string {
  return JSON.stringify([resource.type, resource.name, direction, identifier, rule?.policy.text, reason]);
}

/**
 * Why it was denied: the policy and the facts of then, evaluated again. Undefined when no policy was asked, since none was set or
 * nobody was known: `reason` says which.
 */
export function explainDenial(denial: Denial): Explanation | undefined {
  const { resource, action, identifier, rule, authority, attributes } = denial;
  if (rule === undefined || identifier === undefined) return undefined;
  const { environment } = environmentOf({ resource: resource.name, action, identifier, authority, attributes });
  return explain(rule.policy.expression, environment, { authority });
}
