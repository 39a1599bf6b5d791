import { type Attributes, isReservedAttribute } from '../../identities/attributes.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { badRequest, forbidden, type Refusal } from '../api/errors.ts';
import { MEMBER_ATTRIBUTES_MAX } from './attribute-bodies.ts';
import { ADMINISTRATOR, ANY_RELAY, ENROLLER, HOSTED_ROLE, RELAY, ROLE, type RoleMode, type Roles } from './roles.ts';
import type { AuthorityTransaction } from './store.ts';

/** Attributes that someone wants to give to a member or a ticket. */
export interface Grant {
  readonly attributes: Attributes;
  /** Who gives them. */
  readonly roles: Roles;
  /** How many may have them by it: 1 for a member. */
  readonly useCount: number;
  /** Who may hold the same relay name already: whoever is to get it. */
  readonly recipient?: Identifier | undefined;
  /** The ticket that is being redeemed. */
  readonly reference?: string | undefined;
}

/**
 * Why these attributes may not be given, whoever asks. The roles that give them are another question. Source: decisions.md D2
 * @returns undefined when they may
 */
export function reservedRefusal(mode: RoleMode, attributes: Attributes, { isAdministrator }: Roles): Refusal | undefined {
  // The credential has to hold them all, and one of the authority's own.
  if (attributes.size > MEMBER_ATTRIBUTES_MAX) return badRequest(`There are more than ${MEMBER_ATTRIBUTES_MAX} attributes`);
  for (const [name, value] of attributes) {
    // Policies read these names as facts of the node: a credential with them could not be issued.
    if (isReservedAttribute(name)) return forbidden(`The attribute ${JSON.stringify(name)} is reserved`);
    if (mode.kind !== 'hosted') continue;
    if (name === 'project' || name === 'trust_context_id') return forbidden(`The attribute ${JSON.stringify(name)} is reserved`);
    if (name === ROLE && value !== ENROLLER) return forbidden(`The only value of ${ROLE} is ${ENROLLER}`);
    if (!name.startsWith('postern-')) continue;
    if (name !== HOSTED_ROLE || value !== ADMINISTRATOR) return forbidden(`The attribute ${JSON.stringify(name)} is reserved`);
    if (!isAdministrator) return forbidden('Not admin is trying to make an administrator');
  }
  return undefined;
}

/**
 * Why a relay name may not be given: to an enroller's members belongs one that nobody else holds or may come to hold.
 * @returns undefined when it may
 * Source: decisions.md D3
 */
export async function relayRefusal(
  mode: RoleMode,
  { members, tokens }: AuthorityTransaction,
  grant: Grant,
  nowSeconds: number,
): Promise<Refusal | undefined> {
  const name = grant.attributes.get(RELAY);
  if (mode.kind !== 'hosted' || name === undefined || grant.roles.isAdministrator) return undefined;
  if (name === ANY_RELAY) return forbidden('Not admin is trying to grant every relay');
  if (grant.useCount > 1) return forbidden('A ticket with a relay name has one use');
  const holders = await members.withAttribute(RELAY, name);
  if (holders.some(({ identifier }) => identifier !== grant.recipient)) return forbidden('Another member holds this relay name');
  const promised = await tokens.withAttribute(RELAY, name, nowSeconds);
  if (promised.some(({ reference }) => reference !== grant.reference)) return forbidden('An open ticket holds this relay name');
  return undefined;
}
