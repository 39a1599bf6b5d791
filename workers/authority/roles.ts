import type { Attributes } from '../../identities/attributes.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Member } from './members.ts';

/** The attribute that makes an enroller. Source: authority.md 2.5 */
export const ROLE = 'ockam-role';
export const ENROLLER = 'enroller';
/** The attribute that makes an administrator of a hosted project. Source: decisions.md D2 */
export const HOSTED_ROLE = 'postern-role';
export const ADMINISTRATOR = 'administrator';
/** The name of the relay that a member may make, or `*`. Source: authority.md 8.1 */
export const RELAY = 'ockam-relay';
export const ANY_RELAY = '*';

/** Who is what at an authority. Source: authority.md 2.5; decisions.md D2 */
export type RoleMode =
  /** Every enroller is an administrator: an authority of the original without account authority. */
  | { readonly kind: 'plain' }
  /** Whoever holds a project admin credential of that identity is an administrator, and unless `enforcesAdminChecks` every enroller is. */
  | { readonly kind: 'account'; readonly authority: Identifier; readonly enforcesAdminChecks: boolean }
  /** Administrators and enrollers are two roles, and nobody changes a row of a higher one. */
  | { readonly kind: 'hosted' };

export interface Roles {
  readonly isMember: boolean;
  readonly isEnroller: boolean;
  readonly isAdministrator: boolean;
  /** Configured by the host. Says nothing of rights. */
  readonly isPreTrusted: boolean;
}

/** The host itself: whoever configures the authority. */
export const HOST_ROLES: Roles = { isMember: true, isEnroller: true, isAdministrator: true, isPreTrusted: true };

/**
 * Computed anew for every request.
 * @param row of the identity, if it is a member
 * @param holdsProjectAdmin the account authority says of it `project` = the id of this project
 */
export function rolesOf(mode: RoleMode, row: Member | undefined, holdsProjectAdmin = false): Roles {
  const isPreTrusted = row?.isPreTrusted === true;
  const isEnroller = row !== undefined && makesEnroller(row.attributes);
  switch (mode.kind) {
    case 'plain':
      return { isMember: row !== undefined, isEnroller, isAdministrator: isEnroller, isPreTrusted };
    case 'account':
      if (holdsProjectAdmin) return { isMember: true, isEnroller: true, isAdministrator: true, isPreTrusted };
      return { isMember: row !== undefined, isEnroller, isAdministrator: isEnroller && !mode.enforcesAdminChecks, isPreTrusted };
    case 'hosted': {
      const isAdministrator = row !== undefined && makesAdministrator(row.attributes);
      return { isMember: row !== undefined, isEnroller: isEnroller || isAdministrator, isAdministrator, isPreTrusted };
    }
  }
}

export function makesEnroller(attributes: Attributes): boolean {
  return attributes.get(ROLE) === ENROLLER;
}

export function makesAdministrator(attributes: Attributes): boolean {
  return attributes.get(HOSTED_ROLE) === ADMINISTRATOR;
}
