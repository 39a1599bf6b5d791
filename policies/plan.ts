import { attributeSpace, NOBODY } from './attribute-space.ts';
import { environmentOf, HAS_CREDENTIAL, IDENTIFIER } from './environment.ts';
import { decide } from './evaluate.ts';
import { boolean, type Expression, type Scalar, string } from './expression.ts';
import type { Policy } from './policy.ts';
import { HANDLE_MESSAGE, type Resource, type ResourceSelector } from './resource.ts';
import { applyChanges, type ChangeSet, smallestChange } from './smallest-change.ts';

/** A subject of a plan. */
export interface Member {
  readonly identifier: string;
  /** What the authority attests of it; undefined when it has no credential. */
  readonly attributes: ReadonlyMap<string, string> | undefined;
}

/** Which policy decides, and for what it was set; undefined when there is none, which denies. */
export interface Rule {
  readonly selector: ResourceSelector;
  readonly policy: Policy;
}

/** Where policies are found: `ResourcePolicies`, or a copy of it that was changed. */
export interface Rules {
  ruleFor(resource: Resource): Rule | undefined;
}

/** Resources, policies and members as they are, or as they would be. */
export interface Situation {
  readonly resources: readonly Resource[];
  readonly rules: Rules;
  readonly members: readonly Member[];
  /** Default: true */
  readonly authority?: boolean;
}

/** Whether one member reaches one resource. */
export interface Reach {
  readonly resource: Resource;
  readonly identifier: string;
  readonly allowed: boolean;
  readonly reason: string;
  readonly rule: Rule | undefined;
}

/** Who reaches what: every resource with every member, in the order given. Source: decisions.md D10 */
export function plan({ resources, rules, members, authority = true }: Situation): Reach[] {
  return resources.flatMap((resource) => {
    const rule = rules.ruleFor(resource);
    return members.map(({ identifier, attributes }) => {
      if (rule === undefined) return { resource, identifier, allowed: false, reason: NO_RULE, rule };
      const { environment } = environmentOf({ resource: resource.name, action: HANDLE_MESSAGE, identifier, authority, attributes });
      const { allowed, reason } = decide(rule.policy.expression, environment);
      return { resource, identifier, allowed, reason, rule };
    });
  });
}

export const NO_RULE = 'No policy is set for the resource or for its type.';

/** One cell that a change turns. A resource or member that is not there reaches, and is reached by, nobody. */
export interface ReachChange {
  readonly resource: Resource;
  readonly identifier: string;
  readonly before: Reach | undefined;
  readonly after: Reach | undefined;
  readonly gains: boolean;
}

/** What a change of policies, resources or members does: the cells that are turned, those that stay first, new ones last. */
export function planChange(before: Situation, after: Situation): ReachChange[] {
  const [old, now] = [cellsOf(before), cellsOf(after)];
  const keys = new Set([...old.keys(), ...now.keys()]);
  return [...keys].flatMap((key) => {
    const [one, other] = [old.get(key), now.get(key)];
    const cell = other ?? one;
    if (cell === undefined || (one?.allowed ?? false) === (other?.allowed ?? false)) return [];
    return [{ resource: cell.resource, identifier: cell.identifier, before: one, after: other, gains: other?.allowed ?? false }];
  });
}

function cellsOf(situation: Situation): Map<string, Reach> {
  return new Map(plan(situation).map((cell) => [JSON.stringify([cell.resource.type, cell.resource.name, cell.identifier]), cell]));
}

/** A subject over whom two policies disagree, as facts; the fewest there are. */
export type Witness = Pick<ChangeSet, 'size'> & { readonly facts: ReadonlyMap<string, Scalar> };

export interface PolicyDifference {
  /** False when the policies ask too many questions to try all answers: then what was not found may still exist. */
  readonly decided: boolean;
  /** Somebody whom only the second allows. */
  readonly gains: Witness | undefined;
  /** Somebody whom only the first allows. */
  readonly loses: Witness | undefined;
}

/**
 * Whom the second of two policies allows and the first does not, and the other way round, over all subjects and attributes there
 * could be: by trying all that the two can tell apart. Neither found and decided: they mean the same. Source: decisions.md D10
 * @param resource its name, when both are for one resource; else they are compared for any
 */
export function comparePolicies(
  first: Expression,
  second: Expression,
  { resource }: { readonly resource?: string } = {},
): PolicyDifference {
  const base = new Map<string, Scalar>([
    ['resource.id', string(resource ?? 'any')],
    ['action.id', string(HANDLE_MESSAGE)],
    [IDENTIFIER, string(NOBODY)],
    [HAS_CREDENTIAL, boolean(false)],
  ]);
  const free = new Set([IDENTIFIER, ...(resource === undefined ? ['resource.id'] : [])]);
  const space = attributeSpace([first, second], base, { authority: true, free });
  const whoIsAllowedOnlyBy = (allowing: Expression, denying: Expression) => {
    const search = smallestChange(space, (subject) => decide(allowing, subject).allowed && !decide(denying, subject).allowed, false);
    const { found } = search;
    return { decided: search.decided, witness: found && { size: found.size, facts: applyChanges(base, found.changes) } };
  };
  const gains = whoIsAllowedOnlyBy(second, first);
  const loses = whoIsAllowedOnlyBy(first, second);
  return { decided: gains.decided && loses.decided, gains: gains.witness, loses: loses.witness };
}
