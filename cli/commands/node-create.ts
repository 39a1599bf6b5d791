import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import type { createConfigured } from '../config/create-node.ts';
import { isConfiguration, readSource } from '../config/source.ts';
import { parseVariable, type Variable, variablesOf } from '../config/variable-option.ts';
import { VARIABLES } from '../environment.ts';
import { notFound, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { createAndStart, type CreateOptions, freeNodeName } from '../node/create-node.ts';
import { findNode } from '../node/known.ts';
import { showNode } from '../node/resources.ts';
import { startNode } from '../node/start-node.ts';
import type { Doing, Family } from '../program.ts';
import type { Result } from '../result.ts';
import { parseHostPort, parseIdentityName, parseNewNodeName, parseProjectName, repeatable } from '../values.ts';

export function nodeCreate(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Make a node and start it.')
      .argument('[NAME_OR_CONFIGURATION]', 'a name, or the path or URL of a configuration')
      .addOption(new Option('--configuration <YAML>', 'an inline configuration'))
      .addOption(new Option('--node-config <YAML>').hideHelp().conflicts('configuration'))
      .option('--enrollment-ticket <TICKET>', 'path, URL or hex of a ticket to enroll with [env: ENROLLMENT_TICKET]')
      .addOption(repeatable('--variable <KEY=VALUE>', 'the value of a variable in the configuration', parseVariable))
      .option('-f, --foreground', 'stay here until the node ends')
      .option('-e, --exit-on-eof', 'end the node when standard input ends; needs --foreground')
      .option('-s, --skip-is-running-check', 'take over from a node of this name that seems to run')
      .option('-t, --tcp-listener-address <HOST:PORT>', 'where others connect; port 0 is any free one', parseHostPort)
      .addOption(new Option('--http-server', 'serve HTTP for probes at a free port of loopback').conflicts('httpServerPort'))
      .addOption(new Option('--enable-http-server').hideHelp().conflicts('httpServerPort'))
      .option('--http-server-port <PORT>', 'serve HTTP for probes there', parseHostPort)
      .option('--identity <NAME>', 'of the node; made when it does not exist', parseIdentityName)
      .option('--project <NAME>', 'whose members are trusted; by default the default project', parseProjectName)
      .option('--authority-identity <HEX>', 'trust credentials that this identity issued')
      .option('--authority-route <ROUTE>', 'fetch the own credential there')
      .option('--credential-scope <SCOPE>', 'present stored credentials of this scope')
      .addOption(new Option('--launch-configuration <JSON_OR_PATH>').hideHelp())
      .addOption(new Option('--launch-config <JSON_OR_PATH>').hideHelp().conflicts('launchConfiguration'))
      .addOption(new Option('--udp').hideHelp())
      .addOption(new Option('--enable-udp').hideHelp())
      .addOption(new Option('--child-process').hideHelp())
      .addOption(new Option('--no-restore').hideHelp())
      .addOption(new Option('--opentelemetry-context <TEXT>').hideHelp())
      .action(
        doing(async (given: string | undefined, { childProcess, restore, ...options }) => {
          if (childProcess === true) {
            const { runForeground } = await import('../node/foreground.ts');
            await runForeground(cli, parseNewNodeName(given ?? ''), { isBackground: true, restores: restore });
            return undefined;
          }
          const name = await created(cli, given, options);
          return name === undefined ? undefined : result(cli, name);
        }),
      ),
    {
      description: 'A node runs in the background, survives this shell, and holds what is made on it: portals, relays, channels, workers.',
      examples: [
        'node create',
        'node create n1 --tcp-listener-address 127.0.0.1:4100',
        'node create n2 --http-server',
        "node create n3 --configuration 'tcp-outlet: {to: 5432}'",
      ],
    },
  );
}

interface Given extends CreateOptions {
  readonly configuration?: string | undefined;
  readonly nodeConfig?: string | undefined;
  readonly launchConfig?: string | undefined;
  readonly enrollmentTicket?: string | undefined;
  readonly variable?: readonly Variable[] | undefined;
  readonly udp?: boolean | undefined;
  readonly enableUdp?: boolean | undefined;
  readonly opentelemetryContext?: string | undefined;
}

/** @returns the name of the node; undefined for one that was in the foreground, and has ended. Source: command-line.md 5.1 */
async function created(cli: Cli, given: string | undefined, all: Given): Promise<string | undefined> {
  const { configuration, nodeConfig, launchConfig, enrollmentTicket, variable, udp, enableUdp, opentelemetryContext: _, ...rest } = all;
  if (udp === true || enableUdp === true) throw usageError('--udp is not there yet: nodes connect over TCP.');
  const options: CreateOptions = { ...rest, ...(launchConfig !== undefined && { launchConfiguration: launchConfig }) };
  const inline = configuration ?? nodeConfig;
  const file = given !== undefined && (await isConfiguration(cli, given)) ? given : undefined;
  if (inline !== undefined && file !== undefined) throw usageError(`These are two configurations: ${file}, and that of --configuration.`);
  const name = file === undefined && given !== undefined ? parseNewNodeName(given) : undefined;
  const ticket = enrollmentTicket ?? cli.invocation.env[VARIABLES.ticket.name];
  const variables = variablesOf(variable);
  // What runs a node or reads a configuration is loaded when it is wanted: most commands of the family only ask.
  const configured: typeof createConfigured = async (...asked) => (await import('../config/create-node.ts')).createConfigured(...asked);
  if (inline !== undefined) return configured(cli, { source: { name: '--configuration', text: inline }, name, ticket, variables, options });
  if (file !== undefined) return configured(cli, { source: await readSource(cli, file), name, ticket, variables, options });
  if (variables.size > 0) throw usageError('--variable is for a configuration, and there is none.');
  if (ticket !== undefined) return configured(cli, { source: undefined, name, ticket, variables, options });
  return createPlain(cli, name ?? (await freeNodeName(cli)), options);
}

async function createPlain(cli: Cli, name: string, options: CreateOptions): Promise<string | undefined> {
  if (options.exitOnEof === true && options.foreground !== true) throw usageError('--exit-on-eof needs --foreground.');
  await createAndStart(cli, name, options, async () => {
    if (options.foreground === true) {
      const { runForeground } = await import('../node/foreground.ts');
      await runForeground(cli, name, { isBackground: false, restores: true, exitsOnEof: options.exitOnEof === true });
    } else await startNode(cli, name);
  });
  return options.foreground === true ? undefined : name;
}

async function result(cli: Cli, name: string): Promise<Result> {
  const node = await findNode(cli, name);
  if (node === undefined) throw notFound('Node', name);
  const shown = await showNode(cli, node);
  return {
    plain: [
      `  ✔ Node ${name} was created and answers at ${shown.route.verbose ?? shown.route.short}.`,
      ...(shown.is_default ? [`    It is the default node of this home.`] : []),
      `  > Look at it: ${cli.programName} node show ${name}`,
    ].join('\n'),
    machine: name,
    json: shown,
  };
}
