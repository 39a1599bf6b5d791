import { boolean, type Scalar, string } from './expression.ts';
import type { Action } from './resource.ts';

/** What a policy is asked about. */
export interface Request {
  /** The name of the resource. */
  readonly resource: string;
  readonly action: Action;
  readonly identifier: string;
  /** Whether the node has an authority at all: without one nothing can be known of a subject but its identifier. */
  readonly authority: boolean;
  /** What that authority attests of the subject now; undefined when it attests nothing, or not any more. */
  readonly attributes: ReadonlyMap<string, string> | undefined;
}

export const IDENTIFIER = 'subject.identifier';
export const HAS_CREDENTIAL = 'subject.has_credential';
export const SUBJECT = 'subject.';

/**
 * True for names of attributes that would say what only the node itself says: they bind nothing. An authority refuses to issue
 * them. Source: reliability.md CR7
 */
export function isReservedName(attribute: string): boolean {
  return attribute === 'identifier' || attribute === 'has_credential' || /^(?:subject\.|resource\.|action)/.test(attribute);
}

/**
 * What the names of a policy stand for: `resource.id`, `action.id`, `subject.identifier`, and when the node has an authority,
 * `subject.has_credential` and `subject.KEY` for each attribute.
 * @returns also the attributes that were skipped because their names are reserved
 * Source: routing.md 8.8, decisions.md D2
 */
export function environmentOf(request: Request): { environment: ReadonlyMap<string, Scalar>; skipped: readonly string[] } {
  const environment = new Map<string, Scalar>([
    ['resource.id', string(request.resource)],
    ['action.id', string(request.action)],
    [IDENTIFIER, string(request.identifier)],
  ]);
  const skipped: string[] = [];
  if (request.authority) {
    environment.set(HAS_CREDENTIAL, boolean(request.attributes !== undefined));
    for (const [key, value] of request.attributes ?? []) {
      if (isReservedName(key)) skipped.push(key);
      else environment.set(SUBJECT + key, string(value));
    }
  }
  return { environment, skipped };
}
