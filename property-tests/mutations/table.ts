import { mutations } from './mutations.ts';

/** What docs/mutations.md says: all of it follows from the list. */
export function mutationsPage(): string {
  const scenarios = [...new Set(mutations.map(({ scenario }) => scenario))];
  const areas = [...new Set(mutations.map(({ area }) => area))];
  return `# Checks taken away

Would the simulations notice if a check of the product were missing? \`npm run mutate\` takes the checks below out of the sources, one
at a time and in a copy, and runs the scenario that should notice. It has to fail, and for the reason that is said here. Untouched,
each of the ${scenarios.length} scenarios in \`property-tests/mutations/scenarios/\` holds, and does the same twice. They are written with
\`postern/simulation\` alone: worlds, hops of an enemy, invariants.

**${mutations.length} of ${mutations.length} are caught.**

${areas.map(tableOf).join('\n\n')}

Some checks stand twice, so that one of them alone can be taken away without harm, and they are not in the list: a frame that is too
short for its tag is refused by the opener and by the cipher, a credential of another authority by its verification and by the policy,
a key of another purpose by its purpose and by its form.

This page is written by \`npm run mutate -- --write\` once all are caught, and a test compares it. A test also checks that every text to
be taken away still stands in the sources, and takes three away, other ones whenever a mutated source changes.
`;
}

function tableOf(area: string): string {
  const rows = mutations
    .filter((mutation) => mutation.area === area)
    .map(({ check, file, scenario, caughtBy }) => `| ${check} | \`${file}\` | ${scenario} | ${caughtBy} |`);
  return [
    `## ${area[0]?.toUpperCase()}${area.slice(1)}`,
    '',
    '| check | file | scenario | what it says |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
