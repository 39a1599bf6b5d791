import { Option } from '@commander-js/extra-typings';
import type { NamedIdentity } from 'postern/manager';
import { importChangeHistory, nodeCrypto } from 'postern/wire';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { historyHex, historyJson, historyPlain } from '../history.ts';
import { identityFor } from '../identity.ts';
import type { Doing, Family } from '../program.ts';
import { parseIdentityName, parseVaultName } from '../values.ts';
import { deleted, type Kind, listed, shown } from './shared.ts';

async function identityKind(cli: Cli): Promise<Kind<NamedIdentity>> {
  const items = await (await cli.home()).names.identities();
  return {
    title: 'Identity',
    list: 'identity list',
    items,
    nameOf: ({ name }) => name,
    fallback: items.find(({ isDefault }) => isDefault),
  };
}

export const namedIdentity = ({ identifier, name, vault, isDefault }: NamedIdentity) => ({
  identifier,
  name,
  vault_name: vault,
  is_default: isDefault,
});

export function identityFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Make an identity, or take one up by its history.')
      .argument('[NAME]', 'two words at random if left out', parseIdentityName)
      .option('--vault <NAME>', 'where its keys are; made when it does not exist', parseVaultName)
      .addOption(new Option('--identity <HEX>', 'the exported history of an identity whose key is in the vault').conflicts('keyId'))
      .addOption(new Option('-k, --key-id <ID>').hideHelp())
      .action(
        doing(async (name: string | undefined, { vault, identity, keyId }) => {
          if (keyId !== undefined) throw usageError('--key-id is for vaults of a key management service, which are not there yet.');
          const made = await (await cli.home()).createIdentity({
            name,
            vault,
            history: identity === undefined ? undefined : historyOf(identity),
          });
          const what = made.isNew ? (identity === undefined ? 'was generated' : 'was imported') : 'is there already';
          return {
            plain: `  ✔ Identity ${made.name} ${what}: ${made.identifier}`,
            ...(identity === undefined && { machine: made.identifier, json: { identifier: made.identifier } }),
          };
        }),
      ),
    { examples: ['identity create', 'identity create alice'] },
  );

  explained(
    family
      .command('show')
      .description('Print the identifier of an identity, or its history.')
      .argument('[NAME]', 'the default identity if left out', parseIdentityName)
      .option('-f, --full', 'its history: one change after another')
      .addOption(new Option('--encoding <FORM>', 'how the history is printed; needs --full').choices(['plain', 'hex'] as const))
      .action(
        doing(async (name: string | undefined, { full, encoding }) => {
          if (encoding !== undefined && full !== true) throw usageError('--encoding needs --full.');
          return shown(cli, await identityKind(cli), name, async ({ identifier }) => {
            if (full !== true) return { machine: identifier, json: { identifier } };
            const history = await (await cli.home()).repository.history(identifier);
            if (history === undefined) throw new CommandError(EXIT.configuration, `The history of ${identifier} is gone.`);
            if (encoding === 'hex') return { machine: historyHex(history), json: { encoded: historyHex(history) } };
            return { machine: historyPlain(history), json: historyJson(history) };
          });
        }),
      ),
    { examples: ['identity show', 'identity show --full'] },
  );

  explained(
    family
      .command('list')
      .description('List the identities of this home.')
      .action(
        doing(async () =>
          listed(
            await identityKind(cli),
            ({ name, identifier, vault, isDefault }) => `${name}${isDefault ? ' (default)' : ''}\n${identifier}\nvault ${vault}`,
            namedIdentity,
          ),
        ),
      ),
    { examples: ['identity list'] },
  );

  family
    .command('delete')
    .description('Forget an identity; its keys stay in the vault.')
    .argument('[NAME]', '', parseIdentityName)
    .option('--all', 'every identity')
    .option('-y, --yes', 'do not ask')
    .action(
      doing(async (name: string | undefined, options) => {
        const home = await cli.home();
        return deleted(cli, await identityKind(cli), name, options, (each) => home.deleteIdentity(each.name));
      }),
    );

  family
    .command('default')
    .description('Print the default identity, or choose it.')
    .argument('[NAME]', '', parseIdentityName)
    .action(
      doing(async (name: string | undefined) => {
        const found = await identityFor(cli, name, { makes: false });
        const isThe = `The name of the default identity is '${found.name}'`;
        if (name === undefined) return { plain: `    ${isThe}`, machine: isThe };
        if (found.isDefault) throw new CommandError(EXIT.failure, `The identity named '${name}' is already the default`, { code: 'P409' });
        await (await cli.home()).names.setDefaultIdentity(name);
        return { plain: `  ✔ The identity named '${name}' is the default now.`, machine: name };
      }),
    );
}

function historyOf(hex: string): Uint8Array {
  const help = "Copy what 'identity show --full --encoding hex' printed for it.";
  if (!/^([0-9a-fA-F]{2})+$/.test(hex)) throw new CommandError(EXIT.data, 'The history of an identity is given in hex.', { help });
  const bytes = Buffer.from(hex, 'hex');
  try {
    importChangeHistory(nodeCrypto, bytes);
    return bytes;
  } catch (cause) {
    throw new CommandError(EXIT.data, 'This is no history of an identity that holds.', { cause, help });
  }
}
