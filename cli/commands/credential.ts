import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { type Identifier, PosternError } from 'postern';
import { decodeCredential } from 'postern/wire';
import type { Cli } from '../cli.ts';
import { credentialJson, credentialPlain } from '../credential.ts';
import { CommandError, EXIT, notFound, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { identityFor } from '../identity.ts';
import { nodeOrDefault } from '../node/create-node.ts';
import { findNode } from '../node/known.ts';
import type { Doing, Family } from '../program.ts';
import { parseAttribute, parseDuration, parseIdentifierText, parseIdentityName, parseVaultName, repeatable } from '../values.ts';
import { atNode } from './at.ts';
import { listed } from './shared.ts';

const LIFE_MS = 1_800_000;
/** More than any credential with all its attributes has. */
const HEX_DIGITS_MAX = 1_048_576;

const issuerOption = () => new Option('--issuer <IDENTIFIER>', 'who vouches').argParser(parseIdentifierText);
const hexOption = () => new Option('--credential <HEX>', 'the credential itself').conflicts('credentialPath');
const pathOption = () => new Option('--credential-path <FILE>', 'a file that holds its hex');

export function credentialFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('issue')
      .description('Vouch for attributes of somebody: they show it to whoever trusts this identity.')
      .argument('[VAULT]', 'that of the issuer; it is found by itself', parseVaultName)
      .addOption(new Option('--as <NAME>', 'the issuer; the default identity if left out').argParser(parseIdentityName))
      .addOption(new Option('--for <IDENTIFIER>', 'the subject').argParser(parseIdentifierText).makeOptionMandatory())
      .addOption(repeatable('-a, --attribute <KEY=VALUE>', 'what is attested', parseAttribute))
      .addOption(new Option('--encoding <FORM>', 'how it is printed').choices(['plain', 'hex'] as const).default('plain'))
      .addOption(new Option('--ttl <DURATION>', 'for how long it counts').argParser(parseDuration).default(LIFE_MS, '30m'))
      .action(
        doing(async (vault: string | undefined, { as, for: subject, attribute = [], encoding, ttl }) => {
          const named = await identityFor(cli, as, { makes: false });
          if (vault !== undefined && vault !== named.vault)
            throw usageError(`The keys of identity ${named.name} are in vault ${named.vault}, not in ${vault}.`);
          const lifeSeconds = Math.floor(ttl / 1_000);
          if (lifeSeconds < 1) throw usageError('A credential counts for at least one second: give a longer --ttl.');
          const issuer = await (await cli.home()).identity(named);
          const terms = { lifeSeconds, needsHistory: false };
          const bytes = await issuer.issueCredential(subject, Object.fromEntries(attribute), terms);
          const credential = decodeCredential(bytes);
          const text = encoding === 'hex' ? Buffer.from(bytes).toString('hex') : credentialPlain(credential);
          return { machine: text, json: credentialJson(bytes, credential) };
        }),
      ),
    {
      description: 'The subject need not be known here: its identifier is enough.',
      examples: [`credential issue --for I${'0'.repeat(64)} --attribute city="New York" --encoding hex`],
    },
  );

  family
    .command('verify')
    .description('Print whether a credential holds, by what is known of its issuer here.')
    .addOption(issuerOption().makeOptionMandatory())
    .addOption(hexOption())
    .addOption(pathOption())
    .action(
      doing(async ({ issuer, ...given }) => {
        const isValid = await holds(cli, await givenCredential(cli, given), issuer);
        return { plain: isValid ? '  ✔ true' : '  ! false', machine: String(isValid), json: { is_valid: isValid } };
      }),
    );

  family
    .command('store')
    .description('Keep a credential that holds: nodes with that scope present it.')
    .addOption(issuerOption().makeOptionMandatory())
    .addOption(hexOption())
    .addOption(pathOption())
    .requiredOption('--scope <SCOPE>', 'by which nodes find it: node create --credential-scope', parseScope)
    .addOption(atNode())
    .action(
      doing(async ({ issuer, scope, at, ...given }) => {
        const bytes = bytesIn(await givenCredential(cli, given));
        const home = await cli.home();
        const credential = await home.credentials.store(bytes, { issuer, scope }).catch((thrown: unknown) => {
          throw thrown instanceof PosternError ? notVerified(cli, thrown) : thrown;
        });
        await nodeOrDefault(cli, at);
        const hex = Buffer.from(bytes).toString('hex');
        return {
          plain: `  ✔ The credential of ${credential.subject} is stored under scope ${scope}.`,
          machine: hex,
          json: { issuer, credential: hex },
        };
      }),
    );

  explained(
    family
      .command('list')
      .description('List the credentials that are kept here, and whether they hold.')
      .addOption(atNode())
      .addOption(new Option('--subject <IDENTIFIER>', 'of that one only').argParser(parseIdentifierText))
      .addOption(issuerOption())
      .action(
        doing(async ({ at, subject, issuer }) => {
          await findNode(cli, at);
          const items = await keptCredentials(cli, { subject, issuer });
          return listed(
            { title: 'Credential', list: 'credential list', items, nameOf: ({ json }) => json.credential.subject },
            ({ plain }) => plain,
            ({ json }) => json,
          );
        }),
      ),
    { examples: ['credential list'] },
  );

  family
    .command('show')
    .description('Show the newest credential that is kept of a subject.')
    .argument('<SUBJECT>', 'an identifier', parseIdentifierText)
    .addOption(atNode())
    .addOption(issuerOption())
    .option('--scope <SCOPE>', 'of that scope only', parseScope)
    .action(
      doing(async (subject, { at, issuer, scope }) => {
        await findNode(cli, at);
        const items = (await keptCredentials(cli, { subject, issuer })).filter(({ json }) => scope === undefined || json.scope === scope);
        const [newest] = items.toSorted((left, right) => right.json.credential.created_at - left.json.credential.created_at);
        if (newest === undefined) throw notFound('Credential of', subject, `List them: ${cli.programName} credential list`);
        return newest;
      }),
    );
}

async function keptCredentials(
  cli: Cli,
  { subject, issuer }: { readonly subject: Identifier | undefined; readonly issuer: Identifier | undefined },
) {
  const kept = await (await cli.home()).credentials.list();
  return kept
    .filter(({ credential }) => subject === undefined || credential.subject === subject)
    .filter(({ credential }) => issuer === undefined || credential.issuerKey.subject === issuer)
    .map(({ scope, bytes, credential, isVerified }) => ({
      plain: `${credentialPlain(credential)}\nscope ${scope}\n${isVerified ? 'verified' : 'not verified'}`,
      json: { credential: credentialJson(bytes, credential), scope, is_verified: isVerified },
    }));
}

/** @returns false for whatever is no credential of that issuer */
async function holds(cli: Cli, hex: string, issuer: Identifier): Promise<boolean> {
  try {
    await (await cli.home()).credentials.verify(bytesIn(hex), issuer);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof PosternError)) throw thrown;
    // To know why is worth a line: "false" alone leaves an unknown issuer and a wrong byte the same.
    cli.note(thrown.message);
    return false;
  }
}

function notVerified(cli: Cli, cause: Error): CommandError {
  return new CommandError(EXIT.data, `Credential is not verified: ${cause.message}`, {
    cause: cause.cause,
    help: `Is the issuer known here? Import its history: ${cli.programName} identity create NAME --identity HEX`,
  });
}

async function givenCredential(
  cli: Cli,
  { credential, credentialPath }: { readonly credential?: string | undefined; readonly credentialPath?: string | undefined },
): Promise<string> {
  if (credential !== undefined) return credential;
  if (credentialPath === undefined) throw usageError('Give the credential: --credential HEX or --credential-path FILE.');
  const path = resolve(cli.invocation.cwd, credentialPath);
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CommandError(EXIT.input, `The credential cannot be read from ${path}.`, { cause });
  });
}

/** What is no hex gives no bytes, which are no credential. */
function bytesIn(hex: string): Uint8Array {
  const digits = hex.trim();
  return digits.length <= HEX_DIGITS_MAX && /^([0-9a-fA-F]{2})*$/.test(digits)
    ? Uint8Array.from(Buffer.from(digits, 'hex'))
    : new Uint8Array();
}

function parseScope(text: string): string {
  if (text.trim() === '' || text.length > 256) throw usageError('A scope is 1 to 256 characters.');
  return text;
}
