import type { Identifier } from '../identities/identifier.ts';
import type { Identity } from '../identities/identity.ts';
import type { IdentityRepository } from '../identities/repository.ts';
import { parseMultiAddress } from '../runtime/multi-address.ts';
import type { Node } from '../runtime/node.ts';
import { credentialRetriever } from '../workers/authority/credential-retriever.ts';
import type { HeardRepository } from '../workers/authority/heard-revocations.ts';
import { decodeProjectJson, importProject as importIdentities } from '../workers/authority/project.ts';
import { type RevocationWatch, revocationWatch } from '../workers/authority/revocation-watch.ts';
import type { CredentialSource } from '../workers/secure-channel/credential-source.ts';
import { ManagerError } from './errors.ts';
import type { Links, ProjectEntrance, ProjectNames } from './links.ts';
import { OtherCredentials } from './other-credentials.ts';
import type { KnownProject, ProjectRepository } from './ports.ts';

/**
 * Whose credentials count at a node, and what it presents itself. Source: authority.md 6.6
 *
 * - `none`: nobody's. Only resources whose policy asks for no credential can be used.
 * - `open`: nobody's, and everyone may use what has no policy of its own, as long as all of it stays on this machine and in this
 *   home: every listener on loopback, every peer that is dialled a node of the same home. Then it turns to `none` (decisions.md D1).
 * - `authority`: those of one authority; with `scope` the stored credential of that name is presented, and with `route` it is
 *   fetched there and kept fresh.
 * - `project`: those of the authority of a project that is known here, and the own one is fetched from it.
 */
export type TrustOptions =
  | { readonly kind: 'none' }
  | { readonly kind: 'open' }
  | {
      readonly kind: 'authority';
      /** The authority's change history; an older copy than the one that is known is refused. */
      readonly history: Uint8Array;
      readonly scope?: string;
      /** A multi-address to its listener. */
      readonly route?: string;
    }
  | { readonly kind: 'project'; readonly name: string };

/** What came of trust options. */
export interface NodeTrust {
  readonly authority: Identifier | undefined;
  readonly credential: CredentialSource | undefined;
  /** What another identity of the home presents here: its own credential. */
  readonly credentialOf: (identity: Identity) => CredentialSource | undefined;
  /** What the authority has revoked; undefined without an authority. */
  readonly revocations: RevocationWatch | undefined;
  close(): Promise<void>;
}

export interface TrustContext {
  readonly node: Node;
  readonly identity: Identity;
  /** That of the identity: where credentials are kept. */
  readonly repository: IdentityRepository;
  readonly projects: ProjectRepository;
  readonly heard: HeardRepository;
  readonly links: Links;
}

const NOTHING: NodeTrust = {
  authority: undefined,
  credential: undefined,
  credentialOf: () => undefined,
  revocations: undefined,
  close: () => Promise.resolve(),
};

/**
 * Remembers the authority, and begins to look for the node's own credential when one is to be presented; it is fetched when it is
 * first needed.
 * @throws {ManagerError} `TRUST_OPTIONS`, `PROJECT_UNKNOWN`, `ADDRESS_ROUTE`
 * @throws {IdentityError, TicketError} for a history that does not hold
 */
export async function openTrust(context: TrustContext, options: TrustOptions): Promise<NodeTrust> {
  switch (options.kind) {
    case 'none':
    case 'open':
      return NOTHING;
    case 'authority': {
      const { history, scope, route } = options;
      if (route !== undefined && scope === undefined)
        throw new ManagerError('TRUST_OPTIONS', 'Authority address was provided but credential scope was not provided: give both.');
      const authority = context.identity.identifierIn(history);
      await context.identity.importHistory(history, { rule: 'strict', keep: true });
      if (scope === undefined) return unasked(context, authority, () => undefined);
      return route === undefined
        ? unasked(context, authority, (of) => storedCredential(context, of, authority, scope))
        : fetched(context, authority, scope, route);
    }
    case 'project': {
      const known = (await context.projects.list()).find(({ name }) => name === options.name);
      if (known === undefined) throw unknownProject(options.name);
      const { project, authority } = await importIdentities(context.identity, decodeProjectJson(known.information));
      if (authority === undefined) return NOTHING;
      const { authorityAccessRoute } = project;
      if (authorityAccessRoute === undefined) return unasked(context, authority, () => undefined);
      return fetched(context, authority, `project-member-${project.id}`, authorityAccessRoute);
    }
  }
}

/** The entrances of the projects that a home knows. */
export function projectNames(projects: ProjectRepository): ProjectNames {
  return {
    project: async (name) => {
      const known = (await projects.list()).find((each) => each.name === name);
      return known && entranceOf(known);
    },
  };
}

function entranceOf(known: KnownProject): ProjectEntrance | undefined {
  const { accessRoute } = decodeProjectJson(known.information);
  if (known.identity === undefined || accessRoute === '') return undefined;
  return { identity: known.identity, route: parseMultiAddress(accessRoute) };
}

/** By a way of its own: what others send holds up no statement. Source: decisions.md D6 */
async function fetched(context: TrustContext, authority: Identifier, scope: string, route: string): Promise<NodeTrust> {
  const { node, identity, repository, heard, links } = context;
  const wayFor = (who: Identity) => links.open(parseMultiAddress(route), { identity: who, authorized: [authority] }, { isApart: true });
  const to = await wayFor(identity);
  const revocations = await revocationWatch(node, { identity, authority, to, repository: heard });
  const terms = { authority, scope, cache: repository, revocations };
  const credential = credentialRetriever(node, { identity, to, ...terms });
  const others = new OtherCredentials(async (other) => {
    const way = await wayFor(other);
    const retriever = credentialRetriever(node, { identity: other, to: way, ...terms });
    const close = async () => {
      retriever.close();
      await way.close();
    };
    return { retriever, close };
  });
  return {
    authority,
    credential,
    credentialOf: (other) => others.of(other),
    revocations,
    close: async () => {
      await others.close();
      credential.close();
      await revocations.close();
      await to.close();
    },
  };
}

/** With an authority that is never asked: of revocations only what was kept is known. */
async function unasked(
  context: TrustContext,
  authority: Identifier,
  credentialOf: (identity: Identity) => CredentialSource | undefined,
): Promise<NodeTrust> {
  const { node, identity, heard } = context;
  const revocations = await revocationWatch(node, { identity, authority, repository: heard });
  return { authority, credential: credentialOf(identity), credentialOf, revocations, close: () => revocations.close() };
}

function storedCredential(
  { node, repository }: TrustContext,
  { identifier }: Identity,
  authority: Identifier,
  scope: string,
): CredentialSource {
  return {
    retrieve: async () => (await repository.cachedCredential(identifier, authority, scope, node.clock.wallSeconds()))?.credential,
    subscribe: () => () => undefined,
  };
}

function unknownProject(name: string): ManagerError {
  return new ManagerError('PROJECT_UNKNOWN', `Project ${JSON.stringify(name)} is not known here: enroll in it, or import it.`);
}
