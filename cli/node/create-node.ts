import { randomName } from 'postern/home';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, usageError } from '../failure.ts';
import { identityFor } from '../identity.ts';
import { parseNewNodeName } from '../values.ts';
import { runningNode } from './known.ts';
import { knownNode, type NodeSettings } from './settings.ts';
import { launchOf } from './launch.ts';
import { release, writeNode } from './record.ts';
import { startNode, stopNode } from './start-node.ts';

/** Whom a node is to trust. Source: command-line.md 5.1 */
export interface TrustGiven {
  readonly project?: string | undefined;
  readonly authorityIdentity?: string | undefined;
  readonly authorityRoute?: string | undefined;
  readonly credentialScope?: string | undefined;
}

/** What can be said of a new node. Source: command-line.md 5.1 */
export interface NodeOptions extends TrustGiven {
  readonly skipIsRunningCheck?: boolean | undefined;
  /** HOST:PORT */
  readonly tcpListenerAddress?: string | undefined;
  readonly httpServer?: boolean | undefined;
  readonly enableHttpServer?: boolean | undefined;
  /** HOST:PORT */
  readonly httpServerPort?: string | undefined;
  readonly identity?: string | undefined;
  /** JSON, or the path of a file with it. */
  readonly launchConfiguration?: string | undefined;
}

/** Everything that `node create` takes, but what it is to be made from. */
export interface CreateOptions extends NodeOptions {
  readonly foreground?: boolean | undefined;
  readonly exitOnEof?: boolean | undefined;
}

const LOOPBACK_ANY_PORT = '127.0.0.1:0';

/** Writes a new node down, with an identity that is made when it is missing. @throws {CommandError} when one of that name runs */
export async function createNodeRecord(cli: Cli, name: string | undefined, options: NodeOptions): Promise<{ readonly name: string }> {
  const called = name === undefined ? await freeNodeName(cli) : parseNewNodeName(name);
  const launch = options.launchConfiguration === undefined ? undefined : await launchOf(cli, options.launchConfiguration);
  const trust = await trustFor(cli, options);
  const { name: identity } = await identityFor(cli, options.identity, { makes: true });
  const wantsHttp = options.httpServer === true || options.enableHttpServer === true;
  const http = options.httpServerPort ?? (wantsHttp ? LOOPBACK_ANY_PORT : undefined);
  await writeNode(
    cli,
    called,
    {
      identity,
      listen: options.tcpListenerAddress ?? LOOPBACK_ANY_PORT,
      trust,
      verbosity: cli.verbosity,
      ...(http !== undefined && { http }),
      ...(launch !== undefined && { launch }),
    },
    { ignoresRunning: options.skipIsRunningCheck === true },
  );
  return { name: called };
}

/** Source: command-line.md 5.1, "Trust that results"; decisions.md D1 */
export async function trustFor(cli: Cli, options: TrustGiven): Promise<NodeSettings['trust']> {
  const { project, authorityIdentity, authorityRoute, credentialScope } = options;
  if (authorityIdentity === undefined) {
    if (authorityRoute !== undefined || credentialScope !== undefined)
      throw usageError('--authority-route and --credential-scope need --authority-identity.');
    const projects = await (await cli.home()).state.projects.list();
    const chosen = projects.find((each) => (project === undefined ? each.isDefault : each.name === project));
    if (chosen !== undefined) return { kind: 'project', name: chosen.name };
    if (project === undefined) return { kind: 'open' };
    throw new CommandError(EXIT.failure, `Project ${JSON.stringify(project)} was not found.`, {
      code: 'P404',
      help: `Enroll in it, or import it: ${cli.programName} project import --project-file FILE`,
    });
  }
  if (project !== undefined) throw usageError('--project says whom to trust: leave out the authority options.');
  if (authorityRoute !== undefined && credentialScope === undefined) throw usageError('--authority-route needs --credential-scope, too.');
  if (!/^([0-9a-f]{2})+$/i.test(authorityIdentity)) throw usageError('--authority-identity is a change history in hex.');
  return {
    kind: 'authority',
    history: authorityIdentity,
    ...(credentialScope !== undefined && { scope: credentialScope }),
    ...(authorityRoute !== undefined && { route: authorityRoute }),
  };
}

/** Two words that no node of this home is called by. */
export async function freeNodeName(cli: Cli): Promise<string> {
  const taken = (await (await cli.home()).state.nodes.list()).map((node) => node.name);
  return randomName(taken);
}

/**
 * Writes a new node down, starts it, and does what else there is to do. When something fails the node ends, and one that was not
 * there before is forgotten. Source: command-line.md 6.3
 */
export async function createAndStart(cli: Cli, name: string, options: NodeOptions, start: (name: string) => Promise<void>): Promise<void> {
  const { nodes } = (await cli.home()).state;
  const wasThere = (await nodes.get(name)) !== undefined;
  await createNodeRecord(cli, name, options);
  try {
    await start(name);
  } catch (thrown) {
    const record = await nodes.get(name);
    if (record !== undefined) await stopNode(cli, knownNode(record));
    if (wasThere) await release(await cli.home(), name);
    // Its logs stay: they say why.
    else await nodes.remove(name);
    throw thrown;
  }
}

/** The node that a verb is for: the named one, or the default one, which is made when there is none. Source: command-line.md 5 */
export async function nodeOrDefault(cli: Cli, at: string | undefined): Promise<string> {
  const { nodes } = (await cli.home()).state;
  if (at !== undefined || (await nodes.list()).length > 0) return runningNode(cli, at);
  const { name } = await createNodeRecord(cli, undefined, {});
  await startNode(cli, name);
  cli.note(`Node ${name} was created: it is the default node of this home.`);
  return name;
}
