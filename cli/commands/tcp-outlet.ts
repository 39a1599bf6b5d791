import { Option } from '@commander-js/extra-typings';
import { randomName } from 'postern/home';
import type { Cli } from '../cli.ts';
import { usageError } from '../failure.ts';
import { explained } from '../help.ts';
import type { OutletStatus } from '../node/calls.ts';
import { nodeOrDefault } from '../node/create-node.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import { policyIn } from '../policy.ts';
import type { Doing, Family } from '../program.ts';
import { parseHostPort, parseServiceName } from '../values.ts';
import { allowOption, atNode, expressionOption } from './at.ts';
import { deleted, type Kind, listed, shown } from './shared.ts';

const OUTLET = 'outlet';

async function outletKind(cli: Cli, node: string): Promise<Kind<OutletStatus>> {
  const items = await askNode(cli, node, 'outlet.list', {});
  return {
    title: 'Outlet',
    list: `tcp-outlet list --at ${node}`,
    items,
    nameOf: ({ worker_addr }) => worker_addr,
    fallback: items.length === 1 ? items[0] : undefined,
  };
}

export function tcpOutletFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Let others reach a TCP server through this node.')
      .requiredOption('--to <HOST:PORT>', 'the server; its name is looked up for each connection', parseHostPort)
      .option('--from <OUTLET>', 'the address of the outlet [default: outlet]', parseServiceName)
      .addOption(atNode())
      .addOption(new Option('--tls').hideHelp())
      .addOption(allowOption())
      .addOption(expressionOption())
      .addOption(new Option('--ebpf').hideHelp())
      .action(
        doing(async ({ to, from, at, ...given }) => {
          if (given.ebpf === true) cli.warn('Ordinary sockets are used.');
          if (given.tls === true)
            throw usageError('Outlets with TLS are not there yet.', 'Leave out --tls, and let the server take plain TCP.');
          const allow = policyIn(cli, given);
          const node = await nodeOrDefault(cli, at);
          const taken = (await askNode(cli, node, 'outlet.list', {})).map(({ worker_addr }) => worker_addr);
          const name = from ?? (taken.includes(OUTLET) ? randomName(taken) : OUTLET);
          const outlet = await askNode(cli, node, 'outlet.create', { name, to, allow });
          const where = `/service/${outlet.worker_addr}`;
          return {
            plain: [
              `  ✔ Outlet ${where} on node ${node} leads to ${outlet.to}.`,
              `  > Make this node reachable: ${cli.programName} relay create NAME`,
            ].join('\n'),
            machine: where,
            json: outlet,
          };
        }),
      ),
    { examples: ['tcp-outlet create --to 5432', 'tcp-outlet create --to 127.0.0.1:5432 --from db --allow postgres-inlet'] },
  );

  explained(
    family
      .command('list')
      .description('List the outlets of a node.')
      .addOption(atNode())
      .action(
        doing(async ({ at }) =>
          listed(
            await outletKind(cli, await runningNode(cli, at)),
            ({ worker_addr, to }) => `/service/${worker_addr}\nto ${to}`,
            ({ worker_addr, to }) => ({ from: `/service/${worker_addr}`, to }),
          ),
        ),
      ),
    { examples: ['tcp-outlet list'] },
  );

  family
    .command('show')
    .description('Show an outlet.')
    .argument('[OUTLET]', '', parseServiceName)
    .addOption(atNode())
    .action(
      doing(async (name: string | undefined, { at }) => {
        const node = await runningNode(cli, at);
        return shown(cli, await outletKind(cli, node), name, ({ worker_addr, to }) => ({
          plain: `    Outlet /service/${worker_addr} on node ${node}, to ${to}`,
          json: { node_name: node, worker_address: `/service/${worker_addr}`, to },
        }));
      }),
    );

  family
    .command('delete')
    .description('Delete an outlet with its policy; its connections end.')
    .argument('[OUTLET]', '', parseServiceName)
    .addOption(atNode())
    .option('--all', 'every outlet of the node')
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (name: string | undefined, { at, ...options }) => {
        const node = await runningNode(cli, at);
        return deleted(
          cli,
          await outletKind(cli, node),
          name,
          options,
          async ({ worker_addr }) => {
            await askNode(cli, node, 'outlet.delete', { name: worker_addr });
          },
          ({ worker_addr }) => ({ alias: worker_addr, node }),
        );
      }),
    );
}
