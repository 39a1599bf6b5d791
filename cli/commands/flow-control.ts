import type { Cli } from '../cli.ts';
import { explained } from '../help.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import type { Doing, Family } from '../program.ts';
import { atNode } from './at.ts';

export function flowControlFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('add-consumer')
      .description('Let what comes in by a connection or channel reach one more worker.')
      .argument('<ID>', 'the flow control, as connections, channels and listeners show it')
      .argument('<ADDRESS>', 'the worker: NAME, /service/NAME or /worker/NAME')
      .addOption(atNode())
      .action(
        doing(async (id: string, address: string, { at }) => {
          await askNode(cli, await runningNode(cli, at), 'flow-control.add-consumer', { id, address });
          return undefined;
        }),
      ),
    { description: 'The policy of the worker still counts.' },
  );
}
