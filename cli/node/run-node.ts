import { createNode, jsonLogger, type Logger, systemClock } from 'postern';
import { createManager, type Home, type Manager, type TrustOptions } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { controlPlace } from '../control/place.ts';
import { type ControlServer, controlServer } from '../control/server.ts';
import { notFound } from '../failure.ts';
import { valueOf, VARIABLES } from '../environment.ts';
import { LogFile } from '../process/log-file.ts';
import { markOf } from '../process/process-state.ts';
import { nodeCalls } from './calls.ts';
import { nodeHandlers } from './handlers.ts';
import { type HttpServer, httpServer } from './http.ts';
import { nodeResources, type NodeResources } from './resources.ts';
import { knownNode, type NodeSettings } from './settings.ts';

export interface RunOptions {
  /** A background node writes a log file; one in the foreground says what it has to say where it runs. */
  readonly isBackground: boolean;
  /** Whether what the node held up is there again. */
  readonly restores: boolean;
}

/** A node of this home, running in this process. */
export interface RunningNode {
  readonly manager: Manager;
  show(): Promise<NodeResources>;
  /** Ends it, and writes that down. */
  close(): Promise<void>;
}

/** Runs a node that is written down, until it is closed. @throws {CommandError} not found; and as `createManager` */
export async function runNode(cli: Cli, name: string, { isBackground, restores }: RunOptions): Promise<RunningNode> {
  const home = await cli.home();
  const record = await home.state.nodes.get(name);
  if (record === undefined) throw notFound('Node', name);
  const { settings } = knownNode(record);
  await claim(home, name);
  const logs = isBackground ? new LogFile(cli.path('nodes', name), logLimits(cli)) : undefined;
  const logger = loggerOf(cli, settings, logs);
  const ended: (() => Promise<void>)[] = [];
  try {
    const manager = await startManager(home, name, settings, logger, restores);
    ended.push(() => manager.close());
    const show = async () => nodeResources(knownNode((await home.state.nodes.get(name)) ?? record), manager.show());
    if (settings.http !== undefined) {
      const http = await httpServer(settings.http, manager, show);
      ended.push(() => http.close());
      await writeHttp(home, name, http);
    }
    const place = await controlPlace(cli.folder, 'node', name);
    const control: ControlServer = await controlServer(place, nodeCalls, nodeHandlers(manager), logger);
    ended.push(() => control.close());
    logger.log('info', 'node.ready', { name, listener: manager.show().listener });
    return { manager, show, close: () => closeAll() };
  } catch (thrown) {
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

async function startManager(home: Home, name: string, settings: NodeSettings, logger: Logger, restores: boolean): Promise<Manager> {
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
    services: launch === undefined ? { relay: true } : { uppercase: false },
  });
}

function trustOf(trust: NodeSettings['trust']): TrustOptions {
  if (trust.kind !== 'authority') return trust;
  const { history, scope, route } = trust;
  return {
    kind: 'authority',
    history: Buffer.from(history, 'hex'),
    ...(scope !== undefined && { scope }),
    ...(route !== undefined && { route }),
  };
}

/** Writes down that this process is the node. */
async function claim(home: Home, name: string): Promise<void> {
  const mark = await markOf(process.pid);
  await home.state.nodes.change(
    name,
    (before) => before && { settings: before.settings, state: { ...before.state, ...(mark && { process: { ...mark } }) } },
  );
}

/** Writes down that it is over, unless another process is the node meanwhile. */
async function release(home: Home, name: string): Promise<void> {
  await home.state.nodes.change(name, (before) => {
    if (before === undefined || knownNode({ ...before, isDefault: false }).process?.pid !== process.pid) return undefined;
    const { process: _process, ...state } = before.state;
    return { settings: before.settings, state };
  });
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
