import type { Cli } from '../cli.ts';
import type { CreateOptions } from '../node/create-node.ts';
import { grammarOf } from './command.ts';
import type { Place, Source } from './place.ts';
import { INLETS, itemsOf, OUTLETS, POLICIES, RELAYS, type Section, textOf, topLevel } from './sections.ts';
import { type Step, parsedAt, stepOf, wordsOf } from './steps.ts';
import { type Entry, readTree } from './tree.ts';
import { expandAll } from './variables.ts';

/** Each step after those before it. Source: command-line.md 6.3 */
const SECTIONS: readonly Section[] = [POLICIES, RELAYS, OUTLETS, INLETS];

/** A key of the node, and those options of the command line beside which it counts no more. Source: command-line.md 6.1, 6.5 */
const NODE_KEYS: Readonly<Record<string, readonly (keyof CreateOptions)[]>> = {
  identity: ['identity'],
  project: ['project', 'authorityIdentity'],
  'authority-identity': ['project', 'authorityIdentity'],
  'authority-route': ['project', 'authorityIdentity', 'authorityRoute'],
  'credential-scope': ['project', 'authorityIdentity', 'credentialScope'],
  'tcp-listener-address': ['tcpListenerAddress'],
  'http-server': ['httpServer', 'enableHttpServer', 'httpServerPort'],
  'http-server-port': ['httpServer', 'enableHttpServer', 'httpServerPort'],
  'skip-is-running-check': ['skipIsRunningCheck'],
  foreground: ['foreground'],
  'exit-on-eof': ['exitOnEof'],
  'launch-configuration': ['launchConfiguration'],
};
/** Keys that mean nothing, and are no mistake. */
const IGNORED = ['version', 'variables', 'opentelemetry-context', 'child-process'];

const ALIASES = new Map([
  ['enable-http-server', 'http-server'],
  ['launch-config', 'launch-configuration'],
  ...SECTIONS.map(({ key, alias }) => [alias, key] as const),
]);

/** A node and what is made on it, as a configuration has it. Nothing of it was done yet. */
export interface NodeConfiguration {
  readonly name: string | undefined;
  readonly ticket: string | undefined;
  readonly options: CreateOptions;
  /** Parses the sections for a node of that name. @throws {CommandError} for what a command would not take */
  steps(node: string): Promise<readonly Step[]>;
}

/**
 * Reads a configuration of one node.
 * @param line the options of the command line: they win over the file
 * @throws {CommandError} with the place, the section and the item
 */
export async function readNodeConfiguration(
  cli: Cli,
  source: Source,
  variables: ReadonlyMap<string, string>,
  line: CreateOptions,
): Promise<NodeConfiguration> {
  const tree = readTree(expandAll(source, variables, cli.invocation.env));
  const known = ['name', 'ticket', ...Object.keys(NODE_KEYS), ...SECTIONS.map(({ key }) => key), ...IGNORED];
  const top = topLevel(tree, { known, aliases: ALIASES, warn: (text) => cli.warn(text) });
  const ofNode = [...top].filter(([key]) => NODE_KEYS[key]?.every((option) => line[option] === undefined) === true);
  const text = (key: string) => {
    const entry = top.get(key);
    return entry === undefined ? undefined : textOf(entry);
  };
  return {
    name: text('name'),
    ticket: text('ticket'),
    options: await nodeOptions(cli, new Map(ofNode), tree.place),
    steps: async (node) => {
      const steps: Step[] = [];
      for (const section of SECTIONS) {
        const entry = top.get(section.key);
        for (const item of entry === undefined ? [] : itemsOf(section, entry)) steps.push(await stepOf(cli, item, { node }));
      }
      return steps;
    },
  };
}

/** As the command itself reads them. */
async function nodeOptions(cli: Cli, given: ReadonlyMap<string, Entry>, place: Place): Promise<CreateOptions> {
  const command = ['node', 'create'] as const;
  const grammar = await grammarOf(cli, command);
  const entries = [...given].map(([key, entry]) => ({ ...entry, key }));
  const words = wordsOf(grammar, entries, 'node', command);
  const parsed = await parsedAt(grammar, words, { title: 'node', place, entries, help: `See '${cli.programName} node create --help'.` });
  const [, options] = parsed.given;
  return options as CreateOptions;
}
