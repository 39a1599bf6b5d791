import { askProcess } from '../control/client.ts';
import { controlPlace } from '../control/place.ts';
import type { InputOf } from '../control/calls.ts';
import type { Cli } from '../cli.ts';
import {
  type InletStatus,
  type NodeAnswer,
  type NodeCalls,
  nodeCalls,
  type NodeShown,
  type OutletStatus,
  type RelayStatus,
} from './calls.ts';
import { type KnownNode, statusOf } from './settings.ts';

/** Asks a node of this home. @throws {NoAnswer} and what the node threw */
export async function askNode<Name extends keyof NodeCalls>(
  cli: Cli,
  node: string,
  name: Name,
  input: InputOf<NodeCalls[Name]>,
  timeoutMs = cli.timeoutMs,
): Promise<NodeAnswer<Name>> {
  const place = await controlPlace(cli.folder, 'node', node);
  return askProcess(place, nodeCalls, name, input, { what: `Node ${node}`, timeoutMs });
}

/** Source: command-line.md 2.3 */
export interface NodeResources {
  readonly name: string;
  readonly identity_name: string;
  readonly is_default: boolean;
  readonly status: 'running' | 'zombie' | 'stopped';
  readonly pid?: number;
  readonly route: { readonly short: string; readonly verbose?: string };
  readonly http_server_address: string | null;
  readonly transports: NodeShown['transports'];
  readonly secure_channel_listeners: NodeShown['secure_channel_listeners'];
  readonly inlets: readonly InletStatus[];
  readonly outlets: readonly OutletStatus[];
  readonly services: NodeShown['services'];
  readonly relays: readonly RelayStatus[];
}

/** What is written down of a node, and what it says itself, where it answers. */
export async function nodeResources(node: KnownNode, shown: NodeShown | undefined): Promise<NodeResources> {
  const status = await statusOf(node);
  const port = (shown?.listener ?? node.listensAt)?.replace(/^.*:/, '');
  return {
    name: node.name,
    identity_name: node.settings.identity,
    is_default: node.isDefault,
    status,
    ...(status !== 'stopped' && node.process !== undefined && { pid: node.process.pid }),
    route: { short: `/node/${node.name}`, ...(port !== undefined && { verbose: `/dnsaddr/localhost/tcp/${port}` }) },
    http_server_address: (status === 'stopped' ? undefined : node.httpAt) ?? null,
    transports: shown?.transports ?? [],
    secure_channel_listeners: shown?.secure_channel_listeners ?? [],
    inlets: shown?.inlets ?? [],
    outlets: shown?.outlets ?? [],
    services: shown?.services ?? [],
    relays: shown?.relays ?? [],
  };
}

const ASK_TO_SHOW_MS = 5_000;

/** Asks the node when it runs; one that does not answer is shown as it was written down. */
export async function showNode(cli: Cli, node: KnownNode): Promise<NodeResources> {
  const isRunning = (await statusOf(node)) === 'running';
  const shown = isRunning ? await askNode(cli, node.name, 'show', {}, ASK_TO_SHOW_MS).catch(() => undefined) : undefined;
  return nodeResources(node, shown);
}

/** Source: command-line.md 8.1 */
export function nodePlain(node: NodeResources): string {
  const lines = [
    `Node ${node.name}${node.is_default ? ' (default)' : ''}`,
    `  status     ${node.status === 'running' ? 'UP' : node.status === 'zombie' ? 'ZOMBIE' : 'DOWN'}${node.pid === undefined ? '' : `, process ${node.pid}`}`,
    `  identity   ${node.identity_name}`,
    `  address    ${[node.route.short, node.route.verbose].filter((route) => route !== undefined).join('  ')}`,
    ...(node.http_server_address === null ? [] : [`  http       ${node.http_server_address}`]),
    ...node.outlets.map(({ worker_addr, to }) => `  outlet     /service/${worker_addr} to ${to}`),
    ...node.inlets.map(
      ({ alias, bind_addr, outlet_addr, status }) => `  inlet      ${alias} at ${bind_addr} to ${outlet_addr}: ${status.toUpperCase()}`,
    ),
    ...node.relays.map(
      ({ name, destination_address, connection_status }) =>
        `  relay      ${name} at ${destination_address}: ${connection_status.toUpperCase()}`,
    ),
    ...node.services.map(({ addr, type }) => `  service    /service/${addr}${addr === type ? '' : ` (${type})`}`),
  ];
  return lines.join('\n');
}
