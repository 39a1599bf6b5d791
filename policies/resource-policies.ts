import { Listeners } from '../runtime/listeners.ts';
import { errorFields, type Logger, silentLogger } from '../runtime/logger.ts';
import type { Rule, Rules } from './plan.ts';
import { type Policy, readPolicy } from './policy.ts';
import { type Action, HANDLE_MESSAGE, type Resource, RESOURCE_TYPES, type ResourceSelector } from './resource.ts';

/** A policy as it is kept: one for each selector and action. */
export interface StoredPolicy {
  readonly selector: ResourceSelector;
  readonly action: Action;
  /** The canonical text. */
  readonly expression: string;
}

/** Where the policies of a node outlive it. Whoever changes `ResourcePolicies` writes here first. */
export interface PolicyRepository {
  all(): Promise<readonly StoredPolicy[]>;
  /** Replaces the one for the same selector and action. */
  store(policy: StoredPolicy): Promise<void>;
  /** Does nothing when there is none. */
  remove(selector: ResourceSelector, action: Action): Promise<void>;
}

/** What a type of resource asks for until something else is set: a credential of the node's authority. Source: routing.md 8.7 */
export const DEFAULT_TYPE_POLICY: Policy = readPolicy('(= subject.has_credential true)');

/**
 * The policies of a node. They are asked at each message, so a change takes effect with the next one. The policy of a resource goes
 * before that of its type; without either nobody is allowed.
 */
export class ResourcePolicies implements Rules {
  readonly #byName = new Map<string, Rule>();
  readonly #byType = new Map<string, Rule>();
  readonly #listeners: Listeners<ResourceSelector>;

  /**
   * Without any policy: nobody is allowed anything.
   * @param logger told of listeners that throw
   */
  constructor(logger: Logger = silentLogger) {
    this.#listeners = new Listeners((thrown) => logger.log('error', 'policies.listener.failed', errorFields(thrown)));
  }

  /**
   * The policies that were kept, and for every type without one the default.
   * @throws {PolicyError} for a stored text that is no policy
   */
  static restored(stored: readonly StoredPolicy[] = [], logger?: Logger): ResourcePolicies {
    const policies = new ResourcePolicies(logger);
    for (const type of RESOURCE_TYPES) policies.set({ type }, DEFAULT_TYPE_POLICY);
    for (const { selector, expression } of stored) policies.set(selector, readPolicy(expression));
    return policies;
  }

  /** Replaces the one before. */
  set(selector: ResourceSelector, policy: Policy): void {
    const [rules, key] = this.#place(selector);
    if (rules.get(key)?.policy.text === policy.text) return;
    rules.set(key, { selector, policy });
    this.#listeners.tell(selector);
  }

  /** @returns whether there was one */
  delete(selector: ResourceSelector): boolean {
    const [rules, key] = this.#place(selector);
    const existed = rules.delete(key);
    if (existed) this.#listeners.tell(selector);
    return existed;
  }

  get(selector: ResourceSelector): Policy | undefined {
    const [rules, key] = this.#place(selector);
    return rules.get(key)?.policy;
  }

  /** Those of resources first, each kind in the order in which they were first set. */
  list(): Rule[] {
    return [...this.#byName.values(), ...this.#byType.values()];
  }

  ruleFor({ name, type }: Resource): Rule | undefined {
    return this.#byName.get(name) ?? this.#byType.get(type);
  }

  /** Tells for what the policy is another one, or gone, at once. @returns how to unsubscribe */
  onChanged(listener: (selector: ResourceSelector) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** The same policies, to be changed for a plan. */
  copy(): ResourcePolicies {
    const copied = new ResourcePolicies();
    for (const { selector, policy } of this.list()) copied.set(selector, policy);
    return copied;
  }

  #place(selector: ResourceSelector): [rules: Map<string, Rule>, key: string] {
    return 'name' in selector ? [this.#byName, selector.name] : [this.#byType, selector.type];
  }
}

/** How a policy is kept. */
export function storedPolicy({ selector, policy }: Rule): StoredPolicy {
  return { selector, action: HANDLE_MESSAGE, expression: policy.text };
}
