import { parseIdentifier, type Identifier } from '../../identities/identifier.ts';
import type { Worker } from '../../runtime/worker.ts';
import { apiService, type Endpoint } from '../api/api-service.ts';
import { badRequest } from '../api/errors.ts';
import {
  decodeAddMember,
  decodeCreateToken,
  decodeOneTimeCode,
  encodeAttributesEntry,
  encodeIdentifiers,
  encodeMemberList,
  encodeOneTimeCode,
  encodeRemoval,
  encodeTokenList,
  entryOf,
} from './bodies.ts';
import type { Enrollment } from './enrollment.ts';
import type { Issuing } from './issuing.ts';
import type { Membership } from './membership.ts';

/** Where the services of an authority are. Source: authority.md 2.3 */
export const DIRECT_AUTHENTICATOR = 'direct_authenticator';
export const TOKEN_ISSUER = 'enrollment_token_issuer';
export const TOKEN_ACCEPTOR = 'enrollment_token_acceptor';
export const CREDENTIAL_ISSUER = 'credential_issuer';

/** Adds, lists, shows and removes members. `/removals/ID` is our own: docs/protocol.md, Authority. Source: authority.md 3.1 */
export function directAuthenticator(membership: Membership): Worker {
  const add: Endpoint['handle'] = async ({ caller, body }) => {
    const { member, attributes } = decodeAddMember(body);
    await membership.add(caller, member, attributes);
    return undefined;
  };
  const list: Endpoint['handle'] = async ({ caller }) => encodeMemberList(await membership.list(caller));
  const show: Endpoint['handle'] = async ({ caller, parameter }) =>
    encodeAttributesEntry(entryOf(await membership.show(caller, identifierIn(parameter))));
  const remove: Endpoint['handle'] = async ({ caller, parameter }) => {
    await membership.remove(caller, identifierIn(parameter));
    return undefined;
  };
  return apiService([
    { method: 'POST', path: '/', handle: add },
    { method: 'POST', path: '/members', handle: add },
    { method: 'GET', path: '/', handle: list },
    { method: 'GET', path: '/members', handle: list },
    {
      method: 'GET',
      path: '/member_ids',
      handle: async ({ caller }) => encodeIdentifiers((await membership.list(caller)).map(({ identifier }) => identifier)),
    },
    { method: 'GET', path: '/:id', handle: show },
    { method: 'GET', path: '/members/:id', handle: show },
    {
      method: 'DELETE',
      path: '/members',
      handle: async ({ caller }) => {
        await membership.removeAll(caller);
        return undefined;
      },
    },
    { method: 'DELETE', path: '/:id', handle: remove },
    { method: 'DELETE', path: '/members/:id', handle: remove },
    {
      method: 'DELETE',
      path: '/removals/:id',
      handle: async ({ caller, parameter }) => encodeRemoval(await membership.remove(caller, identifierIn(parameter))),
    },
  ]);
}

/** Makes one-time codes. `/open` is our own: docs/protocol.md, Authority. Source: authority.md 3.2 */
export function tokenIssuer(enrollment: Enrollment): Worker {
  const issue: Endpoint['handle'] = async ({ caller, body }) => encodeOneTimeCode(await enrollment.issue(caller, decodeCreateToken(body)));
  return apiService([
    { method: 'POST', path: '/', exact: true, handle: issue },
    { method: 'POST', path: '/tokens', exact: true, handle: issue },
    { method: 'GET', path: '/open', exact: true, handle: async ({ caller }) => encodeTokenList(await enrollment.list(caller)) },
    {
      method: 'DELETE',
      path: '/open/:id',
      handle: async ({ caller, parameter }) => {
        await enrollment.revoke(caller, parameter);
        return undefined;
      },
    },
  ]);
}

/** Redeems one-time codes. Source: authority.md 3.3 */
export function tokenAcceptor(enrollment: Enrollment): Worker {
  const redeem: Endpoint['handle'] = async ({ caller, body }) => {
    await enrollment.redeem(caller, decodeOneTimeCode(body));
    return undefined;
  };
  return apiService([
    { method: 'POST', path: '/', exact: true, handle: redeem },
    { method: 'POST', path: '/credential', exact: true, handle: redeem },
  ]);
}

/** Issues credentials. Source: authority.md 3.4 */
export function credentialIssuer(issuing: Issuing): Worker {
  const issue: Endpoint['handle'] = ({ caller }) => issuing.issue(caller);
  return apiService([
    { method: 'POST', path: '/', exact: true, handle: issue },
    { method: 'POST', path: '/credential', exact: true, handle: issue },
  ]);
}

function identifierIn(segment: string): Identifier {
  try {
    return parseIdentifier(segment);
  } catch (cause) {
    throw badRequest('the path holds no identifier', { cause });
  }
}
