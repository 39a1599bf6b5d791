import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT } from '../failure.ts';
import { startBackground, whenReady } from '../process/background.ts';
import { processStatus } from '../process/process-state.ts';
import { stopProcess } from '../process/stop.ts';
import { askNode, nodeResources, type NodeResources } from './resources.ts';
import { type KnownNode, knownNode } from './settings.ts';

/** Source: command-line.md 4.2 */
const READY_MS = 180_000;

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
  // Whoever makes a node stands for it until it is there.
  if (node.process?.pid === process.pid) return false;
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
