import { createNode, jsonLogger, type Logger, parseIdentifier, systemClock } from 'postern';
import { createManager, type Health, type Home, type ListenerOptions, type Manager } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { controlPlace } from '../control/place.ts';
import { type ControlServer, controlServer } from '../control/server.ts';
import { notFound } from '../failure.ts';
import { valueOf, VARIABLES } from '../environment.ts';
import { LogFile } from '../process/log-file.ts';
import { nodeCalls, type NodeShown } from './calls.ts';
import { nodeHandlers } from './handlers.ts';
import { type HttpServer, httpServer } from './http.ts';
import { claim, release } from './record.ts';
import { startAuthorityWork } from './run-authority.ts';
import { nodeResources, type NodeResources } from './resources.ts';
import { decisionFile, knownNode, type NodeSettings, trustOf } from './settings.ts';

export interface RunOptions {
  /** A background node writes a log file; one in the foreground says what it has to say where it runs. */
  readonly isBackground: boolean;
  /** Whether what the node held up is there again. */
  readonly restores: boolean;
}

/** What a node does once it runs. */
export interface NodeWork {
  shown(): NodeShown;
  health(): Health;
  /** Takes what commands ask. */
  serve(): Promise<ControlServer>;
  close(): Promise<void>;
}

/** A node of this home, running in this process. */
export interface RunningNode {
  show(): Promise<NodeResources>;
  /** Ends it, and writes that down. */
  close(): Promise<void>;
}

/** Runs a node that is written down, until it is closed. @throws {CommandError} not found; and as `createManager` */
export async function runNode(cli: Cli, name: string, { isBackground, restores }: RunOptions): Promise<RunningNode> {
  const home = await cli.home();
  await claim(cli, name);
  const record = await home.state.nodes.get(name);
  if (record === undefined) throw notFound('Node', name);
  const { settings } = knownNode(record);
  const logs = isBackground ? new LogFile(cli.path('nodes', name), logLimits(cli)) : undefined;
  const logger = loggerOf(cli, settings, logs);
  const ended: (() => Promise<void>)[] = [];
  try {
    const { authority } = settings;
    const work =
      authority === undefined
        ? await startManagerWork(cli, home, name, { settings, logger, restores, isBackground })
        : await startAuthorityWork(cli, home, name, { settings, authority, logger });
    ended.push(() => work.close());
    const show = async () => nodeResources(knownNode((await home.state.nodes.get(name)) ?? record), work.shown());
    if (settings.http !== undefined) {
      const http = await httpServer(settings.http, work, show);
      ended.push(() => http.close());
      await writeHttp(home, name, http);
    }
    const control = await work.serve();
    ended.push(() => control.close());
    logger.log('info', 'node.ready', { name, listener: work.shown().listener });
    return { show, close: () => closeAll() };
  } catch (thrown) {
    logger.log('error', 'node.failed', { name, reason: reasonOf(thrown) });
    await closeAll();
    throw thrown;
  }

  async function closeAll(): Promise<void> {
    for (const end of ended.splice(0).reverse()) await end();
    await release(home, name);
    logger.log('info', 'node.stopped', { name });
    logs?.close();
  }
}

/** With its causes: who reads it sees nothing else. */
function reasonOf(thrown: unknown): string {
  const reasons: string[] = [];
  for (let each = thrown; each instanceof Error; each = each.cause) reasons.push(each.message);
  return reasons.join(' ');
}

interface ManagerStart extends RunOptions {
  readonly settings: NodeSettings;
  readonly logger: Logger;
}

async function startManagerWork(cli: Cli, home: Home, name: string, start: ManagerStart): Promise<NodeWork> {
  const manager = await startManager(cli, home, name, start);
  return {
    shown: () => manager.show(),
    health: () => manager.health(),
    serve: async () => controlServer(await controlPlace(cli.folder, 'node', name), nodeCalls, nodeHandlers(manager), start.logger),
    close: () => manager.close(),
  };
}

async function startManager(
  cli: Cli,
  home: Home,
  name: string,
  { settings, logger, restores, isBackground }: ManagerStart,
): Promise<Manager> {
  const named = await home.named(settings.identity);
  if (named === undefined) throw notFound('Identity', settings.identity);
  const { launch } = settings;
  return createManager({
    node: await createNode({ name, logger }),
    identity: await home.identity(named),
    repository: home.repository,
    home: home.state,
    trust: trustOf(settings.trust),
    listen: settings.listen,
    // The nodes of a home may be one identity. Source: decisions.md C1
    allowSelf: true,
    identities: async (other) => {
      const found = (await home.names.identities()).find((each) => each.name === other);
      return found && home.identity(found);
    },
    restores,
    // A node in the foreground has no folder.
    ...(isBackground && { decisionFile: decisionFile(cli, name) }),
    services: launch === undefined ? { relay: true } : { uppercase: false, api: launchedListener(launch) },
  });
}

function launchedListener({ api }: NonNullable<NodeSettings['launch']>): ListenerOptions | false {
  if (api === undefined) return false;
  const { name, authorized, identity } = api;
  return {
    name,
    ...(authorized !== undefined && { authorized: authorized.map(parseIdentifier) }),
    ...(identity !== undefined && { identity }),
  };
}

async function writeHttp(home: Home, name: string, { address }: HttpServer): Promise<void> {
  await home.state.nodes.change(
    name,
    (before) => before && { settings: { ...before.settings, http: address }, state: { ...before.state, http_server_address: address } },
  );
}

const DEFAULT_LOG_MB = 100;
const DEFAULT_LOG_FILES = 60;

export function logLimits(cli: Cli) {
  const { env } = cli.invocation;
  return {
    bytesMax: 1_000_000 * (Number(valueOf(VARIABLES.logMaxSize, env)) || DEFAULT_LOG_MB),
    filesMax: Number(valueOf(VARIABLES.logMaxFiles, env)) || DEFAULT_LOG_FILES,
    now: () => 1_000 * systemClock.wallSeconds(),
  };
}

/** Source: command-line.md 1.2: -v info, -vv debug. A background node logs in any case. */
function loggerOf(cli: Cli, { verbosity }: NodeSettings, logs: LogFile | undefined): Logger {
  const level = verbosity === 0 ? (logs === undefined ? 'silent' : 'info') : verbosity === 1 ? 'info' : 'debug';
  return jsonLogger({ level, write: (line) => (logs === undefined ? void cli.invocation.stderr.write(line) : logs.write(line)) });
}
