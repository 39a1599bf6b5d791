import type { Cli } from '../cli.ts';
import { identityFor } from '../identity.ts';
import { createAndStart, type CreateOptions, freeNodeName } from '../node/create-node.ts';
import { knownNodes } from '../node/known.ts';
import { checkNotRunning } from '../node/record.ts';
import { deleteNode, startNode } from '../node/start-node.ts';
import { enrollByTicket } from '../project/enrollment.ts';
import { ticketText } from '../ticket.ts';
import { parseNewNodeName } from '../values.ts';
import { runAll } from './create-node.ts';
import { located, misused, type Source } from './place.ts';
import {
  IDENTITIES,
  INLETS,
  itemsOf,
  NODES,
  OUTLETS,
  POLICIES,
  RELAYS,
  type Section,
  textOf,
  titleOf,
  topLevel,
  VAULTS,
} from './sections.ts';
import { type Step, stepOf } from './steps.ts';
import { readTree } from './tree.ts';
import { expandAll } from './variables.ts';

const ENROLL_MS = 240_000;
const BEFORE_ENROLLMENT: readonly Section[] = [VAULTS, IDENTITIES];
const AFTER_NODES: readonly Section[] = [RELAYS, POLICIES, OUTLETS, INLETS];
const SECTIONS: readonly Section[] = [...BEFORE_ENROLLMENT, NODES, ...AFTER_NODES];

/** A node of a recipe. */
interface RecipeNode {
  readonly name: string;
  readonly options: CreateOptions;
  readonly step: Step;
}

/**
 * Makes all that a recipe has: vaults, identities, enrollment, nodes, relays, policies, outlets, inlets. All of it is looked at
 * before the first step.
 * @returns the names of its nodes
 * @throws {CommandError} with the place of what failed; the nodes that this run made are gone then
 * Source: command-line.md 6.6
 */
export async function runRecipe(cli: Cli, source: Source): Promise<readonly string[]> {
  const tree = readTree(expandAll(source, new Map(), cli.invocation.env));
  const known = ['version', 'variables', 'ticket', ...SECTIONS.map(({ key }) => key)];
  const aliases = new Map(SECTIONS.map(({ key, alias }) => [alias, key] as const));
  const top = topLevel(tree, { known, aliases, warn: (text) => cli.warn(text) });
  const stepsOf = async (sections: readonly Section[], node: string | undefined): Promise<readonly Step[]> => {
    const steps: Step[] = [];
    for (const section of sections) {
      const entry = top.get(section.key);
      for (const item of entry === undefined ? [] : itemsOf(section, entry)) steps.push(await stepOf(cli, item, { node }));
    }
    return steps;
  };
  const first = await stepsOf(BEFORE_ENROLLMENT, undefined);
  const nodes = await recipeNodes(cli, await stepsOf([NODES], undefined));
  // What belongs to no node belongs to the only one, or else to the default one of the home.
  const last = await stepsOf(AFTER_NODES, nodes.length === 1 ? nodes[0]?.name : undefined);
  for (const { name, step } of nodes) await checkNotRunning(cli, name).catch((thrown: unknown) => fail(step, thrown));
  const entry = top.get('ticket');
  const ticket = entry === undefined ? undefined : await ticketText(cli, textOf(entry), { isOnLine: false });

  await runAll(cli, first);
  if (ticket !== undefined) {
    const identity = await identityFor(cli, undefined, { makes: true });
    const { project } = await enrollByTicket(cli, identity, ticket, { timeoutMs: ENROLL_MS, makesDefault: false });
    cli.project = project.name;
  }
  await startAll(cli, nodes, last);
  return nodes.map(({ name }) => name);
}

async function recipeNodes(cli: Cli, steps: readonly Step[]): Promise<readonly RecipeNode[]> {
  const nodes: RecipeNode[] = [];
  for (const step of steps) {
    const [given, { launchConfig, ...options }] = step.parsed.given as readonly [
      string | undefined,
      CreateOptions & { readonly launchConfig?: string },
    ];
    const { item } = step;
    const wrong = item.entries.find(({ key }) => ['foreground', 'f', 'configuration', 'node-config', 'enrollment-ticket'].includes(key));
    if (wrong !== undefined) throw misused(wrong.place, `${titleOf(item)}: ${wrong.key} has no place in a recipe.`);
    try {
      const name = given === undefined ? await freeNodeName(cli) : parseNewNodeName(given);
      nodes.push({ name, options: launchConfig === undefined ? options : { ...options, launchConfiguration: launchConfig }, step });
    } catch (thrown) {
      fail(step, thrown);
    }
  }
  return nodes;
}

function fail({ item }: Step, thrown: unknown): never {
  throw located(thrown, item.place, titleOf(item));
}

async function startAll(cli: Cli, nodes: readonly RecipeNode[], then: readonly Step[]): Promise<void> {
  const { nodes: records } = (await cli.home()).state;
  const made: string[] = [];
  try {
    for (const { name, options, step } of nodes) {
      const wasThere = (await records.get(name)) !== undefined;
      const trusted = options.project ?? (options.authorityIdentity === undefined ? cli.project : undefined);
      await createAndStart(cli, name, { ...options, project: trusted }, async () => {
        await startNode(cli, name);
      }).catch((thrown: unknown) => fail(step, thrown));
      if (!wasThere) made.push(name);
    }
    await runAll(cli, then);
  } catch (thrown) {
    for (const node of await knownNodes(cli)) if (made.includes(node.name)) await deleteNode(cli, node);
    throw thrown;
  }
}
