import { decodeProjectJson, decodeTicket, encodeProjectJson, encodeTicket, type Identity, systemClock } from 'postern';
import { askAuthority, enroll, importProject, type KnownProject, type NamedIdentity } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { type CredentialJson, credentialJson } from '../credential.ts';
import { CommandError, EXIT } from '../failure.ts';
import { type AuthorityGiven, withAuthorityGiven } from './authority-given.ts';
import { identifierOfHistory } from './identifiers.ts';
import { withLabelOf } from './spaces.ts';

export interface Enrollment {
  readonly identity: NamedIdentity;
  readonly project: KnownProject;
  readonly credential: CredentialJson;
  readonly outcome: 'joined' | 'already-member';
}

export interface EnrollOptions {
  /** For each connection, channel and answer. */
  readonly timeoutMs: number;
  /** Another authority than the one of the project. */
  readonly authority?: AuthorityGiven;
}

function withAuthorityInTicket(text: string, given: AuthorityGiven = {}): string {
  if (given.history === undefined && given.route === undefined) return text;
  const ticket = decodeTicket(text);
  return encodeTicket({ ...ticket, project: withAuthorityGiven(ticket.project, given) });
}

const scopeOf = (projectId: string) => `project-member-${projectId}`;

/**
 * Becomes a member by a ticket, and keeps the project and the first credential.
 * @throws {CommandError, TicketError, ApiError, TransportError}
 * Source: command-line.md 5.16, 7.4
 */
export async function enrollByTicket(
  cli: Cli,
  identity: NamedIdentity,
  ticket: string,
  { timeoutMs, makesDefault, authority }: EnrollOptions & { readonly makesDefault: boolean },
): Promise<Enrollment> {
  const home = await cli.home();
  const own = await home.identity(identity);
  const asked = withAuthorityInTicket(ticket, authority);
  const enrolled = await enroll(await cli.temporaryNode(), { identity: own, cache: home.repository, ticket: asked, timeoutMs });
  const { project: information } = enrolled;
  const before = (await home.state.projects.list()).find(({ id }) => id === information.id);
  const project = await importProject(
    home.state.projects,
    {
      id: information.id,
      name: information.name,
      identity: enrolled.identifier,
      authority: enrolled.authority,
      information: withLabelOf(before, encodeProjectJson(information)),
    },
    { makesDefault },
  );
  return { identity, project, outcome: enrolled.outcome, credential: await storedCredential(cli, own, project) };
}

/**
 * Gets a credential for somebody who is known to the authority already. @throws {ApiError} `API_REFUSED` when it is not
 */
export async function enrollKnown(
  cli: Cli,
  identity: NamedIdentity,
  project: KnownProject,
  { timeoutMs, authority: given = {} }: EnrollOptions,
): Promise<Enrollment> {
  const home = await cli.home();
  const own = await home.identity(identity);
  const authority = given.history === undefined ? project.authority : await identifierOfHistory(cli, given.history);
  if (authority === undefined) throw new CommandError(EXIT.data, `Project ${project.name} has no authority: import it again.`);
  const information = withAuthorityGiven(decodeProjectJson(project.information), given);
  const options = { identity: own, cache: home.repository, project: information, timeoutMs };
  const credential = await askAuthority(await cli.temporaryNode(), options, (client) => client.credential());
  const { expiresAt } = await own.verifyCredential(credential, [authority], own.identifier);
  await home.repository.cacheCredential({ subject: own.identifier, issuer: authority, scope: scopeOf(project.id), expiresAt, credential });
  return { identity, project, outcome: 'joined', credential: await storedCredential(cli, own, { ...project, authority }) };
}

/** The credential of a project that is kept, if it still counts. */
export async function heldCredential(cli: Cli, own: Identity, project: KnownProject): Promise<CredentialJson | undefined> {
  const { repository } = await cli.home();
  if (project.authority === undefined) return undefined;
  const kept = await repository.cachedCredential(own.identifier, project.authority, scopeOf(project.id), systemClock.wallSeconds());
  if (kept === undefined) return undefined;
  return credentialJson(kept.credential, await own.verifyCredential(kept.credential, [project.authority], own.identifier));
}

async function storedCredential(cli: Cli, own: Identity, project: KnownProject): Promise<CredentialJson> {
  const held = await heldCredential(cli, own, project);
  if (held === undefined) throw new CommandError(EXIT.failure, 'The credential expired at once: look at the clock of this machine.');
  return held;
}

export function enrollmentPlain(cli: Cli, { identity, project, credential, outcome }: Enrollment): string {
  const attributes = Object.entries(credential.attributes).map(([name, value]) => `${name}=${value}`);
  return [
    `  ✔ Identity ${identity.name} is ${outcome === 'joined' ? '' : 'already '}a member of project ${project.name}.`,
    `    ${identity.identifier}`,
    `    attributes ${attributes.join(', ')}`,
    `    the credential counts until ${new Date(credential.expires_at * 1_000).toISOString()}, and is renewed by itself`,
    `  > Next: ${cli.programName} tcp-outlet create --to PORT, and ${cli.programName} relay create NAME`,
    `    or:   ${cli.programName} tcp-inlet create --to NAME`,
  ].join('\n');
}
