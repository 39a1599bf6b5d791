import { VERSIONS } from '../migrations/index.ts';

type Row = Readonly<Record<string, string | number | Uint8Array>>;

const id = (letter: string) => `I${letter.repeat(64)}`;
const text = (value: string) => new TextEncoder().encode(value);
const bytes = (count: number, first = 0) => Uint8Array.from({ length: count }, (_, index) => first + index);

/** What the sample of a version adds to that of the version before, by table, in an order that foreign keys allow. */
const ADDED: Readonly<Record<string, Readonly<Record<string, readonly Row[]>>>> = {
  '0001-identities': {
    histories: [
      { identifier: id('a'), history: bytes(128), kept: 1, used: 1 },
      { identifier: id('b'), history: bytes(200), kept: 0, used: 2 },
    ],
    vault_keys: [
      { handle: '1'.repeat(64), kind: 'ed25519', secret: bytes(32, 1) },
      { handle: '2'.repeat(64), kind: 'x25519', secret: bytes(32, 2) },
    ],
    purpose_keys: [{ subject: id('a'), purpose: 'secure-channel', attestation: bytes(150) }],
    subject_attributes: [{ subject: id('b'), attributes: bytes(20), attested_by: id('c'), stored_at: 1, expires_at: 2 ** 40, used: 1 }],
    credentials: [{ subject: id('a'), issuer: id('c'), scope: 'project-member-7', expires_at: 9, credential: bytes(250), used: 1 }],
    topics: [{ topic: 'revocations', version: 3 }],
  },
  '0002-authority': {
    members: [{ identifier: id('a'), added_by: id('c'), added_at: 5, pre_trusted: 1 }],
    member_attributes: [{ owner: id('a'), name: text('role'), value: text('dba') }],
    tokens: [{ code_hash: '3'.repeat(64), reference: 'abcdefghij', issued_by: id('c'), created_at: 5, expires_at: 605, uses_left: 2 }],
    token_attributes: [{ owner: '3'.repeat(64), name: text('\0'), value: text('') }],
    revocations: [{ number: 4, kind: 'credential', target: 'd'.repeat(64), not_after: 7, kept_until: 3_700 }],
    issued: [{ subject: id('a'), created_at: 7 }],
    acknowledgements: [{ node: id('a'), number: 4, at: 8 }],
    counters: [{ name: 'revocations', value: 4 }],
  },
  '0003-resources': {
    policies: [{ kind: 'type', name: 'tcp-outlet', action: 'handle_message', expression: text('(= subject.role "dba")') }],
    nodes: [{ name: 'n1', settings: '{"tcp":"127.0.0.1:4000"}' }],
    projects: [{ name: 'default', settings: '{"id":"7"}' }],
    resources: [{ node: 'n1', kind: 'tcp-inlet', name: 'db', settings: '{"from":"127.0.0.1:5432"}' }],
  },
  '0004-homes': {
    known_revocations: [{ authority: id('c'), number: 4, kind: 'subject', target: id('a'), not_after: 7, kept_until: 3_700 }],
  },
  '0005-names': {
    vaults: [{ name: 'default', path: '/keys', is_default: 1 }],
    identities: [{ name: 'old-oak', identifier: id('a'), vault: 'default', is_default: 1 }],
  },
};

/** What a step made of the rows before it, where it changed a table. */
const CHANGED: Readonly<Record<string, Readonly<Record<string, (row: Row) => Row>>>> = {
  '0004-homes': {
    policies: (row) => ({ node: 'n1', ...row }),
    nodes: (row) => ({ ...row, state: '{}', is_default: 0 }),
    projects: ({ name = '', settings = '' }) => ({ id: name, name, information: settings, is_default: 0 }),
  },
};

/**
 * All rows of the sample of a version, by table.
 * @param form the version that has them now
 */
export function sampleRows(version: string, form = version): [table: string, rows: readonly Row[]][] {
  return through(version).flatMap((step) =>
    Object.entries(ADDED[step] ?? {}).map(([table, rows]) => [table, rows.map(changed(step, table, form))] as [string, Row[]]),
  );
}

const through = (version: string) => VERSIONS.slice(0, VERSIONS.indexOf(version) + 1);

function changed(step: string, table: string, form: string): (row: Row) => Row {
  const later = through(form).slice(VERSIONS.indexOf(step) + 1);
  return (row) => later.reduce((before, each) => CHANGED[each]?.[table]?.(before) ?? before, row);
}
