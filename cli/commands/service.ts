import { Argument } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { explained } from '../help.ts';
import { nodeOrDefault } from '../node/create-node.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import type { Doing, Family } from '../program.ts';
import { parseServiceName } from '../values.ts';
import { atNode } from './at.ts';
import { listed } from './shared.ts';

export function serviceFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('list')
      .description('List the services of a node.')
      .addOption(atNode())
      .action(
        doing(async ({ at }) => {
          const items = await askNode(cli, await runningNode(cli, at), 'service.list', {});
          return listed(
            { title: 'Service', list: 'service list', items, nameOf: ({ addr }) => addr },
            ({ addr, type }) => `/service/${addr}\n${type}`,
          );
        }),
      ),
    { examples: ['service list'] },
  );

  explained(
    family
      .command('start')
      .description('Start a service for demonstrations.')
      .addArgument(new Argument('<SERVICE>', '"hop" passes messages on to the next address of their route').choices(['hop'] as const))
      .option('--addr <NAME>', 'its address [default: hop]', parseServiceName)
      .addOption(atNode())
      .action(
        doing(async (_hop: 'hop', { addr, at }) => {
          const node = await nodeOrDefault(cli, at);
          const { addr: name } = await askNode(cli, node, 'service.start-hop', { name: addr ?? 'hop' });
          cli.warn('A hop passes messages on for whoever its policy lets in. Use it for demonstrations only.');
          cli.note(`Service /service/${name} of node ${node} passes messages on.`);
          return undefined;
        }),
      ),
    { description: 'It is not there again after a restart.', examples: ['service start hop'] },
  );
}
