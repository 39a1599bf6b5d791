import { Option } from '@commander-js/extra-typings';
import { RESOURCE_TYPES } from 'postern';
import type { Cli } from '../cli.ts';
import { usageError } from '../failure.ts';
import { explained } from '../help.ts';
import type { NodeAnswer } from '../node/calls.ts';
import { nodeOrDefault } from '../node/create-node.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import { isType, neededPolicy, selectorOf } from '../policy.ts';
import { whyVerbs } from './policy-why.ts';
import type { Doing, Family } from '../program.ts';
import { confirmed } from '../prompts.ts';
import { allowOption, atNode } from './at.ts';
import { listed } from './shared.ts';

type Policy = NodeAnswer<'policy.set'>;

const policyPlain = ({ resource, expression }: Policy) => `${resource}\n${expression}`;

export function policyFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Set the policy of a resource, or of a type of resources.')
      .addOption(new Option('--resource-type <TYPE>', 'all resources of that type').choices(RESOURCE_TYPES).conflicts('resource'))
      .option('--resource <NAME>', 'the resource of that name')
      .addOption(allowOption())
      .addOption(new Option('--expression <EXPRESSION>', 'as --allow').conflicts('allow'))
      .addOption(atNode())
      .action(
        doing(async ({ resourceType, resource, at, ...given }) => {
          const name = resourceType ?? resource;
          if (name === undefined) throw usageError('Say of what: --resource-type TYPE or --resource NAME.');
          if (resource !== undefined && isType(resource)) cli.warn(`${resource} is a type: write --resource-type ${resource}.`);
          const expression = neededPolicy(cli, given);
          const node = await nodeOrDefault(cli, at);
          const policy = await askNode(cli, node, 'policy.set', { selector: selectorOf(name), expression });
          return { plain: `  ✔ Policy of ${policy.resource} on node ${node}: ${policy.expression}` };
        }),
      ),
    {
      examples: [
        `policy create --resource-type tcp-outlet --allow '(= subject.postgres-inlet "true")'`,
        'policy create --resource outlet --allow postgres-inlet',
      ],
    },
  );

  family
    .command('show')
    .description('Show the policy of a resource, or of a type.')
    .argument('[RESOURCE]', 'tcp-outlet if left out')
    .addOption(atNode())
    .action(
      doing(async (resource: string | undefined = 'tcp-outlet', { at }) => {
        const policies = await askNode(cli, await runningNode(cli, at), 'policy.list', {});
        const found = policies.find((policy) => policy.resource === resource);
        return found === undefined
          ? { plain: `    ${resource} has no policy of its own.`, json: [] }
          : { plain: policyPlain(found), json: found };
      }),
    );

  explained(
    family
      .command('list')
      .description('List the policies of a node.')
      .argument('[RESOURCE]', 'of that resource only')
      .addOption(atNode())
      .action(
        doing(async (resource: string | undefined, { at }) => {
          const all = await askNode(cli, await runningNode(cli, at), 'policy.list', {});
          const items = resource === undefined ? all : all.filter((policy) => policy.resource === resource);
          return listed({ title: 'Policy', list: 'policy list', items, nameOf: (policy) => policy.resource }, policyPlain);
        }),
      ),
    { examples: ['policy list'] },
  );

  family
    .command('delete')
    .description('Delete a policy: that of its type counts then, or nobody may.')
    .argument('<RESOURCE>')
    .addOption(atNode())
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (resource: string, { at, yes = false }) => {
        const node = await runningNode(cli, at);
        const policies = await askNode(cli, node, 'policy.list', {});
        if (!policies.some((policy) => policy.resource === resource))
          return { plain: `    ${resource} has no policy of its own.`, json: [] };
        if (!(await confirmed(cli, `Delete the policy of ${resource}?`, { yes }))) return { plain: '    Nothing was deleted.' };
        await askNode(cli, node, 'policy.delete', { selector: selectorOf(resource) });
        return { plain: `  ✔ The policy of ${resource} was deleted.` };
      }),
    );

  whyVerbs(family, cli, doing);
}
