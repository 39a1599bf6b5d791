import type { Cli } from '../cli.ts';
import { IGNORED_VARIABLES, valueOf, type Variable, VARIABLES } from '../environment.ts';
import { explained } from '../help.ts';
import type { Doing, Family } from '../program.ts';

export function environmentVerb(verb: Family, cli: Cli, doing: Doing): void {
  explained(
    verb.action(
      doing(() => {
        const variables = Object.values<Variable>(VARIABLES);
        const blocks = variables.map((variable) => {
          const { name, alias, meaning, default: fallback } = variable;
          return [
            `${name}${valueOf(variable, cli.invocation.env) === undefined ? '' : ' (set)'}`,
            `    ${meaning}`,
            `    [default: ${fallback}]${alias === undefined ? '' : ` [or: ${alias}]`}`,
          ].join('\n');
        });
        return Promise.resolve({
          plain: [...blocks, `Taken, without effect: ${IGNORED_VARIABLES.join(', ')}.`].join('\n'),
          json: variables.map(({ name, alias, meaning, default: fallback }) => ({
            name,
            alias: alias ?? null,
            meaning,
            default: fallback,
          })),
        });
      }),
    ),
    {
      description: 'A variable of the second name counts where the first one is not set.',
      examples: ['environment', 'environment --jq .[].name'],
    },
  );
}
