import type { Cli } from '../cli.ts';
import { usageError } from '../failure.ts';
import { LATER } from '../later.ts';
import type { Doing, Family } from '../program.ts';

/** What to do instead, where there is something. */
const INSTEAD: Readonly<Record<string, string>> = {
  influxdb: 'A plain portal reaches InfluxDB: see tcp-outlet and tcp-inlet.',
  lease: 'A plain portal reaches InfluxDB: see tcp-outlet and tcp-inlet.',
  kafka: 'A plain portal reaches a broker: see tcp-outlet and tcp-inlet.',
};

/** Takes whatever is said, and says that it is not there. */
export function laterFamily(family: Family, _cli: Cli, doing: Doing): void {
  const name = family.name();
  family
    .argument('[VERB...]', '')
    .allowUnknownOption()
    .action(
      doing(() => {
        const help = INSTEAD[name.split('-')[0] ?? ''] ?? 'Nothing here takes its place.';
        return Promise.reject(usageError(`'${name}' is not part of this version: ${LATER[name] ?? name} may come later.`, help));
      }),
    );
}
