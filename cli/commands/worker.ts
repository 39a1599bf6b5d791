import type { Cli } from '../cli.ts';
import { explained } from '../help.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import type { Doing, Family } from '../program.ts';
import { atNode } from './at.ts';
import { listed } from './shared.ts';

export function workerFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('list')
      .description('List the addresses of a node that messages can be sent to.')
      .addOption(atNode())
      .action(
        doing(async ({ at }) => {
          const items = await askNode(cli, await runningNode(cli, at), 'worker.list', {});
          return listed({ title: 'Worker', list: 'worker list', items, nameOf: ({ addr }) => addr }, ({ addr }) => addr);
        }),
      ),
    { description: 'What others may reach of them is published, and has a policy.', examples: ['worker list'] },
  );
}
