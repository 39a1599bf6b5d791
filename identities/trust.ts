import type { AccessControl } from '../runtime/access-control.ts';
import type { VerifiedCredential } from './credential.ts';
import type { Identifier } from './identifier.ts';

/** Who came, proven: the identity of the channel's key and the credentials that hold for it. */
export interface PresentedPeer {
  readonly identifier: Identifier;
  readonly credentials: readonly Pick<VerifiedCredential, 'issuer' | 'attributes'>[];
}

/** Who may open a channel; asked once, in the handshake. Source: identity.md 8.1 */
export interface TrustPolicy {
  /** The issuers whose credentials have to be verified before the policy is asked. */
  readonly authorities: readonly Identifier[];
  accepts(peer: PresentedPeer): boolean;
}

/**
 * As a trust policy: anyone who proves to have some identity. As an access control: any message. There is no default for
 * either, so that whoever means everyone says so.
 */
export const everyone: TrustPolicy & AccessControl = { authorities: [], accepts: () => true, allows: () => true };

export function onlyPeer(identifier: Identifier): TrustPolicy {
  return peers([identifier]);
}

/** Any identity of a list; the empty list refuses all. */
export function peers(identifiers: readonly Identifier[]): TrustPolicy {
  const accepted = new Set(identifiers);
  return { authorities: [], accepts: (peer) => accepted.has(peer.identifier) };
}

/**
 * A peer that presented a credential of this authority which says all of `required`, in exactly these values. The history of
 * the authority has to be imported first.
 */
export function holdsCredential(authority: Identifier, required: Readonly<Record<string, string>> = {}): TrustPolicy {
  const pairs = Object.entries(required);
  return {
    authorities: [authority],
    accepts: (peer) =>
      peer.credentials.some(
        ({ issuer, attributes }) => issuer === authority && pairs.every(([name, value]) => attributes.get(name) === value),
      ),
  };
}

/** What every one of the policies accepts. @throws {RangeError} when there is none: accepting all is spelled `everyone` */
export function allOf(...policies: readonly TrustPolicy[]): TrustPolicy {
  if (policies.length === 0) throw new RangeError('allOf needs a policy; to accept all, say everyone.');
  return { authorities: authoritiesOf(policies), accepts: (peer) => policies.every((policy) => policy.accepts(peer)) };
}

/** What at least one of the policies accepts; none accepts nobody. */
export function anyOf(...policies: readonly TrustPolicy[]): TrustPolicy {
  return { authorities: authoritiesOf(policies), accepts: (peer) => policies.some((policy) => policy.accepts(peer)) };
}

function authoritiesOf(policies: readonly TrustPolicy[]): Identifier[] {
  return [...new Set(policies.flatMap((policy) => policy.authorities))];
}
