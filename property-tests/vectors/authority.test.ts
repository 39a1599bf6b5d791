import { describe, expect, test } from 'vitest';
import { importChangeHistory } from '../../identities/change-history.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { decodeCbor } from '../../runtime/codec/cbor.ts';
import { hex } from '../../runtime/random.ts';
import { decodeRequest, decodeResponse, encodeResponse } from '../../workers/api/api-message.ts';
import {
  encodeNumberAttributes,
  encodeTextAttributes,
  readNumberAttributes,
  readTextAttributes,
} from '../../workers/authority/attribute-bodies.ts';
import {
  decodeAddMember,
  decodeAttributesEntry,
  decodeCreateToken,
  decodeMemberList,
  decodeOneTimeCode,
  encodeAddMember,
  encodeAttributesEntry,
  encodeCreateToken,
  encodeOneTimeCode,
} from '../../workers/authority/bodies.ts';
import { rolesOf } from '../../workers/authority/roles.ts';
import { AuthorityCalls } from '../authority-calls.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { seededRandom } from '../../simulation/random.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface AuthorityFile {
  bodies: { items: { id: string; value: Record<string, never>; cbor: string }[] };
  exchanges: { items: { id: string; address: string; request: { payload: string }; response: { payload: string } }[] };
  role_decisions: {
    cases: {
      caller: 'none' | 'member' | 'enroller' | 'pre-trusted enroller' | 'pre-trusted member';
      account_authority_configured: boolean;
      enforce_admin_checks: boolean;
      has_project_admin_credential: boolean;
      expect: { is_member: boolean; is_enroller: boolean; is_admin: boolean; is_pre_trusted: boolean };
    }[];
  };
}

const file = readVectors<AuthorityFile>('authority/authority.json');
const { histories } = readVectors<{ histories: { id: string; history: string }[] }>('identities/identity.json');
const historyOf = (id: string) => fromHex(histories.find((each) => each.id === id)?.history ?? '');
const identifierNamed = (id: string) => importChangeHistory(nodeCrypto, historyOf(id)).identifier;
const alice = identifierNamed('alice-1');
const bob = identifierNamed('bob-1');

describe('bodies', () => {
  const body = (id: string) => {
    const found = file.bodies.items.find((item) => item.id === id);
    if (found === undefined) throw new Error(`There is no ${id}.`);
    return { cbor: found.cbor, value: found.value as Record<string, unknown>, bytes: fromHex(found.cbor) };
  };
  const map = (value: unknown) => new Map(Object.entries(value as Record<string, string>));

  test('all are here; the token of Okta is read by no service of ours', () => {
    expect(file.bodies.items.map(({ id }) => id)).toEqual([
      'AddMember',
      'AddMember-no-attributes',
      'CreateToken-empty',
      'CreateToken-count-only',
      'CreateToken-full',
      'OneTimeCode',
      'AttributesEntry',
      'AttributesEntry-with-expiry',
      'AuthenticateOidcToken',
      'stored-member-attributes',
      'stored-token-attributes',
    ]);
  });

  test.each(['AddMember', 'AddMember-no-attributes'])('%s', (id) => {
    const { cbor, value, bytes } = body(id);
    const expected = { member: value['member'] as Identifier, attributes: map(value['attributes']) };
    expect(decodeAddMember(bytes)).toEqual(expected);
    expect(hex(encodeAddMember(expected))).toBe(cbor);
  });

  test.each(['CreateToken-empty', 'CreateToken-count-only', 'CreateToken-full'])('%s', (id) => {
    const { cbor, value, bytes } = body(id);
    const expected = {
      attributes: map(value['attributes']),
      lifeSeconds: value['ttl_secs'] as number | undefined,
      useCount: value['ttl_count'] as number | undefined,
    };
    expect(decodeCreateToken(bytes)).toEqual(expected);
    expect(hex(encodeCreateToken(expected))).toBe(cbor);
  });

  test('OneTimeCode', () => {
    const { cbor, value, bytes } = body('OneTimeCode');
    expect(hex(decodeOneTimeCode(bytes))).toBe(value['code']);
    expect(hex(encodeOneTimeCode(fromHex(value['code'] as string)))).toBe(cbor);
  });

  test.each(['AttributesEntry', 'AttributesEntry-with-expiry'])('%s', (id) => {
    const { cbor, value, bytes } = body(id);
    const expected = {
      attributes: map(value['attributes']),
      addedAt: value['added_at'] as number,
      expiresAt: value['expires_at'] as number | undefined,
      attestedBy: value['attested_by'] as Identifier,
    };
    expect(decodeAttributesEntry(bytes)).toEqual(expected);
    expect(hex(encodeAttributesEntry(expected))).toBe(cbor);
  });

  test('the stored forms', () => {
    const member = body('stored-member-attributes');
    expect(hex(encodeNumberAttributes(map(member.value)))).toBe(member.cbor);
    expect(readNumberAttributes(decodeCbor(member.bytes) as Map<unknown, unknown>)).toEqual(map(member.value));
    const token = body('stored-token-attributes');
    expect(hex(encodeTextAttributes(map(token.value)))).toBe(token.cbor);
    expect(readTextAttributes(decodeCbor(token.bytes) as Map<unknown, unknown>)).toEqual(map(token.value));
  });
});

describe('role decisions', () => {
  const accountAuthority = identifierNamed('authority-1');
  test('all are here', () => expect(file.role_decisions.cases).toHaveLength(25));
  test.each(file.role_decisions.cases)(
    '$caller, account authority $account_authority_configured, enforced $enforce_admin_checks, credential $has_project_admin_credential',
    ({ caller, account_authority_configured, enforce_admin_checks, has_project_admin_credential, expect: expected }) => {
      const row = {
        identifier: alice,
        attributes: new Map(caller.endsWith('enroller') ? [['ockam-role', 'enroller']] : []),
        addedBy: bob,
        addedAt: 0,
        isPreTrusted: caller.startsWith('pre-trusted'),
      };
      const mode = account_authority_configured
        ? ({ kind: 'account', authority: accountAuthority, enforcesAdminChecks: enforce_admin_checks } as const)
        : ({ kind: 'plain' } as const);
      expect(rolesOf(mode, caller === 'none' ? undefined : row, has_project_admin_credential)).toEqual({
        isMember: expected.is_member,
        isEnroller: expected.is_enroller,
        isAdministrator: expected.is_admin,
        isPreTrusted: expected.is_pre_trusted,
      });
    },
  );
});

describe('exchanges', () => {
  const code = fromHex('202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f');
  const plain = seededRandom(3);
  const random = { bytes: (count: number) => (count === 32 ? code : plain.bytes(count)) };
  const enroller = new Map([['ockam-role', 'enroller']]);
  /** The moment that the entries of the vectors carry. */
  const ADDED_AT = 1_700_000_020;

  async function prepared(id: string): Promise<AuthorityCalls> {
    const clock = new SimulatedClock({ epochSeconds: ADDED_AT });
    const calls = await AuthorityCalls.make({ clock, random, roles: 'plain' });
    const hasEnroller = !['not-an-enroller', 'issue-credential-not-a-member', 'present-token'].includes(id);
    if (hasEnroller) await calls.authority.membership.add('host', alice, enroller);
    if (['list-members', 'list-member-ids', 'show-member', 'delete-member', 'delete-all-members'].includes(id)) {
      const { request } = file.exchanges.items.find((each) => each.id === 'add-member')!;
      await calls.ask('direct_authenticator', alice, fromHex(request.payload));
    }
    if (id.startsWith('present-token')) await calls.authority.issueCode({ attributes: new Map() });
    await calls.identity.importHistory(historyOf('alice-1'));
    return calls;
  }

  test('all are here', () => expect(file.exchanges.items).toHaveLength(13));

  test.each(file.exchanges.items)('$id', async ({ id, address, request, response }) => {
    const calls = await prepared(id);
    const answer = await calls.ask(address, alice, fromHex(request.payload));
    const got = decodeResponse(answer!);
    const expected = decodeResponse(fromHex(response.payload));
    expect(got.re).toBe(decodeRequest(fromHex(request.payload)).id);
    if (id === 'issue-credential') return expect(got.status).toBe(expected.status); // Its bytes are compared by the credential vectors.
    if (id === 'list-members') {
      const told = decodeMemberList(got.body!);
      expect([...told.keys()].sort()).toEqual([alice, bob].sort());
      return expect(told.get(bob)).toEqual(decodeMemberList(expected.body!).get(bob));
    }
    // The id of a response is random.
    expect(hex(encodeResponse({ ...got, id: expected.id }))).toBe(response.payload);
  });
});
