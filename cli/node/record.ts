import type { Home, NodeRecord, Settings } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT } from '../failure.ts';
import { markOf, type ProcessMark, processStatus } from '../process/process-state.ts';
import { knownNode, type NodeSettings } from './settings.ts';

const runsAlready = (cli: Cli, name: string) =>
  new CommandError(EXIT.failure, `Node ${name} is running already.`, {
    code: 'P409',
    help: `Stop it first: ${cli.programName} node stop ${name}`,
  });

/** @throws {CommandError} when a node of that name runs */
export async function checkNotRunning(cli: Cli, name: string): Promise<void> {
  const record = await (await cli.home()).state.nodes.get(name);
  if (record !== undefined && (await processStatus(knownNode(record).process)) === 'running') throw runsAlready(cli, name);
}

/**
 * Writes a new node down, in place of one that is stopped: of several who do so at once one does. Until the node itself is there,
 * whoever makes it stands for it.
 * @throws {CommandError} when a node of that name runs
 */
export async function writeNode(cli: Cli, name: string, settings: NodeSettings, { ignoresRunning = false } = {}): Promise<void> {
  const { nodes } = (await cli.home()).state;
  for (;;) {
    const before = await nodes.get(name);
    const mark = before && knownNode(before).process;
    if (!ignoresRunning && (await processStatus(mark)) === 'running') throw runsAlready(cli, name);
    const kept = await nodes.change(
      name,
      withMark(before, () => ({ settings: JSON.parse(JSON.stringify(settings)) as Settings, state: {} }), await markOf(process.pid)),
      { forgetsResources: true },
    );
    if (kept !== undefined) return;
  }
}

/**
 * Writes down that this process is the node. A maker that was killed may have left a process behind that comes late: of two
 * processes one is the node.
 * @throws {CommandError} when another process is the node, other than the one that made this one
 */
export async function claim(cli: Cli, name: string): Promise<void> {
  const { nodes } = (await cli.home()).state;
  for (;;) {
    const before = await nodes.get(name);
    // It was deleted while we started.
    if (before === undefined) throw new CommandError(EXIT.failure, `Node ${name} is not written down any more.`, { code: 'P404' });
    const { process: mark } = knownNode(before);
    const isOurs = mark?.pid === process.pid || mark?.pid === process.ppid;
    if (!isOurs && (await processStatus(mark)) === 'running') throw runsAlready(cli, name);
    const kept = await nodes.change(
      name,
      withMark(before, (now) => now ?? before, await markOf(process.pid)),
    );
    if (kept !== undefined) return;
  }
}

interface Kept {
  readonly settings: Settings;
  readonly state: Settings;
}

/** Changes a record, and writes a process to it, unless another one was written to it meanwhile. */
function withMark(before: NodeRecord | undefined, change: (now: Kept | undefined) => Kept, mark: ProcessMark | undefined) {
  const seen = JSON.stringify(before?.state['process']);
  return (now: NodeRecord | undefined): Kept | undefined => {
    if (JSON.stringify(now?.state['process']) !== seen) return undefined;
    const { settings, state } = change(now);
    return { settings, state: { ...state, ...(mark !== undefined && { process: { ...mark } }) } };
  };
}

/** Writes down that it is over, unless another process is the node meanwhile. */
export async function release({ state: { nodes } }: Home, name: string): Promise<void> {
  await nodes.change(name, (before) => {
    if (before === undefined || knownNode({ ...before, isDefault: false }).process?.pid !== process.pid) return undefined;
    const { process: _process, ...state } = before.state;
    return { settings: before.settings, state };
  });
}
