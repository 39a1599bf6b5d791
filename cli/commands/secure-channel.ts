import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { explained } from '../help.ts';
import { identityFor } from '../identity.ts';
import type { ChannelStatus } from '../node/calls.ts';
import { nodeOrDefault } from '../node/create-node.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import type { Doing, Family } from '../program.ts';
import { confirmed } from '../prompts.ts';
import { reachableRoute } from '../routes.ts';
import { parseHex, parseIdentifierText, parseIdentityName, parseNodeName, parseServiceName, repeatable } from '../values.ts';
import { atNode } from './at.ts';
import { listed } from './shared.ts';

const channelPlain = ({ channel, to, peer, route, authorized_identifiers, flow_control_id }: ChannelStatus) =>
  [
    channel,
    `to ${to}`,
    `peer ${peer}`,
    `route ${route ?? 'down'}`,
    ...(authorized_identifiers === null ? [] : [`authorized ${authorized_identifiers.join(', ')}`]),
    `flow control ${flow_control_id}`,
  ].join('\n');

export function secureChannelFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Open a channel that nobody between can read or change.')
      .option('--from <NODE>', 'which node opens it; the default node if left out', parseNodeName)
      .requiredOption('--to <ROUTE>', 'to a listener of the other node, such as /node/n2/service/api')
      .addOption(repeatable('-a, --authorized <IDENTIFIER>', 'who has to be at the other end', parseIdentifierText))
      .addOption(new Option('-c, --credential <HEX>', "what is presented in place of the node's own credential").argParser(parseHex))
      .option('--identity <NAME>', 'who opens it; the default identity of this home if left out', parseIdentityName)
      .action(
        doing(async ({ from, to, authorized, credential, identity }) => {
          const route = await reachableRoute(cli, to);
          const node = await nodeOrDefault(cli, from);
          const { name } = await identityFor(cli, identity, { makes: false });
          const { timeoutMs } = cli;
          const made = await askNode(
            cli,
            node,
            'channel.create',
            { to: route, authorized: authorized && [...authorized], credential, identity: name, timeoutMs },
            2 * timeoutMs,
          );
          return {
            plain: [
              `  ✔ Node ${node} has a channel to ${made.peer} by ${made.channel}.`,
              `  > Send through it: ${cli.programName} message send hello --from ${node} --to ${made.channel}/service/uppercase`,
            ].join('\n'),
            machine: made.channel,
            json: [{ address: made.channel }],
          };
        }),
      ),
    {
      description:
        'Its address stands at the beginning of routes. It ends with the other end, and is not there again after a restart; the channels of ' +
        'inlets and relays are made by themselves.',
      examples: ['secure-channel create --from n1 --to /node/n2/service/api'],
    },
  );

  explained(
    family
      .command('list')
      .description('List the channels that were opened by hand.')
      .addOption(atNode())
      .action(
        doing(async ({ at }) => {
          const node = await runningNode(cli, at);
          const items = await askNode(cli, node, 'channel.list', {});
          return listed(
            { title: 'Secure channel', list: 'secure-channel list', items, nameOf: ({ channel }) => channel },
            ({ to, channel }) => `from /node/${node}\nto ${to}\nat ${channel}`,
            ({ to, channel }) => ({ from: `/node/${node}`, to, at: channel }),
          );
        }),
      ),
    { examples: ['secure-channel list'] },
  );

  family
    .command('show')
    .description('Show a channel.')
    .argument('<ADDRESS>', '/service/HEX or HEX', parseServiceName)
    .addOption(atNode())
    .action(
      doing(async (address: string, { at }) => {
        const found = await askNode(cli, await runningNode(cli, at), 'channel.show', { address });
        const { channel, route, authorized_identifiers, flow_control_id } = found;
        return { plain: channelPlain(found), json: { channel, route, authorized_identifiers, flow_control_id } };
      }),
    );

  family
    .command('delete')
    .description('Close a channel.')
    .argument('<ADDRESS>', '/service/HEX or HEX', parseServiceName)
    .addOption(atNode())
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (address: string, { at, yes = false }) => {
        const node = await runningNode(cli, at);
        const { channel } = await askNode(cli, node, 'channel.show', { address });
        if (!(await confirmed(cli, `Close channel ${channel} of node ${node}?`, { yes }))) return { plain: '    Nothing was deleted.' };
        await askNode(cli, node, 'channel.delete', { address });
        return { plain: `  ✔ Channel ${channel} of node ${node} was closed.`, machine: channel, json: [{ address: channel }] };
      }),
    );
}
