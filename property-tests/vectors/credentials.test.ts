import { describe, expect, test } from 'vitest';
import { encodeAttributes, isReservedAttribute, readAttributes } from '../../identities/attributes.ts';
import { importChangeHistory, type ChangeHistory } from '../../identities/change-history.ts';
import { decodeCredential, encodeCredential, signCredential, verifyCredential } from '../../identities/credential.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { decodePurposeKeyAttestation, encodePurposeKeyAttestation } from '../../identities/purpose-key.ts';
import { Secret } from '../../identities/secret.ts';
import { SoftwareVault } from '../../identities/vault.ts';
import { decodeCbor } from '../../runtime/codec/cbor.ts';
import { hex } from '../../runtime/random.ts';
import { fromHex, readVectors } from './read-vectors.ts';

const outcomeOf = (run: () => unknown): string => {
  try {
    run();
    return 'accept';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

interface CredentialValues {
  subject: Identifier;
  schema: number;
  attributes: { key_utf8: string; value_utf8: string }[];
  created_at: number;
  expires_at: number;
  sha256: string;
  signature: string;
  versioned_data?: string;
}
interface CredentialFile {
  original: { credential_and_purpose_key: string; expect: CredentialValues & { purpose_public_key: string } }[];
  credentials: {
    id: string;
    issuer: Identifier;
    issuer_history: string;
    credential_and_purpose_key: string;
    purpose_key_attestation: string;
    now: number;
    expect: CredentialValues;
  }[];
  verification_cases: {
    id: string;
    credential_and_purpose_key: string;
    now: number;
    issuer_history_known: boolean;
    authorities: Identifier[];
    expected_subject: Identifier | null;
    expect: 'valid' | { error: string };
  }[];
  remote_retriever_timing: { cases: unknown[] };
}

const file = readVectors<CredentialFile>('identities/credential.json');
const { histories } = readVectors<{ histories: { id: string; history: string; expect: { identifier: string } }[] }>(
  'identities/identity.json',
);
const imported = (found: (typeof histories)[number] | undefined): ChangeHistory =>
  importChangeHistory(nodeCrypto, fromHex(found?.history ?? ''));
const named = (id: string) => imported(histories.find((each) => each.id === id));
const ofIdentifier = (identifier: string) => imported(histories.find((each) => each.expect.identifier === identifier));

const values = (bytes: string) => {
  const credential = decodeCredential(fromHex(bytes));
  return {
    subject: credential.subject,
    schema: credential.schema,
    attributes: [...credential.attributes].map(([key, value]) => ({ key_utf8: key, value_utf8: value })),
    created_at: credential.createdAt,
    expires_at: credential.expiresAt,
    sha256: hex(nodeCrypto.sha256(credential.data)),
    signature: hex(credential.signature.bytes),
  };
};
const expectedValues = ({ subject, schema, attributes, created_at, expires_at, sha256, signature }: CredentialValues) => ({
  subject,
  schema,
  attributes: attributes.map(({ key_utf8, value_utf8 }) => ({ key_utf8, value_utf8 })),
  created_at,
  expires_at,
  sha256,
  signature,
});

describe('credential.json', () => {
  test('the credential of the original: its values, and a signature that holds', () => {
    expect(file.original).toHaveLength(1);
    for (const { credential_and_purpose_key: bytes, expect: expected } of file.original) {
      expect(values(bytes)).toEqual(expectedValues(expected));
      const { data, signature, issuerKey } = decodeCredential(fromHex(bytes));
      expect(issuerKey.key).toMatchObject({ publicKey: { bytes: fromHex(expected.purpose_public_key) } });
      expect(nodeCrypto.verifyEd25519(fromHex(expected.purpose_public_key), nodeCrypto.sha256(data), signature.bytes)).toBe(true);
    }
  });

  test('5 credentials hold, and come out again byte for byte', async () => {
    interface PurposeKeys {
      attestations: { attestation: string; secret: Record<string, string> }[];
    }
    const { attestations } = readVectors<PurposeKeys>('identities/purpose-key.json');
    expect(file.credentials).toHaveLength(5);
    for (const each of file.credentials) {
      const { id, credential_and_purpose_key: bytes, expect: expected } = each;
      expect(values(bytes), id).toEqual(expectedValues(expected));
      const credential = decodeCredential(fromHex(bytes));
      const verified = verifyCredential(nodeCrypto, credential, named(each.issuer_history), [each.issuer], each.now, expected.subject);
      expect(verified.issuer, id).toBe(each.issuer);
      expect(hex(encodeCredential(credential)), id).toBe(bytes);
      expect(hex(encodePurposeKeyAttestation(credential.issuerKey)), id).toBe(each.purpose_key_attestation);

      const { secret } = attestations.find((known) => known.attestation === each.purpose_key_attestation)!;
      const vault = new SoftwareVault(nodeCrypto, { bytes: () => new Uint8Array(32) });
      const [[kind, digits]] = Object.entries(secret) as [[string, string]];
      await vault.importSigningKey(new Secret(kind === 'p256_secret' ? 'p256' : 'ed25519', fromHex(digits)));
      const issuerKey = decodePurposeKeyAttestation(fromHex(each.purpose_key_attestation));
      const signed = await signCredential(nodeCrypto, vault, issuerKey, ofIdentifier(expected.subject), {
        attributes: new Map(expected.attributes.map(({ key_utf8: key, value_utf8: value }) => [key, value] as const).reverse()),
        createdAt: expected.created_at,
        expiresAt: expected.expires_at,
        schema: expected.schema,
      });
      expect(hex(encodeCredential(signed)), id).toBe(bytes);
    }
  });

  test('21 verifications', () => {
    const codes: Record<string, RegExp> = {
      CredentialVerificationFailed: /^CREDENTIAL_(INVALID|EXPIRED|NOT_YET_VALID)$/,
      UnknownAuthority: /^CREDENTIAL_AUTHORITY$/,
      NotFound: /^HISTORY_UNKNOWN$/,
      InvalidKeyType: /^PURPOSE_KEY_PURPOSE$/,
      UnknownCredentialVersion: /^RECORD_VERSION$/,
      InvalidCredentialDataType: /^RECORD_TYPE$/,
    };
    expect(file.verification_cases).toHaveLength(21);
    for (const each of file.verification_cases) {
      const credential = decodeCredential(fromHex(each.credential_and_purpose_key));
      const issuer = each.issuer_history_known ? ofIdentifier(credential.issuerKey.subject) : undefined;
      const outcome = outcomeOf(() =>
        verifyCredential(nodeCrypto, credential, issuer, each.authorities, each.now, each.expected_subject ?? undefined),
      );
      expect(outcome, each.id).toMatch(each.expect === 'valid' ? /^accept$/ : codes[each.expect.error]!);
    }
  });

  // They describe the original: it refreshes 120 s before expiry, and its "still valid" flag makes it fetch at every start although
  // a credential with plenty of time is at hand, which its own specification calls a flaw. Ours renews at half of the life and
  // presents a credential while now < expires_at, so none of these delays applies.
  test.skip('9 refresh delays of the original', () => {
    expect(file.remote_retriever_timing.cases).toHaveLength(9);
  });
});

test('credentials.json: 34 credentials', () => {
  interface CredentialsFile {
    vectors: {
      name: string;
      authority_history: string;
      authority: Identifier;
      presented_by: Identifier;
      credential_and_purpose_key: string;
      now: number;
      verdict: 'accept' | 'reject' | 'policy';
    }[];
  }
  /** Our decision wherever the file leaves one. */
  const decided: Record<string, { outcome: string; why: string }> = {
    'subject rotated since': {
      outcome: 'accept',
      why: 'It speaks of the identity, which outlives its keys; that the present key opened the channel is checked there. Refusing would cut off members of the original who rotate while their authority is away.',
    },
    'unknown schema': { outcome: 'accept', why: 'Nobody checks the number, and genuine credentials carry 0 and 1.' },
    'attribute identifier': { outcome: 'accept', why: 'The attribute is skipped and reported, so policies see the true identifier.' },
    'attribute has_credential': { outcome: 'accept', why: 'The attribute is skipped and reported, so policies see the true fact.' },
    '1000 attributes': { outcome: 'ATTRIBUTE_LIMIT', why: 'They are kept for each peer; 64 of 1 KiB are enough.' },
  };
  const { vectors } = readVectors<CredentialsFile>('ockam/credentials.json');
  expect(vectors).toHaveLength(34);
  expect(
    vectors
      .filter(({ verdict }) => verdict === 'policy')
      .map(({ name }) => name)
      .sort(),
  ).toEqual(Object.keys(decided).sort());
  const seen = new Map<string, ReturnType<typeof decodeCredential>>();
  for (const each of vectors) {
    const outcome = outcomeOf(() => {
      const issuer = importChangeHistory(nodeCrypto, fromHex(each.authority_history), each.authority);
      const credential = decodeCredential(fromHex(each.credential_and_purpose_key));
      seen.set(each.name, verifyCredential(nodeCrypto, credential, issuer, [each.authority], each.now, each.presented_by));
    });
    if (each.verdict === 'reject') expect(outcome, each.name).not.toBe('accept');
    else expect(outcome, each.name).toBe(decided[each.name]?.outcome ?? 'accept');
  }
  expect(seen.get('attribute not utf-8')?.skipped).toMatchObject([{ reason: 'not-text' }]);
  expect(seen.get('attribute identifier')?.attributes.has('identifier')).toBe(false);
  expect(seen.get('attribute identifier')?.skipped).toMatchObject([{ reason: 'reserved' }]);
  expect(seen.get('attribute has_credential')?.attributes.has('has_credential')).toBe(false);
  expect(seen.get('attribute __proto__')?.attributes.has('__proto__')).toBe(true);
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test('attributes.json: 42 names, each either reserved or a plain attribute that comes back as it was', () => {
  const { names } = readVectors<{ names: string[] }>('strings/attributes.json');
  expect(names).toHaveLength(42);
  expect(names.filter(isReservedAttribute)).toEqual(['identifier', 'has_credential', 'subject.identifier', 'resource.version', 'action']);
  for (const name of names) {
    const encode = () => encodeAttributes(new Map([[name, 'x']]));
    if (isReservedAttribute(name)) expect(outcomeOf(encode), name).toBe('ATTRIBUTE_RESERVED');
    else if (name.length > 1024) expect(outcomeOf(encode), name).toBe('ATTRIBUTE_LIMIT');
    else expect([...readAttributes(decodeCbor(encode())).attributes]).toEqual([[name, 'x']]);
  }
});
