import type { Cli } from '../cli.ts';
import { explained } from '../help.ts';
import type { Doing, Family } from '../program.ts';
import { REVISION, VERSION } from '../version.ts';

export function versionVerb(verb: Family, _cli: Cli, doing: Doing): void {
  explained(
    verb.action(
      doing(() =>
        Promise.resolve({
          plain: `postern ${VERSION}\n${REVISION}`,
          machine: `postern ${VERSION}\n${REVISION}`,
          json: { version: VERSION, hash: REVISION },
        }),
      ),
    ),
    { description: 'The second line is the commit that was built.', examples: ['version', 'version --jq .version'] },
  );
}
