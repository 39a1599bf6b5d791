import { decodeProjectJson, encodeProjectJson } from 'postern';
import { askProject as askByNetwork, type KnownProject } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { identityFor } from '../identity.ts';
import { knownFrom } from './host-project.ts';
import { askProject, hostedProject } from './settings.ts';

/** Nobody waits longer to see what is known already. */
const ASK_MS = 3_000;

/** A project as it is now, when it answers; as it is known here otherwise. Source: command-line.md 5.16 */
export async function refreshed(cli: Cli, known: KnownProject, identity: string | undefined): Promise<KnownProject> {
  const information = await askedFor(cli, known, identity).catch(() => undefined);
  return information === undefined ? known : knownFrom(cli, information, { makesDefault: false });
}

async function askedFor(cli: Cli, known: KnownProject, identity: string | undefined): Promise<string | undefined> {
  const { id, information } = known;
  if ((await hostedProject(cli, known.name))?.status === 'running') {
    const hosted = (await askProject(cli, known.name, 'show', {})).information;
    if (decodeProjectJson(hosted).id === id) return encodeProjectJson({ ...decodeProjectJson(hosted), running: true });
  }
  const home = await cli.home();
  const own = await home.identity(await identityFor(cli, identity, { makes: false }));
  const options = { identity: own, cache: home.repository, project: decodeProjectJson(information), timeoutMs: ASK_MS };
  return encodeProjectJson(await askByNetwork(await cli.temporaryNode(), options));
}
