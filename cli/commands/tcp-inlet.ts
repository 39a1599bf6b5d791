import { setTimeout as pause } from 'node:timers/promises';
import { Option } from '@commander-js/extra-typings';
import { randomName } from 'postern/home';
import type { Cli } from '../cli.ts';
import { EXIT, failureOf, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import type { InletStatus } from '../node/calls.ts';
import { nodeOrDefault } from '../node/create-node.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import { policyIn } from '../policy.ts';
import type { Doing, Family } from '../program.ts';
import { inletRoute } from '../routes.ts';
import { parseAlias, parseDuration, parseHostPort, parseIdentifierText, parseIdentityName, parseRelayName, repeatable } from '../values.ts';
import { allowOption, atNode, expressionOption } from './at.ts';
import { deleted, type Kind, listed, shown } from './shared.ts';

const FIRST_TRY_MS = 5_000;

async function inletKind(cli: Cli, node: string): Promise<Kind<InletStatus>> {
  const items = await askNode(cli, node, 'inlet.list', {});
  return {
    title: 'Inlet',
    list: `tcp-inlet list --at ${node}`,
    items,
    nameOf: ({ alias }) => alias,
    fallback: items.length === 1 ? items[0] : undefined,
  };
}

const inletPlain = ({ alias, bind_addr, outlet_addr, status, last_failure }: InletStatus) =>
  [
    `${alias}: ${status.toUpperCase()}`,
    `at ${bind_addr}`,
    `to ${outlet_addr}`,
    ...(status === 'Up' || last_failure === null ? [] : [last_failure]),
  ].join('\n');

export function tcpInletFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Make the server behind an outlet appear at a port of this machine.')
      .addOption(atNode())
      .option('--from <HOST:PORT>', 'where clients connect; a free port of loopback if left out', parseHostPort)
      .option('--to <ROUTE_OR_NAME>', 'a route to an outlet, or the name of a relay in the project')
      .option('--via <RELAY>', 'the relay in the project [default: default]', parseRelayName)
      .option('--identity <NAME>', "of the channels of this inlet; the node's if left out", parseIdentityName)
      .addOption(repeatable('--authorized <IDENTIFIER>', 'who has to be at the other end', parseIdentifierText))
      .option('--alias <NAME>', 'two words at random if left out', parseAlias)
      .addOption(allowOption())
      .addOption(expressionOption())
      .addOption(
        new Option('--connection-wait <DURATION>', 'how long to wait for the first connection')
          .argParser(parseDuration)
          .default(FIRST_TRY_MS, '5s'),
      )
      .addOption(
        new Option('--retry-wait <DURATION>', 'before a node that does not answer is asked once more; 0 for never')
          .argParser(parseDuration)
          .default(20_000, '20s'),
      )
      .addOption(new Option('--timeout <DURATION>', 'for the request to the node').argParser(parseDuration).default(10_000, '10s'))
      .option('--no-connection-wait', 'return at once')
      .addOption(new Option('--ebpf').hideHelp())
      .addOption(new Option('--udp').hideHelp())
      .addOption(new Option('--enable-udp-puncture').hideHelp())
      .addOption(new Option('--no-tcp-fallback').hideHelp())
      .addOption(new Option('--disable-tcp-fallback').hideHelp())
      .addOption(new Option('--tls').hideHelp())
      .addOption(new Option('--tls-certificate-provider <ROUTE>').hideHelp())
      .action(
        doing(async ({ at, from = '127.0.0.1:0', to, via, identity, authorized, alias, connectionWait, timeout, retryWait, ...given }) => {
          if (given.ebpf === true) cli.warn('Ordinary sockets are used.');
          refuseLater(given);
          const allow = policyIn(cli, given);
          const route = await inletRoute(cli, { to, via, authorized });
          const node = await nodeOrDefault(cli, at);
          const taken = (await askNode(cli, node, 'inlet.list', {})).map((each) => each.alias);
          const name = alias ?? randomName(taken);
          const waitMs = typeof connectionWait === 'number' ? connectionWait : 0;
          const inlet = await askedAgain(cli, retryWait, () =>
            askNode(
              cli,
              node,
              'inlet.create',
              { name, listen: from, to: route, authorized: authorized && [...authorized], identity, allow, waitMs },
              timeout + waitMs,
            ),
          );
          return { plain: createdPlain(cli, node, inlet, waitMs), machine: inlet.bind_addr, json: inlet };
        }),
      ),
    {
      description: 'A bare NAME in --to is a relay of the default project, with the service "outlet" behind it.',
      examples: ['tcp-inlet create --from 15432 --to postgres', 'tcp-inlet create --from 15432 --to /node/n1/secure/api/service/outlet'],
    },
  );

  explained(
    family
      .command('list')
      .description('List the inlets of a node.')
      .addOption(atNode())
      .action(doing(async ({ at }) => listed(await inletKind(cli, await runningNode(cli, at)), inletPlain))),
    { examples: ['tcp-inlet list'] },
  );

  family
    .command('show')
    .description('Show an inlet.')
    .argument('[ALIAS]', '', parseAlias)
    .addOption(atNode())
    .action(
      doing(async (alias: string | undefined, { at }) =>
        shown(cli, await inletKind(cli, await runningNode(cli, at)), alias, (inlet) => ({ plain: inletPlain(inlet), json: inlet })),
      ),
    );

  family
    .command('delete')
    .description('Delete an inlet with its policy; its port closes, its connections end.')
    .argument('[ALIAS]', '', parseAlias)
    .addOption(atNode())
    .option('--all', 'every inlet of the node')
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (name: string | undefined, { at, ...options }) => {
        const node = await runningNode(cli, at);
        return deleted(
          cli,
          await inletKind(cli, node),
          name,
          options,
          async ({ alias }) => {
            await askNode(cli, node, 'inlet.delete', { name: alias });
          },
          ({ alias }) => ({ alias, node }),
        );
      }),
    );
}

interface Later {
  readonly udp?: true | undefined;
  readonly enableUdpPuncture?: true | undefined;
  readonly tcpFallback: boolean;
  readonly disableTcpFallback?: true | undefined;
  readonly tls?: true | undefined;
  readonly tlsCertificateProvider?: string | undefined;
}

/** Source: command-line.md 10 */
function refuseLater(given: Later): void {
  if (given.tls === true || given.tlsCertificateProvider !== undefined)
    throw usageError(
      'Inlets with TLS are not there yet.',
      'Leave out --tls: what is between inlet and outlet is encrypted by the channel.',
    );
  if (given.udp === true || given.enableUdpPuncture === true || !given.tcpFallback || given.disableTcpFallback === true)
    throw usageError('Portals over UDP are not there yet.', 'Leave out the UDP options: the portal goes over TCP, with no open port.');
}

/** Asks a node once more that did not answer. */
async function askedAgain<Value>(cli: Cli, waitMs: number, ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask();
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (waitMs === 0 || failure.exitCode !== EXIT.unavailable) throw thrown;
    cli.note(`${failure.message} Asking again in ${waitMs / 1_000} s.`);
    await pause(waitMs);
    return ask();
  }
}

function createdPlain(
  cli: Cli,
  node: string,
  { alias, bind_addr, outlet_addr, status, last_failure }: InletStatus,
  waitMs: number,
): string {
  const where = `Inlet ${alias} on node ${node}: clients at ${bind_addr} reach ${outlet_addr}`;
  if (status === 'Up') return `  ✔ ${where}.`;
  if (waitMs === 0) return `  ✔ ${where} as soon as it is connected.\n  > Look: ${cli.programName} tcp-inlet show ${alias}`;
  return `  ! ${where}, but it is not connected yet; it goes on trying.\n    ${last_failure ?? ''}\n  > Look: ${cli.programName} tcp-inlet show ${alias}`;
}
