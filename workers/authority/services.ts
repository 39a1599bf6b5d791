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
  encodeTokenList,
  entryOf,
} from './bodies.ts';
import type { Enrollment } from './enrollment.ts';
import type { Issuing } from './issuing.ts';
import type { Membership } from './membership.ts';
import { encodeRemoval } from './removal.ts';
import { decodeRevocationsRequest, decodeRevoked, encodeReceipt, encodeRevocationsAnswer } from './revocation-bodies.ts';
import type { RevocationService } from './revocation-service.ts';

/** Where the services of an authority are. Source: authority.md 2.3 */
export const DIRECT_AUTHENTICATOR = 'direct_authenticator';
export const TOKEN_ISSUER = 'enrollment_token_issuer';
export const TOKEN_ACCEPTOR = 'enrollment_token_acceptor';
export const CREDENTIAL_ISSUER = 'credential_issuer';

/**
 * Adds, lists, shows and removes members. `/removals/ID` and `/revocations` are our own: docs/protocol.md, Authority.
 * Source: authority.md 3.1
 */
export function directAuthenticator(membership: Membership, revocations: RevocationService): Worker {
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
      mayWait: true,
      handle: async ({ caller, parameter }) => {
        const removal = await membership.remove(caller, identifierIn(parameter));
        return encodeRemoval({ ...removal, receipt: await revocations.receiptOfRemoval(removal.revocation) });
      },
    },
    {
      method: 'POST',
      path: '/revocations',
      exact: true,
      mayWait: true,
      handle: async ({ caller, body }) => encodeReceipt(await revocations.revoke(caller, decodeRevoked(body))),
    },
    {
      method: 'GET',
      path: '/revocations/:id',
      handle: async ({ caller, parameter }) => encodeReceipt(await revocations.receipt(caller, numberIn(parameter))),
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
export function tokenAcceptor(enrollment: Enrollment, onJoined: (identifier: Identifier) => void = () => undefined): Worker {
  const redeem: Endpoint['handle'] = async ({ caller, body }) => {
    await enrollment.redeem(caller, decodeOneTimeCode(body));
    onJoined(caller);
    return undefined;
  };
  return apiService([
    { method: 'POST', path: '/', exact: true, handle: redeem },
    { method: 'POST', path: '/credential', exact: true, handle: redeem },
  ]);
}

/** Issues credentials, and says which are void: `/revocations` is our own. Source: authority.md 3.4; docs/protocol.md, Authority */
export function credentialIssuer(issuing: Issuing, revocations: RevocationService): Worker {
  const issue: Endpoint['handle'] = ({ caller }) => issuing.issue(caller);
  return apiService([
    { method: 'POST', path: '/', exact: true, handle: issue },
    { method: 'POST', path: '/credential', exact: true, handle: issue },
    {
      method: 'GET',
      path: '/revocations',
      exact: true,
      mayWait: true,
      handle: async ({ caller, body, message }) =>
        encodeRevocationsAnswer(await revocations.after(caller, message.returnRoute.next, decodeRevocationsRequest(body))),
    },
  ]);
}

function numberIn(segment: string): number {
  const number = /^[1-9][0-9]{0,15}$/.test(segment) ? Number(segment) : NaN;
  if (!Number.isSafeInteger(number)) throw badRequest('the path holds no number');
  return number;
}

function identifierIn(segment: string): Identifier {
  try {
    return parseIdentifier(segment);
  } catch (cause) {
    throw badRequest('the path holds no identifier', { cause });
  }
}
