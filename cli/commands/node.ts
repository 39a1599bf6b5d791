import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, notFound, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { createNodeRecord } from '../node/create-node.ts';
import { findNode, knownNodes } from '../node/known.ts';
import { nodePlain, showNode } from '../node/resources.ts';
import { runForeground } from '../node/foreground.ts';
import { type KnownNode, statusOf } from '../node/settings.ts';
import { deleteNode, startNode, stopNode } from '../node/start-node.ts';
import { newestLog } from '../process/log-file.ts';
import type { Doing, Family } from '../program.ts';
import { parseHostPort, parseNodeName } from '../values.ts';
import { deleted, type Kind, listed, shown } from './shared.ts';

async function nodeKind(cli: Cli): Promise<Kind<KnownNode>> {
  const items = await knownNodes(cli);
  return { title: 'Node', list: 'node list', items, nameOf: ({ name }) => name, fallback: items.find(({ isDefault }) => isDefault) };
}

const UP_OR_DOWN = { running: 'UP', zombie: 'ZOMBIE', stopped: 'DOWN' } as const;

export function nodeFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Make a node and start it.')
      .argument('[NAME_OR_CONFIGURATION]', 'a name, or the path or URL of a configuration')
      .addOption(new Option('--configuration <YAML>', 'an inline configuration'))
      .addOption(new Option('--node-config <YAML>').hideHelp())
      .option('--enrollment-ticket <TICKET>', 'path, URL or hex of a ticket to enroll with [env: ENROLLMENT_TICKET]')
      .option('-f, --foreground', 'stay here until the node ends')
      .option('-e, --exit-on-eof', 'end the node when standard input ends; needs --foreground')
      .option('-s, --skip-is-running-check', 'take over from a node of this name that seems to run')
      .option('-t, --tcp-listener-address <HOST:PORT>', 'where others connect; port 0 is any free one', parseHostPort)
      .addOption(new Option('--http-server', 'serve HTTP for probes at a free port of loopback').conflicts('httpServerPort'))
      .addOption(new Option('--enable-http-server').hideHelp())
      .option('--http-server-port <PORT>', 'serve HTTP for probes there', parseHostPort)
      .option('--identity <NAME>', 'of the node; made when it does not exist')
      .option('--project <NAME>', 'whose members are trusted; by default the default project')
      .option('--authority-identity <HEX>', 'trust credentials that this identity issued')
      .option('--authority-route <ROUTE>', 'fetch the own credential there')
      .option('--credential-scope <SCOPE>', 'present stored credentials of this scope')
      .addOption(new Option('--child-process').hideHelp())
      .addOption(new Option('--no-restore').hideHelp())
      .addOption(new Option('--opentelemetry-context <TEXT>').hideHelp())
      .action(
        doing(async (name: string | undefined, options) => {
          if (options.exitOnEof === true && options.foreground !== true) throw usageError('--exit-on-eof needs --foreground.');
          if (options.childProcess === true) {
            await runForeground(cli, parseNodeName(name ?? ''), { isBackground: true, restores: options.restore });
            return undefined;
          }
          const made = await createNodeRecord(cli, name, options);
          if (options.foreground === true) {
            await runForeground(cli, made.name, { isBackground: false, restores: true, exitsOnEof: options.exitOnEof === true });
            return undefined;
          }
          const node = await startNode(cli, made.name);
          return {
            plain: [
              `  ✔ Node ${node.name} was created and answers at ${node.route.verbose ?? node.route.short}.`,
              ...(node.is_default ? [`    It is the default node of this home.`] : []),
              `  > Look at it: ${cli.programName} node show ${node.name}`,
            ].join('\n'),
            machine: node.name,
            json: node,
          };
        }),
      ),
    {
      description: 'A node runs in the background, survives this shell, and holds what is made on it: portals, relays, channels, workers.',
      examples: ['node create', 'node create n1 --tcp-listener-address 127.0.0.1:4100', 'node create n2 --http-server'],
    },
  );

  explained(
    family
      .command('list')
      .description('List the nodes of this home.')
      .action(
        doing(async () => {
          const kind = await nodeKind(cli);
          const found = await Promise.all(kind.items.map(async (node) => ({ node, status: await statusOf(node) })));
          return listed(
            { ...kind, items: found, nameOf: ({ node }) => node.name, fallback: undefined },
            ({ node, status }) =>
              [
                `${node.name}${node.isDefault ? ' (default)' : ''}`,
                UP_OR_DOWN[status],
                ...pidOf(node, status).map((pid) => `process ${pid}`),
              ].join('\n'),
            ({ node, status }) => {
              const [pid] = pidOf(node, status);
              const withPid = pid === undefined ? {} : { pid };
              return { node_name: node.name, status: { status, ...withPid }, ...withPid, is_default: node.isDefault };
            },
          );
        }),
      ),
    { examples: ['node list', 'node list --output json'] },
  );

  explained(
    family
      .command('show')
      .description('Show a node and what it holds.')
      .argument('[NAME]', 'the default node if left out', parseNodeName)
      .action(
        doing(async (name: string | undefined) =>
          shown(cli, await nodeKind(cli), name, async (node) => {
            const resources = await showNode(cli, node);
            return { plain: nodePlain(resources), json: resources };
          }),
        ),
      ),
    { examples: ['node show', 'node show n1 --output json'] },
  );

  family
    .command('start')
    .description('Start a node that was stopped, as it was.')
    .argument('[NAME]', 'the default node if left out', parseNodeName)
    .option('--no-restore', 'without the portals and relays that it held')
    .action(
      doing(async (name: string | undefined, { restore }) => {
        const node = await findNode(cli, name);
        if (node === undefined) throw notFound('Node', name ?? 'default', `Make one: ${cli.programName} node create`);
        if ((await statusOf(node)) === 'running') {
          cli.note(`Node ${node.name} is running already.`);
          const resources = await showNode(cli, node);
          return { plain: nodePlain(resources), json: resources };
        }
        const resources = await startNode(cli, node.name, { restores: restore });
        return { plain: `  ✔ Node ${node.name} was started.\n${nodePlain(resources)}`, json: resources };
      }),
    );

  family
    .command('stop')
    .description('Stop a node; it can be started again.')
    .argument('[NAME]', 'the default node if left out', parseNodeName)
    .addOption(new Option('-f, --force').hideHelp())
    .action(
      doing(async (name: string | undefined, { force }) => {
        if (force === true) cli.warn('--force has no effect: a node that does not end is killed anyway.');
        const running = await runningNodes(cli);
        if (running.length === 0) return { plain: '    No node is running.' };
        const node = running.find((each) => (name === undefined ? each.isDefault : each.name === name));
        if (node === undefined) throw notFound('Running node', name ?? 'default', `List them: ${cli.programName} node list`);
        await stopNode(cli, node);
        return { plain: `  ✔ Node ${node.name} was stopped.`.replace('Node ', ''), machine: `${node.name} was stopped` };
      }),
    );

  family
    .command('delete')
    .description('Stop a node, and forget it with all it holds.')
    .argument('[NAME]', '', parseNodeName)
    .option('--all', 'every node')
    .option('-y, --yes', 'do not ask')
    .addOption(new Option('-f, --force').hideHelp())
    .action(
      doing(async (name: string | undefined, options) => deleted(cli, await nodeKind(cli), name, options, (node) => deleteNode(cli, node))),
    );

  family
    .command('logs')
    .description('Print the path of the newest log file of a node.')
    .argument('[NAME]', 'the default node if left out', parseNodeName)
    .action(
      doing(async (name: string | undefined) => {
        const node = await findNode(cli, name);
        if (node === undefined) throw notFound('Node', name ?? 'default', `Make one: ${cli.programName} node create`);
        const path = await newestLog(cli.path('nodes', node.name));
        if (path === undefined)
          throw new CommandError(EXIT.failure, `Node ${node.name} has no log file.`, { help: 'A node in the foreground writes none.' });
        return { machine: path, json: { path } };
      }),
    );

  family
    .command('default')
    .description('Print the default node, or choose it.')
    .argument('[NAME]', '', parseNodeName)
    .action(
      doing(async (name: string | undefined) => {
        const node = await findNode(cli, name);
        if (node === undefined) throw notFound('Node', name ?? 'default', `Make one: ${cli.programName} node create`);
        if (name === undefined) return { plain: `    The default node is ${node.name}.`, machine: node.name };
        if (node.isDefault) throw new CommandError(EXIT.failure, `The node ${name} is already the default.`, { code: 'P409' });
        await (await cli.home()).state.nodes.setDefault(name);
        return { plain: `  ✔ The default node is ${name}.`, machine: name };
      }),
    );
}

const pidOf = (node: KnownNode, status: string): readonly number[] =>
  status === 'stopped' || node.process === undefined ? [] : [node.process.pid];

async function runningNodes(cli: Cli): Promise<readonly KnownNode[]> {
  const known = await knownNodes(cli);
  const statuses = await Promise.all(known.map(statusOf));
  return known.filter((_, index) => statuses[index] === 'running');
}
