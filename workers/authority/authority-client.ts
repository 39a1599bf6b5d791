import type { Attributes } from '../../identities/attributes.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import { onlyPeer } from '../../identities/trust.ts';
import type { Node } from '../../runtime/node.ts';
import { type Route, route } from '../../runtime/route.ts';
import { type RouteOrWay, toWay, whenThere } from '../../runtime/way.ts';
import { ask, tell } from '../api/api-client.ts';
import type { Method } from '../api/api-message.ts';
import { ApiError } from '../api/errors.ts';
import type { CredentialSource } from '../secure-channel/credential-source.ts';
import { secureChannel } from '../secure-channel/secure-channel.ts';
import {
  type AttributesEntry,
  type CreateToken,
  decodeAttributesEntry,
  decodeIdentifiers,
  decodeMemberList,
  decodeOneTimeCode,
  decodeTokenList,
  encodeAddMember,
  encodeCreateToken,
  encodeOneTimeCode,
  type ToldToken,
} from './bodies.ts';
import { decodeRemoval, type Removal } from './removal.ts';
import {
  decodeReceipt,
  decodeRevocationsAnswer,
  encodeRevocationsRequest,
  encodeRevoked,
  type Receipt,
  type RevocationsAnswer,
  type RevocationsRequest,
} from './revocation-bodies.ts';
import type { Revoked } from './revocations.ts';
import { CREDENTIAL_ISSUER, DIRECT_AUTHENTICATOR, TOKEN_ACCEPTOR, TOKEN_ISSUER } from './services.ts';

/** How long a client of an authority waits: for its channel, and again for each answer. Source: authority.md 1.4 */
export const AUTHORITY_TIMEOUT_MS = 120_000;

export interface AuthorityClientOptions {
  /** Who asks. */
  readonly identity: Identity;
  /** The only one that is trusted at the other end. */
  readonly authority: Identifier;
  /** To the listener of the authority, last on the route or way. */
  readonly to: RouteOrWay;
  /** What to present: a project admin credential, where an account authority is used. Default: nothing. */
  readonly credential?: CredentialSource;
  /** For the channel, and for each answer. Default: 120 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Opens a channel to an authority, does the work with it, and closes it. Whatever a piece of work asks goes by one channel; the
 * original opens one for each request.
 * @throws {ChannelError} as `secureChannel`; and what the work throws
 * Source: authority.md 1.4
 */
export async function withAuthority<Result>(
  node: Node,
  options: AuthorityClientOptions,
  work: (authority: AuthorityClient) => Promise<Result>,
): Promise<Result> {
  const { identity, authority, to, credential, signal, timeoutMs = AUTHORITY_TIMEOUT_MS } = options;
  const channel = await secureChannel(node, await whenThere(toWay(to), signal), {
    identity,
    trust: onlyPeer(authority),
    handshakeTimeoutMs: timeoutMs,
    ...(credential && { credential }),
    ...(signal && { signal }),
  });
  try {
    return await work(new AuthorityClient(node, channel.route, { timeoutMs, ...(signal && { signal }) }));
  } finally {
    await channel.close();
  }
}

/**
 * The services of an authority, seen through an open channel.
 * Each method throws {ApiError} `API_REFUSED`, `API_TIMEOUT`, `API_ANSWER`
 */
export class AuthorityClient {
  readonly #node: Node;
  readonly #channel: Route;
  readonly #options: { readonly timeoutMs: number; readonly signal?: AbortSignal };

  /** @param channel a route to the authority's node: usually that of a channel */
  constructor(node: Node, channel: Route, options: { readonly timeoutMs: number; readonly signal?: AbortSignal }) {
    this.#node = node;
    this.#channel = channel;
    this.#options = options;
  }

  /** Adds a member, or replaces its attributes entirely. */
  addMember(member: Identifier, attributes: Attributes): Promise<void> {
    return this.#tell(DIRECT_AUTHENTICATOR, 'POST', '/', encodeAddMember({ member, attributes }));
  }

  members(): Promise<ReadonlyMap<Identifier, AttributesEntry>> {
    return this.#ask(DIRECT_AUTHENTICATOR, 'GET', '/', decodeMemberList);
  }

  memberIds(): Promise<readonly Identifier[]> {
    return this.#ask(DIRECT_AUTHENTICATOR, 'GET', '/member_ids', decodeIdentifiers);
  }

  member(identifier: Identifier): Promise<AttributesEntry> {
    return this.#ask(DIRECT_AUTHENTICATOR, 'GET', `/${identifier}`, decodeAttributesEntry);
  }

  removeMember(identifier: Identifier): Promise<void> {
    return this.#tell(DIRECT_AUTHENTICATOR, 'DELETE', `/${identifier}`);
  }

  /** As `removeMember`, and tells what went with it. An authority of the original answers `unknown path` and removes nobody. */
  removal(identifier: Identifier): Promise<Removal> {
    return this.#ask(DIRECT_AUTHENTICATOR, 'DELETE', `/removals/${identifier}`, decodeRemoval);
  }

  /**
   * Voids the credentials that were issued so far to somebody, by the authority at all, or one. Not known to the original.
   * @returns once every connected node has applied it, or after 1 s: `receipt` tells the rest
   */
  revoke(revoked: Revoked): Promise<Receipt> {
    return this.#ask(DIRECT_AUTHENTICATOR, 'POST', '/revocations', decodeReceipt, encodeRevoked(revoked));
  }

  /** How far a revocation has come. Not known to the original. */
  receipt(number: number): Promise<Receipt> {
    return this.#ask(DIRECT_AUTHENTICATOR, 'GET', `/revocations/${number}`, decodeReceipt);
  }

  /** All but the caller and those it may not remove. */
  removeAllMembers(): Promise<void> {
    return this.#tell(DIRECT_AUTHENTICATOR, 'DELETE', '/members');
  }

  /** @returns a one-time code, 32 bytes */
  createToken(token: CreateToken): Promise<Uint8Array> {
    return this.#ask(TOKEN_ISSUER, 'POST', '/', decodeOneTimeCode, encodeCreateToken(token));
  }

  /** The codes that are open, without the codes. Not known to the original. */
  openTokens(): Promise<readonly ToldToken[]> {
    return this.#ask(TOKEN_ISSUER, 'GET', '/open', decodeTokenList);
  }

  /** Voids an open code. Not known to the original. */
  revokeToken(reference: string): Promise<void> {
    return this.#tell(TOKEN_ISSUER, 'DELETE', `/open/${reference}`);
  }

  /**
   * Becomes a member by a one-time code.
   * @param code 32 bytes
   * @returns `already-member` when the caller was one before, as after an answer that got lost: that is no failure
   */
  async redeem(code: Uint8Array): Promise<'joined' | 'already-member'> {
    try {
      await this.#tell(TOKEN_ACCEPTOR, 'POST', '/', encodeOneTimeCode(code));
      return 'joined';
    } catch (thrown) {
      if (thrown instanceof ApiError && isAlreadyMember(thrown)) return 'already-member';
      throw thrown;
    }
  }

  /** @returns CredentialAndPurposeKey; not verified */
  credential(): Promise<Uint8Array> {
    return this.#ask(CREDENTIAL_ISSUER, 'POST', '/', (body) => body.slice());
  }

  /** What was revoked after a number; not verified. Not known to the original. */
  revocations(request: RevocationsRequest): Promise<RevocationsAnswer> {
    return this.#ask(CREDENTIAL_ISSUER, 'GET', '/revocations', decodeRevocationsAnswer, encodeRevocationsRequest(request));
  }

  #ask<Body>(service: string, method: Method, path: string, decode: (body: Uint8Array) => Body, body?: Uint8Array): Promise<Body> {
    return ask(this.#node, route(this.#channel, service), { method, path, body, ...this.#options }, decode);
  }

  #tell(service: string, method: Method, path: string, body?: Uint8Array): Promise<void> {
    return tell(this.#node, route(this.#channel, service), { method, path, body, ...this.#options });
  }
}

/** Source: authority.md 7.2, step 5 */
function isAlreadyMember({ refusal }: ApiError): boolean {
  return refusal?.status === 403 && refusal.error.message?.toLowerCase().includes('already a member') === true;
}
