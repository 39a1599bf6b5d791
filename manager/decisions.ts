import { type DecisionLog, explainDenial, type LoggedDenial } from '../policies/decision-log.ts';
import { denialForms } from '../policies/denial-text.ts';
import { environmentOf } from '../policies/environment.ts';
import { explain, type ExplainedPart, type Explanation, explanationText, outcomeText } from '../policies/explain.ts';
import { hasItems } from '../policies/expression.ts';
import { type Member, NO_RULE, plan, planChange, type Rule, type Situation } from '../policies/plan.ts';
import { parsePolicy } from '../policies/policy.ts';
import { printExpression, printValue } from '../policies/print.ts';
import { HANDLE_MESSAGE, type Resource, type ResourceSelector } from '../policies/resource.ts';
import type { Logger } from '../runtime/logger.ts';
import { readDecisionFile } from '../storage/decision-file.ts';
import type { NodeAccess } from './access.ts';
import { ManagerError } from './errors.ts';

// Plain data, as `status.ts`; seconds are since 1970.

/** Something a policy did not let pass, once or many times over. */
export interface DenialStatus {
  /** Names it, with `first_at`: numbers begin anew at each start of the node. */
  readonly number: number;
  readonly first_at: number;
  readonly last_at: number;
  readonly count: number;
  readonly resource: string;
  readonly type: string;
  readonly action: string;
  readonly direction: 'in' | 'out';
  /** Null when no secure channel said who it is. */
  readonly identifier: string | null;
  /** Null when nothing was attested. */
  readonly attributes: Readonly<Record<string, string>> | null;
  /** The policy that decided, and the name or type that it was set for; null when none was set. */
  readonly expression: string | null;
  readonly rule: string | null;
  readonly reason: string;
}

export interface ExplanationStatus {
  readonly resource: string;
  readonly action: string;
  readonly identifier: string | null;
  readonly allowed: boolean;
  readonly reason: string;
  readonly expression: string | null;
  readonly rule: string | null;
  /** Null when no policy was asked. */
  readonly tree: PartStatus | null;
  readonly facts: readonly FactStatus[];
  /** The smallest change of attributes that would turn it; null for none. A value of null takes the attribute away. */
  readonly change: readonly FactStatus[] | null;
  /** Whether no smaller one exists; false when the policy asks too many questions to try all answers. */
  readonly is_exact: boolean;
  /** All of it for people. */
  readonly text: string;
}

export interface PartStatus {
  readonly expression: string;
  /** What it came to, an error, or `not evaluated`. */
  readonly value: string;
  readonly parts: readonly PartStatus[];
}

export interface FactStatus {
  readonly name: string;
  /** As in a policy: a text stands in quotes. Null for what is not known. */
  readonly value: string | null;
}

export interface ExplainRequest {
  /** An inlet, an outlet, a service, or `forwarding_service`. */
  readonly resource: string;
  readonly identifier: string;
  /** Null for no credential. Default: what is attested of it here now. */
  readonly attributes?: Readonly<Record<string, string>> | null;
}

/** A policy that would be set, or taken away with null. */
export interface PolicyChange {
  readonly selector: ResourceSelector;
  readonly expression: string | null;
}

export interface PlanRequest {
  /** Of `attributes` null means no credential. */
  readonly members: readonly { readonly identifier: string; readonly attributes: Readonly<Record<string, string>> | null }[];
  readonly changes?: readonly PolicyChange[];
}

export interface ReachStatus {
  readonly resource: string;
  readonly type: string;
  readonly identifier: string;
  readonly allowed: boolean;
  readonly reason: string;
  readonly expression: string | null;
}

/** Who reaches what with the changes, and what they turn. */
export interface PlanStatus {
  readonly reach: readonly ReachStatus[];
  readonly turned: readonly { readonly resource: string; readonly type: string; readonly identifier: string; readonly gains: boolean }[];
}

export interface DecisionsOptions {
  readonly access: NodeAccess;
  /** All that policies protect here now. */
  readonly resources: () => readonly Resource[];
  /** Where denials are written down. */
  readonly file: string | undefined;
  readonly logger: Logger;
}

/** Asks the policies of a node, and what they have denied. */
export class Decisions {
  readonly #options: DecisionsOptions;
  readonly #log: DecisionLog;

  constructor(options: DecisionsOptions) {
    this.#options = options;
    this.#log = options.access.log;
  }

  /** The latest first: those of this run, then those of runs before. @throws {StorageError} */
  async list(): Promise<DenialStatus[]> {
    return (await this.#all()).map(denialStatus);
  }

  /** Why it was denied then, whatever has changed since. @throws {ManagerError} `RESOURCE_UNKNOWN` @throws {StorageError} */
  async explain({ number, first_at }: Pick<DenialStatus, 'number'> & Partial<Pick<DenialStatus, 'first_at'>>): Promise<ExplanationStatus> {
    const denial = (await this.#all()).find((each) => each.number === number && (first_at === undefined || each.firstAt === first_at));
    if (denial === undefined)
      throw new ManagerError('RESOURCE_UNKNOWN', `Denial ${number} was not found: list them; old ones are forgotten.`);
    const { resource, identifier = null, rule, reason } = denial;
    return explanationStatus({ resource, identifier, rule, allowed: false, reason }, explainDenial(denial));
  }

  /** How a policy decides now. @throws {ManagerError} `RESOURCE_UNKNOWN` */
  ask({ resource: name, identifier, attributes }: ExplainRequest): ExplanationStatus {
    const { access, resources } = this.#options;
    const resource = resources().find((each) => each.name === name);
    if (resource === undefined)
      throw new ManagerError('RESOURCE_UNKNOWN', `Resource ${JSON.stringify(name)} was not found: nothing of that name has a policy here.`);
    if (access.isOpenFor(resource))
      return explanationStatus({ resource, identifier, rule: undefined, allowed: true, reason: OPEN }, undefined);
    const rule = access.copyOfPolicies().ruleFor(resource);
    if (rule === undefined) return explanationStatus({ resource, identifier, rule, allowed: false, reason: NO_RULE }, undefined);
    const { hasAuthority: authority } = access;
    const known = attributes === undefined ? access.attributesOf(identifier) : attributesOf(attributes);
    const { environment } = environmentOf({ resource: name, action: HANDLE_MESSAGE, identifier, authority, attributes: known });
    const explanation = explain(rule.policy.expression, environment, { authority });
    return explanationStatus({ resource, identifier, rule, ...explanation.decision }, explanation);
  }

  /** Who would reach what. Nothing is changed. @throws {PolicyError} for an expression that is no policy */
  plan({ members, changes = [] }: PlanRequest): PlanStatus {
    const { access, resources } = this.#options;
    const rules = access.copyOfPolicies();
    for (const { selector, expression } of changes)
      if (expression === null) rules.delete(selector);
      else rules.set(selector, parsePolicy(expression));
    const named = new Set(
      changes.flatMap(({ selector, expression }) => ('name' in selector && expression !== null ? [selector.name] : [])),
    );
    const isOpen = (resource: Resource) => access.isOpenFor(resource) && !named.has(resource.name);
    const all = resources();
    const subjects = members.map(({ identifier, attributes }): Member => ({ identifier, attributes: attributesOf(attributes) }));
    const asked = { resources: all, members: subjects, authority: access.hasAuthority };
    const [before, after] = [
      openTo({ ...asked, rules: access.copyOfPolicies() }, (each) => access.isOpenFor(each)),
      openTo({ ...asked, rules }, isOpen),
    ];
    return {
      reach: plan(after).map(({ resource, identifier, allowed, reason, rule }) => ({
        resource: resource.name,
        type: resource.type,
        identifier,
        allowed,
        reason: isOpen(resource) ? OPEN : reason,
        expression: isOpen(resource) ? null : (rule?.policy.text ?? null),
      })),
      turned: planChange(before, after).map(({ resource, identifier, gains }) => ({
        resource: resource.name,
        type: resource.type,
        identifier,
        gains,
      })),
    };
  }

  async #all(): Promise<LoggedDenial[]> {
    const { file, logger } = this.#options;
    const ofThisRun = this.#log.denials();
    if (file === undefined) return ofThisRun;
    const known = new Set(ofThisRun.map(keyOf));
    const written = await readDecisionFile(file, { forms: denialForms, logger });
    return [...ofThisRun, ...written.filter((each) => !known.has(keyOf(each)))];
  }
}

/** What is written down of the denials of a node, also of one that has stopped. The latest first. @throws {StorageError} */
export async function readDecisions(file: string): Promise<DenialStatus[]> {
  return (await readDecisionFile(file, { forms: denialForms })).map(denialStatus);
}

const OPEN = 'The node is open: everyone may use what has no policy of its own.';
const EVERYONE = parsePolicy('(= 1 1)');

const keyOf = ({ number, firstAt }: LoggedDenial) => `${number} ${firstAt}`;

/** The same, where what is open allows everyone. */
function openTo({ rules, ...situation }: Situation, isOpen: (resource: Resource) => boolean): Situation {
  const ruleFor = (resource: Resource): Rule | undefined =>
    isOpen(resource) ? { selector: { name: resource.name }, policy: EVERYONE } : rules.ruleFor(resource);
  return { ...situation, rules: { ruleFor } };
}

function attributesOf(attributes: Readonly<Record<string, string>> | null): ReadonlyMap<string, string> | undefined {
  return attributes === null ? undefined : new Map(Object.entries(attributes));
}

function denialStatus(denial: LoggedDenial): DenialStatus {
  const { number, firstAt, lastAt, count, resource, action, direction, identifier = null, attributes, rule, reason } = denial;
  return {
    number,
    first_at: firstAt,
    last_at: lastAt,
    count,
    resource: resource.name,
    type: resource.type,
    action,
    direction,
    identifier,
    attributes: attributes === undefined ? null : Object.fromEntries(attributes),
    ...ruleStatus(rule),
    reason,
  };
}

function ruleStatus(rule: Rule | undefined): { readonly expression: string | null; readonly rule: string | null } {
  if (rule === undefined) return { expression: null, rule: null };
  const { selector, policy } = rule;
  return { expression: policy.text, rule: 'name' in selector ? selector.name : selector.type };
}

interface Decided {
  readonly resource: Resource;
  readonly identifier: string | null;
  readonly rule: Rule | undefined;
  readonly allowed: boolean;
  readonly reason: string;
}

function explanationStatus(
  { resource, identifier, rule, allowed, reason }: Decided,
  explanation: Explanation | undefined,
): ExplanationStatus {
  const found = explanation?.flip.found;
  return {
    resource: resource.name,
    action: HANDLE_MESSAGE,
    identifier,
    allowed,
    reason,
    ...ruleStatus(rule),
    tree: explanation === undefined ? null : partStatus(explanation.tree),
    facts: explanation?.facts.map(({ name, value }) => factStatus(name, value)) ?? [],
    change: found === undefined ? null : found.changes.map(({ name, to }) => factStatus(name, to)),
    is_exact: explanation?.flip.decided ?? true,
    text: explanation === undefined ? `${allowed ? 'Allowed' : 'Denied'}: ${reason}\n` : explanationText(explanation),
  };
}

function factStatus(name: string, value: Parameters<typeof printValue>[0] | undefined): FactStatus {
  return { name, value: value === undefined ? null : printValue(value) };
}

/** Values and names say no more than the line above them. */
function partStatus({ expression, outcome, parts }: ExplainedPart): PartStatus {
  const inner = expression.kind === 'list' ? parts.slice(1).filter((part) => hasItems(part.expression)) : [];
  return { expression: printExpression(expression), value: outcomeText(outcome), parts: inner.map(partStatus) };
}
