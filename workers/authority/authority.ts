import type { Attributes } from '../../identities/attributes.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import { everyone } from '../../identities/trust.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import type { AddressLike } from '../../runtime/address.ts';
import type { HasFlow, Node } from '../../runtime/node.ts';
import type { Worker } from '../../runtime/worker.ts';
import { echo } from '../echo.ts';
import { type ChannelListener, secureChannelListener } from '../secure-channel/secure-channel.ts';
import type { CreateToken } from './bodies.ts';
import { Enrollment } from './enrollment.ts';
import { AuthorityError } from './errors.ts';
import { Issuing } from './issuing.ts';
import { Membership } from './membership.ts';
import { RevocationService } from './revocation-service.ts';
import { LONGEST_LIFE_SECONDS, RevocationRules } from './revoking.ts';
import type { RoleMode } from './roles.ts';
import {
  CREDENTIAL_ISSUER,
  credentialIssuer,
  DIRECT_AUTHENTICATOR,
  directAuthenticator,
  TOKEN_ACCEPTOR,
  TOKEN_ISSUER,
  tokenAcceptor,
  tokenIssuer,
} from './services.ts';
import type { AuthorityStore } from './store.ts';
import { WrongCodes } from './wrong-codes.ts';

/** Of a hosted project: short, so that whoever is cut off loses access soon. Source: decisions.md D6 */
const HOSTED_LIFE_SECONDS = 3_600;

export interface AuthorityOptions {
  readonly identity: Identity;
  readonly store: AuthorityStore;
  /** The id of the project: a free text that goes into credentials. */
  readonly project: string;
  /** By which ways its listener may be reached. */
  readonly on: HasFlow | readonly HasFlow[];
  /** Who is an administrator. Default: the rules of a hosted project. */
  readonly roles?: 'hosted' | 'plain';
  /** Members that the host configures; nobody deletes them from afar. Given, they replace those of the last start. */
  readonly trusted?: ReadonlyMap<Identifier, Attributes>;
  /** Vouches for administrators of the project; it goes with the role mode of the original. */
  readonly accountAuthority?: {
    /** As `exportHistory` gave it. */
    readonly history: Uint8Array;
    /** Only holders of its credentials are administrators. Default: every enroller is one too. */
    readonly enforcesAdminChecks?: boolean;
  };
  /** Default: 1 hour for a hosted project, 30 days otherwise. */
  readonly credentialLifeSeconds?: number;
  /** Whether credentials say the id of the project, for old clients. Default: yes. */
  readonly hasTrustContextId?: boolean;
  /** Whether members can be managed directly. Default: yes. */
  readonly hasDirectAuthenticator?: boolean;
  /** Whether there are one-time codes. Default: yes. */
  readonly hasTokens?: boolean;
  /** Who hears of revocations besides those that are, or were, members: the project's own node. Default: nobody. */
  readonly listeners?: readonly Identifier[];
  /** Calls back when somebody has redeemed a code at this process. */
  readonly onJoined?: (identifier: Identifier) => void;
  /** Of the listener. Default: `api`. */
  readonly address?: AddressLike;
}

/** A running authority, as its host sees it. */
export interface Authority {
  readonly identifier: Identifier;
  readonly channels: ChannelListener;
  /** Asked as `'host'`, everything is allowed that keeps the list sound. */
  readonly membership: Membership;
  /** Asked as `'host'`: what was revoked, and how far that has come. */
  readonly revocations: RevocationService;
  /** Makes a one-time code in the name of the authority. @returns 32 bytes. @throws {Refusal} */
  issueCode(token: CreateToken): Promise<Uint8Array>;
  /** @returns undefined when there is an administrator, or a code for one is open. Source: decisions.md D5 */
  administratorCode(): Promise<Uint8Array | undefined>;
  /** Ends the services and the channels that lead to them. */
  close(): Promise<void>;
}

/**
 * Starts an authority: everybody may open a secure channel to it, and by that channel reach its services, which decide by who
 * is at the other end. Nothing else of the node becomes reachable.
 * @throws {AuthorityError} `AUTHORITY_SETTING`
 * @throws {RuntimeError} `ADDRESS_IN_USE`
 * @throws {IdentityError} as `importHistory`, for the account authority
 * Source: authority.md 2
 */
export async function startAuthority(node: Node, options: AuthorityOptions): Promise<Authority> {
  const { identity, store, project, hasTrustContextId = true } = options;
  const { clock, random } = node;
  const mode = await roleMode(options);
  const lifeSeconds = options.credentialLifeSeconds ?? (mode.kind === 'hosted' ? HOSTED_LIFE_SECONDS : LONGEST_LIFE_SECONDS);
  const parts = { identity, clock, store, mode, project };
  const revoking = new RevocationRules(parts, lifeSeconds);
  const membership = new Membership(parts, revoking);
  const enrollment = new Enrollment(parts, random, new WrongCodes());
  const issuing = new Issuing(parts, { lifeSeconds, hasTrustContextId }, revoking);
  const revocations = new RevocationService(node, parts, revoking, options.listeners ?? []);
  if (options.trusted !== undefined) await membership.configure(options.trusted);

  const channels = secureChannelListener(node, options.address ?? 'api', {
    identity,
    trust: everyone,
    on: options.on,
    ...(mode.kind === 'account' && { authorities: [mode.authority] }),
  });
  const services: [string, Worker][] = [[CREDENTIAL_ISSUER, credentialIssuer(issuing, revocations)]];
  if (options.hasDirectAuthenticator !== false) services.push([DIRECT_AUTHENTICATOR, directAuthenticator(membership, revocations)]);
  if (options.hasTokens !== false)
    services.push([TOKEN_ISSUER, tokenIssuer(enrollment)], [TOKEN_ACCEPTOR, tokenAcceptor(enrollment, options.onJoined)]);
  services.push(['echo', echo]);
  for (const [address, worker] of services) {
    node.start(address, worker);
    node.publish(address, { on: channels, allow: allowEveryone });
  }
  return {
    identifier: identity.identifier,
    channels,
    membership,
    revocations,
    issueCode: (token) => enrollment.issue('host', token),
    administratorCode: () => enrollment.administratorCode(),
    close: async () => {
      revocations.close();
      await channels.close();
      await Promise.all([...channels.channels].map((channel) => channel.close()));
      await Promise.all(services.map(([address]) => node.stopWorker(address).catch(() => undefined)));
    },
  };
}

async function roleMode({ identity, roles, accountAuthority, credentialLifeSeconds, project }: AuthorityOptions): Promise<RoleMode> {
  if (project === '') throw new AuthorityError('AUTHORITY_SETTING', 'The id of the project is empty: give it one.');
  if (credentialLifeSeconds !== undefined && !(Number.isSafeInteger(credentialLifeSeconds) && credentialLifeSeconds > 0))
    throw new AuthorityError('AUTHORITY_SETTING', 'A credential lives a whole number of seconds, at least 1.');
  if (accountAuthority === undefined) return { kind: roles ?? 'hosted' };
  if (roles === 'hosted')
    throw new AuthorityError(
      'AUTHORITY_SETTING',
      'A hosted project has administrators of its own: leave out the account authority, or the roles.',
    );
  const authority = await identity.importHistory(accountAuthority.history, { rule: 'ignore-older', keep: true });
  return { kind: 'account', authority, enforcesAdminChecks: accountAuthority.enforcesAdminChecks === true };
}
