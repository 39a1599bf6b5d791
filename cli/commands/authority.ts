import { Option } from '@commander-js/extra-typings';
import { mkdir } from 'node:fs/promises';
import * as z from 'zod';
import type { Cli } from '../cli.ts';
import { valueOf, VARIABLES } from '../environment.ts';
import { CommandError, EXIT, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { identityFor } from '../identity.ts';
import { runForeground } from '../node/foreground.ts';
import type { AuthoritySettings } from '../node/settings.ts';
import { writeNode } from '../node/record.ts';
import { startNode } from '../node/start-node.ts';
import type { Doing, Family } from '../program.ts';
import { identifierOfHistory } from '../project/identifiers.ts';
import { parseDuration, parseHostPort, parseIdentityName, parseNodeName } from '../values.ts';

const DEFAULT_NAME = 'authority';
const DEFAULT_LISTEN = '127.0.0.1:4000';

const trusted = z.record(z.string().regex(/^I[0-9a-f]{64}$/), z.record(z.string(), z.string()));

export function authorityFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Start a membership authority: it knows members, and issues credentials.')
      .argument('[NAME]', 'of its node [default: authority]', parseNodeName)
      .requiredOption('--project-identifier <ID>', 'goes into credentials')
      .requiredOption('--trusted-identities <JSON>', 'members from the start: {IDENTIFIER: {KEY: VALUE}}; may be {}')
      .addOption(
        new Option('-t, --tcp-listener-address <HOST:PORT>', 'where members dial').argParser(parseHostPort).default(DEFAULT_LISTEN),
      )
      .addOption(
        new Option('--identity <NAME>', 'of the authority; made when it is missing').argParser(parseIdentityName).default(DEFAULT_NAME),
      )
      .option('-f, --foreground', 'stay here until it ends')
      .option('-s, --skip-is-running-check', 'take over from a node of this name that seems to run')
      .option('--no-direct-authentication', 'no adding and listing of members')
      .option('--no-token-enrollment', 'no tickets')
      .option('--account-authority <HEX>', 'the history of an identity that names administrators')
      .option('--enforce-admin-checks', 'enrollers are no administrators; needs --account-authority')
      .option('--disable-trust-context-id', 'leave the project id out of credentials')
      .addOption(new Option('--child-process').hideHelp())
      .addOption(new Option('--project-identity-identifier-file <FILE>').hideHelp())
      .addOption(new Option('--project-access-route <ROUTE>').hideHelp())
      .addOption(new Option('--tenant-base-url <URL>').hideHelp())
      .addOption(new Option('--certificate <PEM>').hideHelp())
      .addOption(new Option('--attributes <NAMES>').hideHelp())
      .action(
        doing(async (given: string | undefined, options) => {
          const name = given ?? DEFAULT_NAME;
          if (options.tenantBaseUrl !== undefined || options.certificate !== undefined || options.attributes !== undefined)
            throw usageError('Sign-in by Okta is not there yet: leave out --tenant-base-url, --certificate and --attributes.');
          if (options.childProcess === true) {
            await runForeground(cli, name, { isBackground: true, restores: true });
            return undefined;
          }
          const authority = await authoritySettings(cli, options);
          const { name: identity } = await identityFor(cli, options.identity, { makes: true });
          await writeNode(
            cli,
            name,
            { identity, listen: options.tcpListenerAddress, trust: { kind: 'none' }, verbosity: cli.verbosity, authority },
            { ignoresRunning: options.skipIsRunningCheck === true },
          );
          if (options.foreground === true) {
            // Its members are kept there.
            await mkdir(cli.path('nodes', name), { recursive: true, mode: 0o700 });
            await runForeground(cli, name, { isBackground: false, restores: true });
            return undefined;
          }
          await startNode(cli, name);
          return {};
        }),
      ),
    {
      description:
        'An authority alone, without a relay service; a project has one of its own. It is a node of this home, and takes channels at /service/api only.',
      examples: ['authority create --project-identifier p1 --trusted-identities {} --tcp-listener-address 127.0.0.1:4200'],
    },
  );
}

interface AuthorityOptions {
  readonly projectIdentifier: string;
  readonly trustedIdentities: string;
  readonly directAuthentication: boolean;
  readonly tokenEnrollment: boolean;
  readonly accountAuthority?: string | undefined;
  readonly enforceAdminChecks?: true | undefined;
  readonly disableTrustContextId?: true | undefined;
}

async function authoritySettings(cli: Cli, options: AuthorityOptions): Promise<AuthoritySettings> {
  if (options.projectIdentifier === '') throw usageError('--project-identifier is empty.');
  const { accountAuthority } = options;
  if (accountAuthority !== undefined) await identifierOfHistory(cli, accountAuthority);
  const lifeSeconds = lifeFrom(cli);
  return {
    project: options.projectIdentifier,
    trusted: trustedIn(options.trustedIdentities),
    ...(accountAuthority !== undefined && { accountAuthority }),
    enforcesAdminChecks: options.enforceAdminChecks === true,
    hasDirectAuthentication: options.directAuthentication,
    hasTokens: options.tokenEnrollment,
    hasTrustContextId: options.disableTrustContextId !== true,
    ...(lifeSeconds !== undefined && { credentialLifeSeconds: lifeSeconds }),
  };
}

function trustedIn(text: string): AuthoritySettings['trusted'] {
  try {
    return trusted.parse(JSON.parse(text));
  } catch (cause) {
    throw new CommandError(EXIT.data, '--trusted-identities is no JSON of {IDENTIFIER: {KEY: VALUE}}.', {
      cause,
      help: 'Identifiers are "I" and 64 hex digits, values are texts.',
    });
  }
}

function lifeFrom(cli: Cli): number | undefined {
  const set = valueOf(VARIABLES.credentialTtl, cli.invocation.env);
  return set === undefined ? undefined : Math.max(1, Math.floor(parseDuration(set) / 1_000));
}
