import type { Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import type { IdentityRepository } from '../../identities/repository.ts';
import { onlyPeer } from '../../identities/trust.ts';
import { formatHostPort } from '../../runtime/host-port.ts';
import type { Node } from '../../runtime/node.ts';
import { parseMultiAddress } from '../../runtime/multi-address.ts';
import { type Route, route } from '../../runtime/route.ts';
import { via, type Way } from '../../runtime/way.ts';
import { tcp } from '../../transports/tcp.ts';
import { ask } from '../../workers/api/api-client.ts';
import { type AuthorityClient, withAuthority } from '../../workers/authority/authority-client.ts';
import { type CredentialRetriever, credentialRetriever } from '../../workers/authority/credential-retriever.ts';
import type { HeardRepository } from '../../workers/authority/heard-revocations.ts';
import { importProject, type ProjectInformation } from '../../workers/authority/project.ts';
import { type RevocationWatch, revocationWatch } from '../../workers/authority/revocation-watch.ts';
import { decodeTicket } from '../../workers/authority/ticket.ts';
import { channelSession } from '../../workers/secure-channel/channel-session.ts';
import { fixedCredential } from '../../workers/secure-channel/credential-source.ts';
import { secureChannel } from '../../workers/secure-channel/secure-channel.ts';
import type { ChannelSetup } from '../../workers/secure-channel/channel.worker.ts';
import { connectionSession } from '../../workers/session/connection-session.ts';
import type { Session } from '../../workers/session/session.ts';
import { AttestedSubjects } from '../../workers/trust/attested-subjects.ts';
import { followRevocations } from '../../workers/trust/follow-revocations.ts';
import { ProjectError } from './errors.ts';
import { decodeProjectInformation, PROJECT_INFORMATION } from './information.ts';
import { PROJECT_FRAME_BYTES_MAX } from './project.ts';

export interface MemberOptions {
  readonly identity: Identity;
  /** Where its credential is kept: the repository of the identity, or another one. */
  readonly cache: IdentityRepository;
  /** For each connection, channel and answer. Default: as for every client of an authority. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What came of a ticket. */
export interface Enrolled {
  readonly project: ProjectInformation;
  readonly identifier: Identifier;
  readonly authority: Identifier;
  /** `already-member`: the ticket was not used up, and the attributes are those from before. */
  readonly outcome: 'joined' | 'already-member';
  readonly attributes: ReadonlyMap<string, string>;
}

/**
 * Becomes a member by a ticket: remembers the project, redeems the code, and gets the first credential, which is kept. To do it
 * again with the same ticket is harmless.
 * @throws {TicketError} for a ticket that cannot be used
 * @throws {ApiError} `API_REFUSED` when the code is unknown, used up or over
 * @throws {TransportError, ChannelError} when the authority cannot be reached, or is another one
 * Source: authority.md 7.2
 */
export async function enroll(node: Node, { ticket, ...options }: MemberOptions & { readonly ticket: string }): Promise<Enrolled> {
  const { identity, cache } = options;
  const { code, project } = decodeTicket(ticket);
  const known = await remember(identity, project);
  const { outcome, credential } = await atAuthority(node, known, options, async (authority) => ({
    outcome: await authority.redeem(code),
    credential: await authority.credential(),
  }));
  const { attributes, expiresAt } = await identity.verifyCredential(credential, [known.authority], identity.identifier);
  await cache.cacheCredential({ subject: identity.identifier, issuer: known.authority, scope: scopeOf(project.id), expiresAt, credential });
  return { project: known.project, identifier: known.identifier, authority: known.authority, outcome, attributes };
}

/** Asks the authority of a project as oneself, by one connection and one channel. @throws as `withAuthority`, and what `work` throws */
export async function askAuthority<Result>(
  node: Node,
  { project, ...options }: MemberOptions & { readonly project: ProjectInformation },
  work: (authority: AuthorityClient) => Promise<Result>,
): Promise<Result> {
  return atAuthority(node, await remember(options.identity, project), options, work);
}

/**
 * Asks a project what it is now, as a member whose credential is kept.
 * @throws {TransportError, ChannelError} when it cannot be reached, or is another one
 * @throws {ApiError} `API_TIMEOUT` also when it does not take the credential
 */
export async function askProject(
  node: Node,
  { project, ...options }: MemberOptions & { readonly project: ProjectInformation },
): Promise<ProjectInformation> {
  const { identity, cache, timeoutMs, signal } = options;
  const { identifier, authority, toProject } = await remember(identity, project);
  const held = await cache.cachedCredential(identity.identifier, authority, scopeOf(project.id), node.clock.wallSeconds());
  return byConnection(node, toProject, options, async (to) => {
    const channel = await secureChannel(node, to, {
      identity,
      trust: onlyPeer(identifier),
      ...(held && { credential: fixedCredential(held.credential) }),
      ...(timeoutMs !== undefined && { handshakeTimeoutMs: timeoutMs }),
      ...(signal && { signal }),
    });
    try {
      const call = { method: 'GET', path: '/', timeoutMs, signal } as const;
      return await ask(node, route(channel.route, PROJECT_INFORMATION), call, decodeProjectInformation);
    } finally {
      await channel.close();
    }
  });
}

export interface ProjectMemberOptions extends Omit<MemberOptions, 'signal'> {
  readonly project: ProjectInformation;
  /** Where what was heard of revoked credentials outlives this run: `StoredHeard`. Default: in memory. */
  readonly heard?: HeardRepository;
}

/** What channels to other members, and listeners for them, are made with. */
export type MemberChannels = Required<Pick<ChannelSetup, 'authorities' | 'credential' | 'revocations' | 'onCredentials'>>;

/** A member's standing ways to its project. */
export interface ProjectMember {
  readonly identifier: Identifier;
  readonly authority: Identifier;
  /** The channel to the project, kept up: a way to its services, and the flow by which others come through its relays. */
  readonly channel: Session;
  /** Keeps the own credential fresh; to be presented in channels to other members. */
  readonly credential: CredentialRetriever;
  /** What the authority has revoked; heard at each connect before a credential is believed. */
  readonly revocations: RevocationWatch;
  /** What the authority attests of those who came: for policies, `relayGrants` and the like. What was revoked is forgotten at once. */
  readonly subjects: AttestedSubjects;
  /** Make every channel to another member, and every listener for them, with these. */
  readonly channels: MemberChannels;
  /** To the listener of the authority, by a connection that carries nothing else. */
  readonly toAuthority: Way;
  close(): Promise<void>;
}

/**
 * Keeps a member connected to its project: a credential that stays fresh, a channel in which it is presented, and what was revoked.
 * @throws {TicketError} `PROJECT_INFORMATION`, `PROJECT_ROUTE`; and what `heard` throws
 * Source: authority.md 7.3; decisions.md D6
 */
export async function projectMember(node: Node, options: ProjectMemberOptions): Promise<ProjectMember> {
  const { identity, cache, timeoutMs, heard } = options;
  const { project, identifier, authority, toProject, toAuthority } = await remember(identity, options.project);
  const dial = ({ target }: Place) => connectionSession(node, tcp(), target, { transport: { frameBytesMax: PROJECT_FRAME_BYTES_MAX } });
  const connections = [dial(toProject), dial(toAuthority)] as const;
  const wayToAuthority = via(connections[1], ...toAuthority.services);
  const revocations = await revocationWatch(node, { identity, authority, to: wayToAuthority, ...(heard && { repository: heard }) });
  const subjects = new AttestedSubjects({ authority, clock: node.clock, logger: node.logger });
  const unfollow = followRevocations(revocations, { subjects });
  const forget = node.onStop(() => subjects.close());
  const credential = credentialRetriever(node, {
    identity,
    authority,
    to: wayToAuthority,
    scope: scopeOf(project.id),
    cache,
    revocations,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  const channel = channelSession(node, via(connections[0], ...toProject.services), {
    name: `channel to project ${project.name}`,
    identity,
    trust: onlyPeer(identifier),
    credential,
    revocations,
  });
  return {
    identifier,
    authority,
    channel,
    credential,
    revocations,
    subjects,
    channels: { authorities: [authority], credential, revocations, onCredentials: subjects.learn },
    toAuthority: wayToAuthority,
    close: async () => {
      forget();
      unfollow();
      subjects.close();
      credential.close();
      await channel.close();
      await revocations.close();
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

interface Place {
  /** `HOST:PORT` */
  readonly target: string;
  readonly services: readonly string[];
}

interface KnownProject {
  readonly project: ProjectInformation;
  readonly identifier: Identifier;
  readonly authority: Identifier;
  readonly toProject: Place;
  readonly toAuthority: Place;
}

async function remember(identity: Identity, offered: ProjectInformation): Promise<KnownProject> {
  const { project, identifier, authority } = await importProject(identity, offered);
  if (identifier === undefined || authority === undefined || project.accessRoute === '' || project.authorityAccessRoute === undefined)
    throw new ProjectError('PROJECT_SETTING', 'This project is not ready: it lacks an identity or a route. Ask its administrator again.');
  const [toProject, toAuthority] = [placeOf(project.accessRoute), placeOf(project.authorityAccessRoute)];
  return { project, identifier, authority, toProject, toAuthority };
}

async function atAuthority<Result>(
  node: Node,
  { authority, toAuthority }: KnownProject,
  options: MemberOptions,
  work: (authority: AuthorityClient) => Promise<Result>,
): Promise<Result> {
  const { identity, timeoutMs, signal } = options;
  return byConnection(node, toAuthority, options, (to) =>
    withAuthority(node, { identity, authority, to, ...(timeoutMs !== undefined && { timeoutMs }), ...(signal && { signal }) }, work),
  );
}

async function byConnection<Result>(
  node: Node,
  { target, services }: Place,
  { timeoutMs, signal }: Pick<MemberOptions, 'timeoutMs' | 'signal'>,
  work: (to: Route) => Promise<Result>,
): Promise<Result> {
  const connection = await node.connect(tcp(), target, {
    frameBytesMax: PROJECT_FRAME_BYTES_MAX,
    ...(timeoutMs !== undefined && { connectTimeoutMs: timeoutMs }),
    ...(signal && { signal }),
  });
  try {
    return await work(route(connection, ...services));
  } finally {
    await connection.close();
  }
}

/** The host and port of a route that `importProject` has checked, and what is behind them. Source: authority.md 6.4 */
function placeOf(routeText: string): Place {
  const [host, port, ...services] = parseMultiAddress(routeText).components;
  const target = formatHostPort({ host: host?.value ?? '', port: Number(port?.value) });
  return { target, services: services.map(({ value }) => value) };
}

/** Source: command-line.md 5.14 */
const scopeOf = (projectId: string) => `project-member-${projectId}`;
