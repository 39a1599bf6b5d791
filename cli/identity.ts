import type { NamedIdentity } from 'postern/manager';
import type { Cli } from './cli.ts';
import { CommandError, EXIT } from './failure.ts';

/**
 * The named identity, or the default one.
 * @param makes whether one that is missing is made; the default one always is
 * @throws {HomeError} `IDENTITY_UNKNOWN`
 */
export async function identityFor(cli: Cli, name: string | undefined, { makes }: { readonly makes: boolean }): Promise<NamedIdentity> {
  const home = await cli.home();
  const known = await home.names.identities();
  const found = known.find((each) => (name === undefined ? each.isDefault : each.name === name));
  if (found !== undefined) return found;
  if (name !== undefined && !makes)
    throw new CommandError(EXIT.failure, `Identity ${JSON.stringify(name)} was not found.`, {
      code: 'P404',
      help: `Make it: ${cli.programName} identity create ${name}`,
    });
  const hadVault = (await home.names.vaults()).length > 0;
  const made = await home.createIdentity({ name });
  if (!hadVault) cli.note(`Vault ${made.vault} was created.`);
  if (made.isNew) cli.note(`Identity ${made.name} was generated: ${made.identifier}`);
  return made;
}
