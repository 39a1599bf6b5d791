import type { AuthorityClient, Identifier } from 'postern';
import type { Removal } from 'postern/manager';

/** The attributes by which an authority knows roles and relays. Source: command-line.md 7.3 */
export const ROLE = ['ockam-role', 'enroller'] as const;
export const ADMINISTRATOR = ['postern-role', 'administrator'] as const;
export const RELAY = 'ockam-relay';

type Entry = Awaited<ReturnType<AuthorityClient['member']>>;

export interface Granted {
  readonly attribute?: readonly (readonly [string, string])[] | undefined;
  readonly relay?: string | undefined;
  readonly enroller?: true | undefined;
  readonly admin?: true | undefined;
}

/** What a member or a ticket is given by options. */
export function grantedAttributes({ attribute = [], relay, enroller, admin }: Granted): Map<string, string> {
  const attributes = new Map(attribute);
  if (relay !== undefined) attributes.set(RELAY, relay);
  if (enroller === true) attributes.set(...ROLE);
  if (admin === true) attributes.set(...ADMINISTRATOR);
  return attributes;
}

/** Source: command-line.md 2.3 */
export const memberJson = (identifier: Identifier, { attributes, addedAt, expiresAt, attestedBy }: Entry) => ({
  identifier,
  attributes: {
    attributes: Object.fromEntries(attributes),
    added_at: addedAt,
    expires_at: expiresAt ?? null,
    attested_by: attestedBy ?? null,
  },
});
export type MemberJson = ReturnType<typeof memberJson>;

export function memberPlain({ identifier, attributes: { attributes, added_at, attested_by } }: MemberJson): string {
  return [
    identifier,
    ...Object.entries(attributes).map(([name, value]) => `${name}=${value}`),
    `added ${dateOf(added_at)}${attested_by === null ? '' : ` by ${attested_by}`}`,
  ].join('\n');
}

export const isEnroller = ({ attributes }: Pick<Entry, 'attributes'>) => attributes.get(ROLE[0]) === ROLE[1];
export const isAdministrator = ({ attributes }: Pick<Entry, 'attributes'>) => attributes.get(ADMINISTRATOR[0]) === ADMINISTRATOR[1];

type Receipt = NonNullable<Removal['receipt']>;

/** How far a revocation has come: what is void, who has cut it off, who has not said so yet. Source: decisions.md D6 */
export const receiptJson = ({ number, revoked, notAfter, acknowledged, waiting }: Receipt) => ({
  number,
  revoked,
  not_after: notAfter,
  acknowledged,
  waiting: waiting.map(({ node, heardAt }) => ({ node, heard_at: heardAt })),
});

export function receiptPlain(receipt: Receipt | undefined): readonly string[] {
  if (receipt === undefined) return ['    No credential was issued that could still hold.'];
  const { number, revoked, notAfter, acknowledged, waiting } = receipt;
  return [
    `    Revocation ${number}: void is what was issued ${revokedText(revoked)} up to ${dateOf(notAfter)}.`,
    `    Cut off at ${acknowledged.length} nodes.`,
    ...waiting.map(({ node, heardAt }) => `  ! Not acknowledged by ${node}, heard last at ${dateOf(heardAt)}.`),
    '    A node that is not connected lets it in until the credential expires.',
  ];
}

function revokedText(revoked: Receipt['revoked']): string {
  switch (revoked.kind) {
    case 'subject':
      return `to ${revoked.identifier}`;
    case 'issuer':
      return 'to anybody';
    case 'credential':
      return `as credential ${revoked.hash}`;
  }
}

export const dateOf = (seconds: number) => new Date(seconds * 1_000).toISOString();
