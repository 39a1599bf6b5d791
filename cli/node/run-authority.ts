import { join } from 'node:path';
import { createNode, type Logger, parseIdentifier, startAuthority, systemClock, tcp } from 'postern';
import type { Home } from 'postern/manager';
import { openSqliteStore, StoredAuthority } from 'postern/storage';
import type { Cli } from '../cli.ts';
import { controlPlace } from '../control/place.ts';
import { controlServer } from '../control/server.ts';
import { notFound } from '../failure.ts';
import { nodeCalls, type NodeShown } from './calls.ts';
import type { NodeWork } from './run-node.ts';
import type { AuthoritySettings, NodeSettings } from './settings.ts';

/** Members, tickets and revocations of one authority, in the folder of its node: they go with it. */
const DATABASE = 'authority.sqlite3';
/** What connections to an authority carry. Source: decisions.md B2 */
const FRAME_BYTES_MAX = 16 * 1024 * 1024;
const API = 'api';

/**
 * A node that is an authority and nothing else: it takes channels at `api`, and what reaches it otherwise is dropped.
 * Source: command-line.md 5.15
 */
export async function startAuthorityWork(
  cli: Cli,
  home: Home,
  name: string,
  {
    settings,
    authority: given,
    logger,
  }: { readonly settings: NodeSettings; readonly authority: AuthoritySettings; readonly logger: Logger },
): Promise<NodeWork> {
  const named = await home.named(settings.identity);
  if (named === undefined) throw notFound('Identity', settings.identity);
  const identity = await home.identity(named);
  const store = await openSqliteStore(join(cli.path('nodes', name), DATABASE), { clock: systemClock });
  const node = await createNode({ name, logger });
  const close = async () => {
    await node.stop();
    await store.close();
  };
  try {
    const listener = await node.listen(tcp(), settings.listen, { frameBytesMax: FRAME_BYTES_MAX });
    const { host, port } = listener.local;
    const local = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const authority = await startAuthority(node, {
      identity,
      store: new StoredAuthority(store),
      project: given.project,
      on: listener,
      roles: 'plain',
      trusted: new Map(
        Object.entries(given.trusted).map(([identifier, attributes]) => [parseIdentifier(identifier), new Map(Object.entries(attributes))]),
      ),
      ...(given.accountAuthority !== undefined && {
        accountAuthority: { history: Buffer.from(given.accountAuthority, 'hex'), enforcesAdminChecks: given.enforcesAdminChecks },
      }),
      ...(given.credentialLifeSeconds !== undefined && { credentialLifeSeconds: given.credentialLifeSeconds }),
      hasTrustContextId: given.hasTrustContextId,
      hasDirectAuthenticator: given.hasDirectAuthentication,
      hasTokens: given.hasTokens,
    });
    await home.state.nodes.change(
      name,
      (before) => before && { settings: before.settings, state: { ...before.state, tcp_listener_address: local } },
    );
    const shown = (): NodeShown => ({
      name,
      identifier: identity.identifier,
      listener: local,
      is_open: false,
      transports: [
        {
          type: 'Tcp',
          mode: 'Listen',
          socket_addr: local,
          worker_addr: '<none>',
          processor_address: listener.address.name,
          flow_control_id: listener.flow.id,
        },
      ],
      secure_channel_listeners: [{ address: API, flow_control_id: authority.channels.flow.id, is_key_exchange_only: false }],
      inlets: [],
      outlets: [],
      relays: [],
      services: servicesOf(given),
    });
    return {
      shown,
      health: () => ({ status: 'ok' }),
      serve: async () =>
        controlServer(
          await controlPlace(cli.folder, 'node', name),
          { show: nodeCalls.show },
          { show: () => Promise.resolve(shown()) },
          logger,
        ),
      close: async () => {
        await authority.close();
        await close();
      },
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

function servicesOf({ hasDirectAuthentication, hasTokens }: AuthoritySettings) {
  const names = [
    API,
    ...(hasDirectAuthentication ? ['direct_authenticator'] : []),
    'credential_issuer',
    ...(hasTokens ? ['enrollment_token_issuer', 'enrollment_token_acceptor'] : []),
    'echo',
  ];
  return names.map((addr) => ({ addr, type: addr === API ? 'secure_channel_listener' : addr }));
}
