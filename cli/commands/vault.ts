import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import type { NamedVault } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { usageError } from '../failure.ts';
import { explained } from '../help.ts';
import type { Doing, Family } from '../program.ts';
import { parseVaultName } from '../values.ts';
import { deleted, type Kind, listed, shown } from './shared.ts';

async function vaultKind(cli: Cli): Promise<Kind<NamedVault>> {
  const items = await (await cli.home()).names.vaults();
  return { title: 'Vault', list: 'vault list', items, nameOf: ({ name }) => name, fallback: items.length === 1 ? items[0] : undefined };
}

/** Source: command-line.md 2.3 */
const vaultJson = ({ name, path, isDefault }: NamedVault) => ({
  vault: {
    name,
    vault_type: path === undefined ? { DatabaseVault: { use_aws_kms: 'No' } } : { LocalFileVault: { path, use_aws_kms: 'No' } },
    is_default: isDefault,
  },
});

const vaultPlain = ({ name, path, isDefault }: NamedVault) =>
  `${name}${isDefault ? ' (default)' : ''}\n${path ?? 'in the database of this home'}`;

export function vaultFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Make a vault.')
      .argument('[NAME]', '"default" for the first, else two words at random', parseVaultName)
      .option('--path <FILE>', 'a file of its own there')
      .addOption(new Option('--aws-kms').hideHelp())
      .action(
        doing(async (name: string | undefined, { path, awsKms }) => {
          if (awsKms === true) throw usageError('Vaults of a key management service are not there yet.');
          const file = path === undefined ? undefined : resolve(cli.invocation.cwd, path);
          const made = await (await cli.home()).createVault({ name, path: file });
          return {
            plain: `  ✔ Vault ${made.name} was created${made.path === undefined ? ' in the database of this home' : `: ${made.path}`}.`,
            machine: made.name,
            json: { name: made.name },
          };
        }),
      ),
    { examples: ['vault create', 'vault create second'] },
  );

  explained(
    family
      .command('show')
      .description('Show a vault.')
      .argument('[NAME]', 'may be left out where there is one', parseVaultName)
      .action(
        doing(async (name: string | undefined) =>
          shown(cli, await vaultKind(cli), name, (vault) => ({ plain: vaultPlain(vault), machine: vault.name, json: vaultJson(vault) })),
        ),
      ),
    { examples: ['vault show', 'vault show --jq .vault.name'] },
  );

  explained(
    family
      .command('list')
      .description('List the vaults of this home.')
      .action(doing(async () => listed(await vaultKind(cli), vaultPlain, vaultJson))),
    { examples: ['vault list'] },
  );

  family
    .command('move')
    .description('Move a vault to another file.')
    .argument('<NAME>', '', parseVaultName)
    .requiredOption('--path <FILE>', 'where it shall be; nothing may be there')
    .action(
      doing(async (name: string, { path }) => {
        const file = resolve(cli.invocation.cwd, path);
        await (await cli.home()).moveVault(name, file);
        return { plain: `  ✔ Vault ${name} is in ${file} now.` };
      }),
    );

  family
    .command('delete')
    .description('Delete a vault with the keys in it.')
    .argument('[NAME]', '', parseVaultName)
    .option('--all', 'every vault')
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (name: string | undefined, options) => {
        const home = await cli.home();
        return deleted(cli, await vaultKind(cli), name, options, (vault) => home.deleteVault(vault.name));
      }),
    );
}
