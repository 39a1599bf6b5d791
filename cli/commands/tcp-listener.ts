import type { Cli } from '../cli.ts';
import { explained } from '../help.ts';
import type { TransportStatus } from '../node/calls.ts';
import { nodeOrDefault } from '../node/create-node.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import type { Doing, Family } from '../program.ts';
import { confirmed } from '../prompts.ts';
import { parseHostPort } from '../values.ts';
import { atNode } from './at.ts';
import { listed } from './shared.ts';

/** How others on this machine name a listener. Source: command-line.md 5.4 */
const routeTo = ({ socket_addr }: TransportStatus) => `/dnsaddr/localhost/tcp/${socket_addr.replace(/^.*:/, '')}`;

export const transportPlain = ({ type, mode, socket_addr, worker_addr, processor_address, flow_control_id }: TransportStatus) =>
  [
    `${type} ${mode} ${socket_addr}`,
    ...(mode === 'Listen' ? [] : [`worker /worker/${worker_addr}`]),
    `processor ${processor_address}`,
    `flow control ${flow_control_id}`,
  ].join('\n');

export function tcpListenerFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Let other nodes connect to a node at one more address.')
      .argument('<ADDRESS>', 'HOST:PORT; port 0 is any free one', parseHostPort)
      .addOption(atNode())
      .action(
        doing(async (address: string, { at }) => {
          const node = await nodeOrDefault(cli, at);
          const made = await askNode(cli, node, 'tcp-listener.create', { address });
          return { machine: routeTo(made), json: made };
        }),
      ),
    {
      description: 'A listener beyond loopback ends the open mode of a node that has neither project nor authority.',
      examples: ['tcp-listener create 127.0.0.1:0'],
    },
  );

  explained(
    family
      .command('list')
      .description('List where a node takes TCP connections.')
      .addOption(atNode())
      .action(
        doing(async ({ at }) => {
          const node = await runningNode(cli, at);
          const items = await askNode(cli, node, 'tcp-listener.list', {});
          return listed(
            { title: 'TCP listener', list: 'tcp-listener list', items, nameOf: ({ socket_addr }) => socket_addr },
            transportPlain,
          );
        }),
      ),
    { examples: ['tcp-listener list'] },
  );

  family
    .command('show')
    .description('Show a TCP listener.')
    .argument('<ADDRESS>', 'HOST:PORT, or the address of its processor')
    .addOption(atNode())
    .action(
      doing(async (address: string, { at }) => {
        const found = await askNode(cli, await runningNode(cli, at), 'tcp-listener.show', { address });
        return { plain: transportPlain(found), json: found };
      }),
    );

  family
    .command('delete')
    .description('Take no more connections there; those that are open stay.')
    .argument('<ADDRESS>', 'HOST:PORT, or the address of its processor')
    .addOption(atNode())
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (address: string, { at, yes = false }) => {
        const node = await runningNode(cli, at);
        const { socket_addr: where } = await askNode(cli, node, 'tcp-listener.show', { address });
        if (!(await confirmed(cli, `Delete TCP listener ${where} of node ${node}?`, { yes }))) return { plain: '    Nothing was deleted.' };
        await askNode(cli, node, 'tcp-listener.delete', { address });
        return { plain: `  ✔ TCP listener ${where} of node ${node} was deleted.`, json: { node } };
      }),
    );
}
