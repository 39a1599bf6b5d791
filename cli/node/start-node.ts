import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT } from '../failure.ts';
import { startBackground, whenReady } from '../process/background.ts';
import { markOf, processStatus } from '../process/process-state.ts';
import { stopProcess } from '../process/stop.ts';
import { askNode, nodeResources, type NodeResources } from './resources.ts';
import { type KnownNode, knownNode, type NodeSettings } from './settings.ts';
import type { NodeRecord, Settings } from 'postern/manager';

/** Source: command-line.md 4.2 */
const READY_MS = 180_000;

/**
 * Writes a new node down, in place of one that is stopped: of several who do so at once one does.
 * @throws {CommandError} when a node of that name runs
 */
export async function writeNode(cli: Cli, name: string, settings: NodeSettings, { ignoresRunning = false } = {}): Promise<void> {
  const { nodes } = (await cli.home()).state;
  for (;;) {
    const before = await nodes.get(name);
    const mark = before && knownNode(before).process;
    if (!ignoresRunning && (await processStatus(mark)) === 'running')
      throw new CommandError(EXIT.failure, `Node ${name} is running already.`, {
        code: 'P409',
        help: `Stop it first: ${cli.programName} node stop ${name}`,
      });
    // Until the node itself is there, whoever makes it stands for it.
    const maker = await markOf(process.pid);
    const mine = {
      settings: JSON.parse(JSON.stringify(settings)) as Settings,
      state: maker === undefined ? {} : { process: { ...maker } },
    };
    const isAsBefore = (now: NodeRecord | undefined) => JSON.stringify(now?.state['process']) === JSON.stringify(before?.state['process']);
    const kept = await nodes.change(name, (now) => (isAsBefore(now) ? mine : undefined), { forgetsResources: true });
    if (kept !== undefined) return;
  }
}

/** Starts a node that is written down, and waits until it answers. @throws {CommandError} */
export async function startNode(cli: Cli, name: string, { restores = true } = {}): Promise<NodeResources> {
  const logFolder = cli.path('nodes', name);
  await mkdir(logFolder, { recursive: true, mode: 0o700 });
  const args = ['node', 'create', name, '--child-process', ...(restores ? [] : ['--no-restore'])];
  const background = startBackground(cli, args, join(logFolder, 'stderr.log'));
  const shown = await whenReady(background, () => askNode(cli, name, 'show', {}), {
    what: `Node ${name}`,
    logFolder,
    timeoutMs: READY_MS,
  });
  const record = await (await cli.home()).state.nodes.get(name);
  if (record === undefined) throw new CommandError(EXIT.failure, `Node ${name} was deleted while it started.`);
  return nodeResources(knownNode(record), shown);
}

/** Ends the process of a node. @returns whether it ran @throws {CommandError} when it does not end */
export async function stopNode(cli: Cli, node: KnownNode): Promise<boolean> {
  if (node.process === undefined || (await processStatus(node.process)) === 'stopped') return false;
  const isGone = await stopProcess(node.process, () => cli.note(`Waiting for node ${node.name} to stop...`));
  if (!isGone) throw new CommandError(EXIT.failure, `Node ${node.name} does not end: process ${node.process.pid}.`);
  return true;
}

/** Stops it, and removes all of it but its log lines elsewhere. */
export async function deleteNode(cli: Cli, node: KnownNode): Promise<void> {
  await stopNode(cli, node);
  await (await cli.home()).state.nodes.remove(node.name);
  await rm(cli.path('nodes', node.name), { recursive: true, force: true });
}
