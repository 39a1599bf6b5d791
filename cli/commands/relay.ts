import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { usageError } from '../failure.ts';
import { explained } from '../help.ts';
import type { RelayStatus } from '../node/calls.ts';
import { nodeOrDefault } from '../node/create-node.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import type { Doing, Family } from '../program.ts';
import { defaultProject, routeOf } from '../routes.ts';
import { parseIdentifierText, parseNodeName, parseRelayName, repeatable } from '../values.ts';
import { atNode } from './at.ts';
import { deleted, type Kind, listed, shown } from './shared.ts';

const DEFAULT_RELAY = 'default';
const CONNECT_MS = 5_000;
const PREFIX = 'forward_to_';

async function relayKind(cli: Cli, node: string): Promise<Kind<RelayStatus>> {
  const items = await askNode(cli, node, 'relay.list', {});
  return {
    title: 'Relay',
    list: `relay list --to ${node}`,
    items,
    nameOf: ({ name }) => name,
    fallback: items.length === 1 ? items[0] : undefined,
  };
}

/** The prefix is part of the address everywhere, and never doubled. Source: command-line.md 11.11 */
const parseName = (text: string) => parseRelayName(text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text);

const relayPlain = ({ name, destination_address, remote_address, connection_status, last_failure }: RelayStatus) =>
  [
    `${name}: ${connection_status.toUpperCase()}`,
    `at ${destination_address}`,
    ...(remote_address === null ? [] : [`reached there as /service/${remote_address}`]),
    ...(connection_status === 'Up' || last_failure === null ? [] : [last_failure]),
  ].join('\n');

export function relayFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Make a node reachable at another one, or in the project.')
      .argument('[NAME]', 'of the relay [default: default]', parseName)
      .option('--to <NODE>', 'the node that becomes reachable; the default node if left out', parseToNode)
      .option('--at <ROUTE_OR_NODE>', 'where the relay is; the default project if left out')
      .addOption(repeatable('--authorized <IDENTIFIER>', 'who has to be at the other end', parseIdentifierText))
      .option('--relay-address <ADDRESS>', 'it becomes forward_to_ADDRESS; the name if left out', parseName)
      .addOption(new Option('--project-relay').hideHelp())
      .option('--no-connection-wait', 'return at once')
      .action(
        doing(async (name: string | undefined, { to, at, authorized, relayAddress, projectRelay, connectionWait }) => {
          if (projectRelay === true) cli.warn('--project-relay has no effect: a relay is in the project unless --at says otherwise.');
          const where = await relayRoute(cli, at);
          if (authorized !== undefined && where.startsWith('/project/')) throw usageError('--authorized does not go with a project.');
          const node = await nodeOrDefault(cli, to);
          const waitMs = connectionWait ? CONNECT_MS : 0;
          const relay = await askNode(cli, node, 'relay.create', {
            name: name ?? DEFAULT_RELAY,
            at: where,
            address: relayAddress,
            authorized: authorized && [...authorized],
            waitMs,
          });
          const address = `/service/${relay.remote_address ?? ''}`;
          if (relay.connection_status === 'Up')
            return { plain: `  ✔ Node ${node} is reachable at ${where} as ${address}.`, machine: address, json: relay };
          const failure = relay.last_failure ?? 'The other end has not answered: it may not allow this relay name.';
          return {
            plain: `  ! Relay ${relay.name} was made, but is not connected yet; it goes on trying.\n    ${failure}\n  > Look: ${cli.programName} relay show ${relay.name}`,
            json: relay,
          };
        }),
      ),
    { examples: ['relay create postgres', 'relay create n2 --at /node/n1 --to n2'] },
  );

  explained(
    family
      .command('list')
      .description('List the relays of a node.')
      .option('--to <NODE>', 'of which node; the default node if left out', parseNodeName)
      .action(doing(async ({ to }) => listed(await relayKind(cli, await runningNode(cli, to)), relayPlain))),
    { examples: ['relay list'] },
  );

  family
    .command('show')
    .description('Show a relay.')
    .argument('[NAME]', '', parseName)
    .addOption(atNode())
    .action(
      doing(async (name: string | undefined, { at }) =>
        shown(cli, await relayKind(cli, await runningNode(cli, at)), name, (relay) => ({
          plain: relayPlain(relay),
          machine: relay.name,
          json: relayShow(relay),
        })),
      ),
    );

  family
    .command('delete')
    .description('Delete a relay: the node is reachable there no more.')
    .argument('[NAME]', '', parseName)
    .addOption(atNode())
    .option('--all', 'every relay of the node')
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (name: string | undefined, { at, ...options }) => {
        const node = await runningNode(cli, at);
        return deleted(cli, await relayKind(cli, node), name, options, async (relay) => {
          await askNode(cli, node, 'relay.delete', { name: relay.name });
        });
      }),
    );
}

/** `NAME`, `/node/NAME` or `/node/NAME/service/...`, of which the node counts. Source: command-line.md 5.10, E8 */
function parseToNode(text: string): string {
  const [, node = ''] = /^\/node\/([^/]+)\/.+$/.exec(text) ?? [];
  return parseNodeName(node === '' ? text : node);
}

async function relayRoute(cli: Cli, at: string | undefined): Promise<string> {
  if (at === undefined) return `/project/${await defaultProject(cli)}`;
  return at.startsWith('/') ? routeOf(cli, at) : `/node/${parseNodeName(at)}`;
}

/** Source: command-line.md 2.3 */
function relayShow({ name, destination_address, connection_status, forwarding_route, remote_address, worker_address }: RelayStatus) {
  const service = (address: string | null) => (address === null ? null : `/service/${address}`);
  return {
    name,
    destination: destination_address,
    connection_status,
    relay_route: forwarding_route,
    remote_address: service(remote_address),
    worker_address: service(worker_address),
  };
}
