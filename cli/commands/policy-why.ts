import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { RESOURCE_TYPES } from 'postern';
import { readDecisions } from 'postern/manager';
import * as z from 'zod';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, notFound, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import type { NodeAnswer } from '../node/calls.ts';
import { findNode, runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import { decisionFile, statusOf } from '../node/settings.ts';
import { checkedPolicy, selectorOf } from '../policy.ts';
import { asMember } from '../project/as-member.ts';
import type { Doing, Family } from '../program.ts';
import { parseAttribute, parseCount, parseIdentifierText, parseIdentityName, repeatable } from '../values.ts';
import { atNode } from './at.ts';
import { listed } from './shared.ts';

type Denial = NodeAnswer<'policy.log'>[number];

/** As `project-member list --output json` prints them; also attributes alone. */
const memberFile = z.array(
  z.object({
    identifier: z.string().regex(/^I[0-9a-f]{64}$/),
    attributes: z.union([z.object({ attributes: z.record(z.string(), z.string()) }), z.record(z.string(), z.string())]).nullable(),
  }),
);

/** Why somebody may or may not, and what a change would do. Source: decisions.md D10 to D12, E6 */
export function whyVerbs(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('explain')
      .description('Say how a policy decides about somebody, why, and what would turn it.')
      .argument('[RESOURCE]', 'an outlet, an inlet or a service')
      .argument('[IDENTIFIER]', 'who', parseIdentifierText)
      .option('--denial <NUMBER>', 'instead: one of policy log, as it was then', parseCount)
      .addOption(repeatable('-a, --attribute <KEY=VALUE>', 'as if this was attested; by default what is attested now', parseAttribute))
      .option('--no-credential', 'as if nothing was attested')
      .addOption(atNode())
      .action(
        doing(async (resource: string | undefined, identifier, { denial, attribute, credential, at }) => {
          const node = await runningNode(cli, at);
          const explanation = await askWhy(cli, node, { resource, identifier, denial, attribute, hasCredential: credential });
          const { text, ...json } = explanation;
          return { plain: text.trimEnd(), json };
        }),
      ),
    {
      examples: [`policy explain outlet I${'0'.repeat(64)} --attribute role=dba`, 'policy explain --denial 1'],
    },
  );

  explained(
    family
      .command('plan')
      .description('Say who reaches what, and whom a change would let in or keep out. Nothing is changed.')
      .addOption(new Option('--resource-type <TYPE>', 'a change: of that type').choices(RESOURCE_TYPES).conflicts('resource'))
      .option('--resource <NAME>', 'a change: of the resource of that name')
      .option('--allow <EXPRESSION>', 'the new policy')
      .option('--delete', 'a change: without its policy')
      .option('--members <FILE>', "of whom, as project-member list prints them as JSON; by default the project's members")
      .addOption(new Option('--identity <NAME>', 'who asks the project').argParser(parseIdentityName))
      .addOption(atNode())
      .action(
        doing(async ({ resourceType, resource, allow, delete: isDeleted, members: file, identity, at }) => {
          const name = resourceType ?? resource;
          if (name === undefined && (allow !== undefined || isDeleted === true))
            throw usageError('Say of what: --resource-type TYPE or --resource NAME.');
          if (name !== undefined && (allow === undefined) === (isDeleted !== true)) throw usageError('Give either --allow or --delete.');
          const expression = allow === undefined ? null : checkedPolicy(cli, allow);
          const node = await runningNode(cli, at);
          const members = file === undefined ? await membersOfProject(cli, identity) : await membersIn(cli, file);
          const changes = name === undefined ? [] : [{ selector: selectorOf(name), expression }];
          const plan = await askNode(cli, node, 'policy.plan', { members, changes });
          return { plain: planPlain(plan), json: plan };
        }),
      ),
    { examples: [`policy plan --resource-type tcp-outlet --allow '(= subject.role "dba")'`] },
  );

  explained(
    family
      .command('log')
      .description('List what policies of a node have denied, the latest first.')
      .addOption(atNode())
      .action(
        doing(async ({ at }) => {
          const items = await denials(cli, at);
          return listed({ title: 'Denial', list: 'policy log', items, nameOf: ({ number }) => String(number) }, denialPlain);
        }),
      ),
    { description: 'What a node has written down is listed also after it has stopped.', examples: ['policy log'] },
  );
}

interface Why {
  readonly resource: string | undefined;
  readonly identifier: string | undefined;
  readonly denial: number | undefined;
  readonly attribute: readonly (readonly [string, string])[] | undefined;
  readonly hasCredential: boolean;
}

function askWhy(cli: Cli, node: string, { resource, identifier, denial, attribute, hasCredential }: Why) {
  if (denial !== undefined) {
    if (resource !== undefined) throw usageError('--denial says all: leave out resource and identifier.');
    return askNode(cli, node, 'policy.explain-denial', { number: denial });
  }
  if (resource === undefined || identifier === undefined) throw usageError('Give RESOURCE and IDENTIFIER, or --denial NUMBER.');
  if (!hasCredential && attribute !== undefined) throw usageError('--attribute does not go with --no-credential.');
  const attributes = hasCredential ? attribute && Object.fromEntries(attribute) : null;
  return askNode(cli, node, 'policy.explain', { resource, identifier, ...(attributes !== undefined && { attributes }) });
}

async function denials(cli: Cli, at: string | undefined): Promise<readonly Denial[]> {
  const node = await findNode(cli, at);
  if (node === undefined) {
    if (at !== undefined) throw notFound('Node', at, `Make it: ${cli.programName} node create ${at}`);
    return [];
  }
  if ((await statusOf(node)) === 'running') return askNode(cli, node.name, 'policy.log', {});
  return [...(await readDecisions(decisionFile(cli, node.name)))];
}

async function membersOfProject(cli: Cli, identity: string | undefined) {
  return asMember(cli, { identity, project: undefined }, async (authority) =>
    [...(await authority.members())].map(([identifier, { attributes }]) => ({ identifier, attributes: Object.fromEntries(attributes) })),
  );
}

async function membersIn(cli: Cli, file: string) {
  const path = resolve(cli.invocation.cwd, file);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CommandError(EXIT.input, `The members cannot be read from ${path}.`, { cause });
  });
  try {
    return memberFile
      .parse(JSON.parse(text))
      .map(({ identifier, attributes }) => ({ identifier, attributes: plainAttributes(attributes) }));
  } catch (cause) {
    throw new CommandError(EXIT.data, `${path} holds no list of members.`, {
      cause,
      help: `Write one: ${cli.programName} project-member list --output json`,
    });
  }
}

function plainAttributes(given: z.infer<typeof memberFile>[number]['attributes']): Record<string, string> | null {
  if (given === null) return null;
  const { attributes } = given;
  return typeof attributes === 'object' ? attributes : (given as Record<string, string>);
}

function planPlain({ reach, turned }: NodeAnswer<'policy.plan'>): string {
  const now = reach.map(({ resource, identifier, allowed, reason }) => `    ${allowed ? '✔' : '✘'} ${resource} ${identifier}: ${reason}`);
  const changes = turned.map(({ resource, identifier, gains }) => `  ! ${identifier} ${gains ? 'gains' : 'loses'} ${resource}`);
  return [...now, ...(changes.length === 0 ? ['    Nothing turns.'] : changes)].join('\n');
}

const denialPlain = ({ number, last_at, count, resource, direction, identifier, reason, expression }: Denial) =>
  [
    `${number}: ${resource} (${direction}), ${count} times, last at ${new Date(last_at * 1_000).toISOString()}`,
    identifier ?? 'nobody: it came through no secure channel',
    ...(expression === null ? [] : [expression]),
    reason,
  ].join('\n');
