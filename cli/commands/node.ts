import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, notFound } from '../failure.ts';
import { explained } from '../help.ts';
import { findNode, knownNodes } from '../node/known.ts';
import { nodePlain, showNode } from '../node/resources.ts';
import { type KnownNode, statusOf } from '../node/settings.ts';
import { deleteNode, startNode, stopNode } from '../node/start-node.ts';
import { followLog } from '../process/follow.ts';
import { newestLog } from '../process/log-file.ts';
import type { Doing, Family } from '../program.ts';
import { picked } from '../prompts.ts';
import type { Result } from '../result.ts';
import { parseNodeName } from '../values.ts';
import { nodeCreate } from './node-create.ts';
import { deleted, type Kind, listed, shown } from './shared.ts';

async function nodeKind(cli: Cli): Promise<Kind<KnownNode>> {
  const items = await knownNodes(cli);
  const fallback = items.find(({ isDefault }) => isDefault);
  return { title: 'Node', list: 'node list', items, nameOf: ({ name }) => name, fallback, isAskedFor: true };
}

const UP_OR_DOWN = { running: 'UP', zombie: 'ZOMBIE', stopped: 'DOWN' } as const;

export function nodeFamily(family: Family, cli: Cli, doing: Doing): void {
  nodeCreate(family, cli, doing);

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
        const results: Result[] = [];
        for (const node of await nodesToStart(cli, name)) results.push(await started(cli, node, restore));
        const [only] = results;
        if (only === undefined) return { plain: '    No node was started.', json: [] };
        if (results.length === 1) return only;
        return { plain: results.map(({ plain }) => plain).join('\n\n'), json: results.map(({ json }) => json) };
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
    .option('--follow', 'print what is in it, and what comes, until Ctrl-C')
    .action(
      doing(async (name: string | undefined, { follow }) => {
        const node = await findNode(cli, name);
        if (node === undefined) throw notFound('Node', name ?? 'default', `Make one: ${cli.programName} node create`);
        if (follow === true) {
          const stopping = new AbortController();
          cli.atEnd(cli.invocation.onSignal(() => stopping.abort()));
          const { stdout } = cli.invocation;
          const found = await followLog(cli.path('nodes', node.name), (text) => void stdout.write(text), stopping.signal);
          if (!found) throw noLog(node.name);
          return undefined;
        }
        const path = await newestLog(cli.path('nodes', node.name));
        if (path === undefined) throw noLog(node.name);
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

/** The named one, or the default one; a person picks among those that are stopped. Source: command-line.md 5.1 */
async function nodesToStart(cli: Cli, name: string | undefined): Promise<readonly KnownNode[]> {
  if (name === undefined && cli.mayPrompt) {
    const known = await knownNodes(cli);
    const statuses = await Promise.all(known.map(statusOf));
    const stopped = known.filter((_, index) => statuses[index] !== 'running');
    if (stopped.length > 1) {
      const names = await picked(
        cli,
        'Start which node?',
        stopped.map((node) => node.name),
      );
      return stopped.filter((node) => names.includes(node.name));
    }
    if (stopped.length === 1) return stopped;
  }
  const node = await findNode(cli, name);
  if (node === undefined) throw notFound('Node', name ?? 'default', `Make one: ${cli.programName} node create`);
  return [node];
}

async function started(cli: Cli, node: KnownNode, restores: boolean): Promise<Result> {
  if ((await statusOf(node)) === 'running') {
    cli.note(`Node ${node.name} is running already.`);
    const resources = await showNode(cli, node);
    return { plain: nodePlain(resources), json: resources };
  }
  const resources = await startNode(cli, node.name, { restores });
  return { plain: `  ✔ Node ${node.name} was started.\n${nodePlain(resources)}`, json: resources };
}

const noLog = (name: string) =>
  new CommandError(EXIT.failure, `Node ${name} has no log file.`, { help: 'A node in the foreground writes none.' });

const pidOf = (node: KnownNode, status: string): readonly number[] =>
  status === 'stopped' || node.process === undefined ? [] : [node.process.pid];

async function runningNodes(cli: Cli): Promise<readonly KnownNode[]> {
  const known = await knownNodes(cli);
  const statuses = await Promise.all(known.map(statusOf));
  return known.filter((_, index) => statuses[index] === 'running');
}
