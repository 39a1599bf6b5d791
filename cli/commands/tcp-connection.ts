import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { explained } from '../help.ts';
import { nodeOrDefault } from '../node/create-node.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import type { Doing, Family } from '../program.ts';
import { confirmed } from '../prompts.ts';
import { parseHostPort, parseNodeName } from '../values.ts';
import { atNode } from './at.ts';
import { listed } from './shared.ts';
import { transportPlain } from './tcp-listener.ts';

export function tcpConnectionFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Connect a node to another one, for routes that are put together by hand.')
      .addOption(new Option('-t, --to <HOST:PORT>', 'where the other node listens').argParser(parseHostPort).makeOptionMandatory())
      .option('--from <NODE>', 'which node connects; the default node if left out', parseNodeName)
      .action(
        doing(async ({ to, from }) => {
          const node = await nodeOrDefault(cli, from);
          const { worker_addr } = await askNode(cli, node, 'tcp-connection.create', { to });
          const address = `/worker/${worker_addr}`;
          return {
            plain: [
              `  ✔ Node ${node} is connected to ${to} by ${address}.`,
              `  > Send through it: ${cli.programName} message send hello --from ${node} --to ${address}/service/uppercase`,
            ].join('\n'),
            machine: address,
            json: { from: node, to, address },
          };
        }),
      ),
    {
      description: 'It ends with the other end, and is not there again after a restart. Inlets and relays connect by themselves.',
      examples: ['tcp-connection create --from n2 --to 127.0.0.1:4100'],
    },
  );

  explained(
    family
      .command('list')
      .description('List the TCP connections of a node, those that others opened too.')
      .addOption(atNode())
      .action(
        doing(async ({ at }) => {
          const node = await runningNode(cli, at);
          const items = await askNode(cli, node, 'tcp-connection.list', {});
          return listed(
            { title: 'TCP connection', list: 'tcp-connection list', items, nameOf: ({ worker_addr }) => worker_addr },
            transportPlain,
          );
        }),
      ),
    { examples: ['tcp-connection list'] },
  );

  family
    .command('show')
    .description('Show a TCP connection.')
    .argument('<ADDRESS>', 'HOST:PORT of the other end, or the address of its worker')
    .addOption(atNode())
    .action(
      doing(async (address: string, { at }) => {
        const found = await askNode(cli, await runningNode(cli, at), 'tcp-connection.show', { address });
        return { plain: transportPlain(found), json: found };
      }),
    );

  family
    .command('delete')
    .description('End a TCP connection.')
    .argument('<ADDRESS>', 'HOST:PORT of the other end, or the address of its worker')
    .addOption(atNode())
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (address: string, { at, yes = false }) => {
        const node = await runningNode(cli, at);
        const { socket_addr: where } = await askNode(cli, node, 'tcp-connection.show', { address });
        if (!(await confirmed(cli, `End the connection of node ${node} to ${where}?`, { yes })))
          return { plain: '    Nothing was deleted.' };
        await askNode(cli, node, 'tcp-connection.delete', { address });
        return { plain: `  ✔ The connection of node ${node} to ${where} was ended.`, json: { address } };
      }),
    );
}
