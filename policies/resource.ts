import { PolicyError } from './errors.ts';

/** What can be asked of a resource. Source: routing.md 8.7 */
export const HANDLE_MESSAGE = 'handle_message';
export type Action = typeof HANDLE_MESSAGE;

/** In the order of their numbers on the wire, from 1. Source: routing.md 8.7, 8.9 */
export const RESOURCE_TYPES = ['tcp-inlet', 'tcp-outlet', 'echoer', 'kafka-consumer', 'kafka-producer', 'relay', 'lessor'] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

/** Something that policies protect: an inlet by its alias, an outlet by its worker's address, `echo`, `forwarding_service`. */
export interface Resource {
  readonly name: string;
  readonly type: ResourceType;
}

/** What a policy is set for: one resource by its name, whatever its type, or all resources of a type that have none of their own. */
export type ResourceSelector = { readonly type: ResourceType } | { readonly name: string };

/** @throws {PolicyError} `POLICY_RESOURCE` */
export function parseResourceType(text: string): ResourceType {
  const found = RESOURCE_TYPES.find((type) => type === text);
  if (found === undefined)
    throw new PolicyError('POLICY_RESOURCE', `${JSON.stringify(text)} is no type of resource: ${RESOURCE_TYPES.join(', ')}.`);
  return found;
}
