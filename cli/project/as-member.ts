import { type AuthorityClient, decodeProjectJson, type ProjectInformation } from 'postern';
import { askAuthority } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT } from '../failure.ts';
import { identityFor } from '../identity.ts';
import { defaultProject } from '../routes.ts';
import { type AuthorityGiven, withAuthorityGiven } from './authority-given.ts';

/** Asks the authority of a project, as an identity of this home. @throws {ApiError} `API_REFUSED` for what it may not do */
export async function asMember<Result>(
  cli: Cli,
  {
    identity,
    project,
    authority,
  }: { readonly identity?: string | undefined; readonly project?: string | undefined; readonly authority?: AuthorityGiven },
  work: (authority: AuthorityClient, known: { readonly name: string; readonly project: ProjectInformation }) => Promise<Result>,
): Promise<Result> {
  const home = await cli.home();
  const name = project ?? (await defaultProject(cli));
  const known = (await home.state.projects.list()).find((each) => each.name === name);
  if (known === undefined) throw new CommandError(EXIT.failure, `Project ${JSON.stringify(name)} was not found.`, { code: 'P404' });
  const own = await home.identity(await identityFor(cli, identity, { makes: false }));
  const information = withAuthorityGiven(decodeProjectJson(known.information), authority);
  const options = { identity: own, cache: home.repository, project: information, timeoutMs: cli.timeoutMs };
  return askAuthority(await cli.temporaryNode(), options, (client) => work(client, { name, project: information }));
}
