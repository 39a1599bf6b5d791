import { createHash } from 'node:crypto';
import { Option } from '@commander-js/extra-typings';
import type { AuthorityClient, Identifier } from 'postern';
import { decodeCredential } from 'postern/wire';
import type { Cli } from '../cli.ts';
import { notFound, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { asMember } from '../project/as-member.ts';
import { identifierOfHistory } from '../project/identifiers.ts';
import { receiptJson, receiptPlain } from '../project/members.ts';
import type { Result } from '../result.ts';
import type { Doing, Family } from '../program.ts';
import { confirmed } from '../prompts.ts';
import { parseCount, parseHex, parseIdentifierText, parseIdentityName, parseProjectName } from '../values.ts';

/** Takes back, and tells how far that has come. Source: decisions.md D6, E6 */
export function revokeVerb(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('revoke')
      .description('Cut somebody off at once, and say what was cut and who has not acknowledged.')
      .argument('[IDENTIFIER]', 'a member: it is removed, its tickets and credentials are void', parseIdentifierText)
      .option('--keep-member', 'its credentials alone are void; it gets new ones')
      .addOption(new Option('--credential <HEX>', 'instead: this credential').argParser(parseHex))
      .option('--all', 'instead: every credential that was issued so far; members get new ones')
      .addOption(new Option('--receipt <NUMBER>', 'instead: how far an earlier revocation has come').argParser(parseCount))
      .option('-y, --yes', 'do not ask')
      .addOption(new Option('--identity <NAME>', 'who asks; the default identity if left out').argParser(parseIdentityName))
      .addOption(new Option('--project <NAME>', 'the default project if left out').argParser(parseProjectName))
      .action(
        doing(async (identifier, { keepMember, credential, all, receipt, yes = false, identity, project }) => {
          const given = [identifier, credential, all, receipt].filter((each) => each !== undefined);
          if (given.length !== 1) throw usageError('Give one of IDENTIFIER, --credential HEX, --all and --receipt NUMBER.');
          if (all === true && !(await confirmed(cli, 'Void every credential that was issued so far?', { yes })))
            return { plain: '    Nothing was revoked.' };
          return asMember(cli, { identity, project }, async (authority, known): Promise<Result> => {
            if (receipt !== undefined) return receiptResult(await authority.receipt(receipt));
            if (credential !== undefined) return receiptResult(await authority.revoke({ kind: 'credential', hash: hashOf(credential) }));
            if (all === true) {
              const issuer = await identifierOfHistory(cli, known.project.authorityIdentity ?? '');
              return receiptResult(await authority.revoke({ kind: 'issuer', identifier: issuer }));
            }
            if (identifier === undefined) throw usageError('Give an IDENTIFIER.');
            if (keepMember === true) return receiptResult(await authority.revoke({ kind: 'subject', identifier }));
            return removed(cli, authority, identifier, known.name);
          });
        }),
      ),
    {
      description: 'Connected nodes have cut it off within a second; the others let it in until its credential expires.',
      examples: [`project revoke I${'0'.repeat(64)}`, 'project revoke --receipt 1'],
    },
  );
}

async function removed(cli: Cli, authority: AuthorityClient, identifier: Identifier, project: string): Promise<Result> {
  const { wasMember, voidedTokens, added, receipt } = await authority.removal(identifier);
  if (!wasMember) throw notFound('Member', identifier, `List them: ${cli.programName} project-member list`);
  return {
    plain: [
      `  ✔ ${identifier} is no member of project ${project} any more.`,
      ...voidedTokens.map((reference) => `    Its ticket ${reference} is void.`),
      ...added.map((member) => `  ! It had added ${member}, who stays a member.`),
      ...receiptPlain(receipt),
    ].join('\n'),
    json: {
      project,
      identifier,
      voided_tickets: voidedTokens,
      added_members: added,
      receipt: receipt === undefined ? null : receiptJson(receipt),
    },
  };
}

function receiptResult(receipt: Parameters<typeof receiptJson>[0]): Result {
  return { plain: receiptPlain(receipt).join('\n'), json: { receipt: receiptJson(receipt) } };
}

/** As revocations name a credential. Source: docs/protocol.md, Authority */
function hashOf(hex: string): string {
  return createHash('sha256')
    .update(decodeCredential(Uint8Array.from(Buffer.from(hex, 'hex'))).data)
    .digest('hex');
}
