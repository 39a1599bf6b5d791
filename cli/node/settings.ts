import * as z from 'zod';
import type { NodeRecord, TrustOptions } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { processMark, type ProcessMark, processStatus, type ProcessStatus } from '../process/process-state.ts';

/** Whose credentials count at a node. Bytes are hex. Source: command-line.md 5.1 */
const trustSettings = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('open') }),
  z.object({ kind: z.literal('authority'), history: z.string(), scope: z.string().optional(), route: z.string().optional() }),
  z.object({ kind: z.literal('project'), name: z.string() }),
]);

/** Of a node that is an authority. Source: command-line.md 5.15 */
const authoritySettings = z.object({
  /** The id of the project. */
  project: z.string(),
  /** Attributes by identifier. */
  trusted: z.record(z.string(), z.record(z.string(), z.string())),
  /** The change history of whoever names administrators, in hex. */
  accountAuthority: z.string().optional(),
  enforcesAdminChecks: z.boolean(),
  hasDirectAuthentication: z.boolean(),
  hasTokens: z.boolean(),
  hasTrustContextId: z.boolean(),
  credentialLifeSeconds: z.number().int().positive().optional(),
});
export type AuthoritySettings = z.infer<typeof authoritySettings>;

/** What a node was asked to be; it is the same again at each start. */
export const nodeSettings = z.object({
  /** The name of its identity in the home. */
  identity: z.string(),
  /** HOST:PORT; port 0 is chosen by the system at the first start, and kept. */
  listen: z.string(),
  /** HOST:PORT of its HTTP server. */
  http: z.string().optional(),
  trust: trustSettings,
  /** How many -v. */
  verbosity: z.number().int(),
  /** It is an authority, and no ordinary node. */
  authority: authoritySettings.optional(),
  /** Only `echo` and what is listed start. */
  launch: z
    .object({ api: z.object({ name: z.string(), authorized: z.array(z.string()).optional(), identity: z.string().optional() }).optional() })
    .optional(),
});
export type NodeSettings = z.infer<typeof nodeSettings>;

/** What a node is now, or was when it ended. The manager writes the addresses. */
const nodeState = z.looseObject({
  process: processMark.optional(),
  tcp_listener_address: z.string().optional(),
  http_server_address: z.string().optional(),
});

export interface KnownNode {
  readonly name: string;
  readonly isDefault: boolean;
  readonly settings: NodeSettings;
  readonly process: ProcessMark | undefined;
  /** HOST:PORT, of its last start. */
  readonly listensAt: string | undefined;
  readonly httpAt: string | undefined;
}

/** @throws for a record that another version wrote */
export function knownNode({ name, isDefault, settings, state }: NodeRecord): KnownNode {
  const known = nodeState.parse(state);
  return {
    name,
    isDefault,
    settings: nodeSettings.parse(settings),
    process: known.process,
    listensAt: known.tcp_listener_address,
    httpAt: known.http_server_address,
  };
}

export const statusOf = (node: KnownNode): Promise<ProcessStatus> => processStatus(node.process);

/** Where a node writes down what its policies deny. Source: decisions.md D12 */
export const decisionFile = (cli: Cli, node: string) => cli.path('nodes', node, 'decisions.log');

/** As a manager takes it. */
export function trustOf(trust: NodeSettings['trust']): TrustOptions {
  if (trust.kind !== 'authority') return trust;
  const { history, scope, route } = trust;
  return {
    kind: 'authority',
    history: Buffer.from(history, 'hex'),
    ...(scope !== undefined && { scope }),
    ...(route !== undefined && { route }),
  };
}
