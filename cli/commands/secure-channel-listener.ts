import type { Cli } from '../cli.ts';
import { explained } from '../help.ts';
import { nodeOrDefault } from '../node/create-node.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import type { Doing, Family } from '../program.ts';
import { parseIdentifierText, parseIdentityName, parseServiceName, repeatable } from '../values.ts';
import { atNode } from './at.ts';
import { listed } from './shared.ts';

const serviceOf = (name: string) => `/service/${name}`;

export function secureChannelListenerFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Let others open channels to a node at one more address.')
      .argument('<ADDRESS>', 'of the listener', parseServiceName)
      .addOption(atNode())
      .addOption(repeatable('-a, --authorized <IDENTIFIER>', 'who may open channels; everyone if left out', parseIdentifierText))
      .option('--identity <NAME>', "who is at this end; the node's identity if left out", parseIdentityName)
      .action(
        doing(async (name: string, { at, authorized, identity }) => {
          const node = await nodeOrDefault(cli, at);
          await askNode(cli, node, 'listener.create', { name, authorized: authorized && [...authorized], identity });
          return {
            plain: [
              `  ✔ Node ${node} takes channels at ${serviceOf(name)}.`,
              `  > Open one: ${cli.programName} secure-channel create --from NODE --to /node/${node}${serviceOf(name)}`,
            ].join('\n'),
            machine: serviceOf(name),
            json: [{ address: serviceOf(name) }],
          };
        }),
      ),
    {
      description: 'Every node has the listener "api".',
      examples: ['secure-channel-listener create listener'],
    },
  );

  explained(
    family
      .command('list')
      .description('List where a node takes channels.')
      .addOption(atNode())
      .action(
        doing(async ({ at }) => {
          const items = await askNode(cli, await runningNode(cli, at), 'listener.list', {});
          return listed(
            { title: 'Secure channel listener', list: 'secure-channel-listener list', items, nameOf: ({ address }) => address },
            ({ address, flow_control_id }) => `${serviceOf(address)}\nflow control ${flow_control_id}`,
          );
        }),
      ),
    { examples: ['secure-channel-listener list'] },
  );

  family
    .command('show')
    .description('Show a listener for channels.')
    .argument('<ADDRESS>', 'of the listener', parseServiceName)
    .addOption(atNode())
    .action(
      doing(async (name: string, { at }) => {
        const found = await askNode(cli, await runningNode(cli, at), 'listener.show', { name });
        return { plain: serviceOf(found.address), machine: serviceOf(found.address), json: found };
      }),
    );

  family
    .command('delete')
    .description('Take no more channels there; those that are open are closed.')
    .argument('<ADDRESS>', 'of the listener', parseServiceName)
    .addOption(atNode())
    .action(
      doing(async (name: string, { at }) => {
        const node = await runningNode(cli, at);
        await askNode(cli, node, 'listener.delete', { name });
        return { plain: `  ✔ Listener ${serviceOf(name)} of node ${node} was deleted.`, machine: serviceOf(name) };
      }),
    );
}
