import { describe, expect, test } from 'vitest';
import {
  compareHistories,
  createChangeHistory,
  exportChangeHistory,
  importChangeHistory,
  rotateChangeHistory,
  type ChangeHistory,
} from '../../identities/change-history.ts';
import { identifierBytes, parseIdentifier, type Identifier } from '../../identities/identifier.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { attestPurposeKey, decodePurposeKeyAttestation, encodePurposeKeyAttestation } from '../../identities/purpose-key.ts';
import { verifyPurposeKeyAttestation } from '../../identities/purpose-key.ts';
import { MemoryIdentityRepository } from '../../identities/repository.ts';
import { Secret } from '../../identities/secret.ts';
import { SoftwareVault } from '../../identities/vault.ts';
import { encodeCbor } from '../../runtime/codec/cbor.ts';
import { hex } from '../../runtime/random.ts';
import { fromHex, readVectors } from './read-vectors.ts';

const nobody = { bytes: () => new Uint8Array(32) };
const outcomeOf = (run: () => unknown): string => {
  try {
    run();
    return 'accept';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

interface ExpectedChange {
  versioned_data: string;
  change_hash: string;
  key_type: 'EdDSACurve25519' | 'ECDSASHA256CurveP256';
  primary_public_key: string;
  revoke_all_purpose_keys: boolean;
  attestations_valid_from: number;
  attestations_valid_until: number;
  signature: string;
  previous_signature: string | null;
}
interface NamedHistory {
  id: string;
  history: string;
  secrets?: { kind: string; secret: string }[];
  secret_key?: string;
  expect: { identifier: string; latest_change_hash: string; changes: ExpectedChange[] };
}
interface IdentityFile {
  histories: NamedHistory[];
  accepted_oddities: { id: string; history: string; expect_identifier: string }[];
  invalid_histories: { id: string; history: string; expect_error: string }[];
  comparisons: { cases: { received: string; known: string; expect: string }[] };
  identifier_text: { cases: { input: string; expect_bytes?: string; expect_text?: string; expect_cbor?: string }[] };
}

const identityFile = readVectors<IdentityFile>('identities/identity.json');
const named = (id: string): ChangeHistory => {
  const found = identityFile.histories.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no history ${id}`);
  return importChangeHistory(nodeCrypto, fromHex(found.history));
};

describe('identity.json', () => {
  test('18 histories, every value of every change', () => {
    expect(identityFile.histories).toHaveLength(18);
    for (const { id, history, expect: expected } of identityFile.histories) {
      const imported = importChangeHistory(nodeCrypto, fromHex(history), expected.identifier as Identifier);
      expect(hex(exportChangeHistory(imported)), id).toBe(history);
      expect(hex(imported.latest.hash), id).toBe(expected.latest_change_hash);
      const changes = imported.changes.map((change) => ({
        versioned_data: hex(change.data),
        change_hash: hex(change.hash),
        key_type: change.primaryKey.kind === 'ed25519' ? 'EdDSACurve25519' : 'ECDSASHA256CurveP256',
        primary_public_key: hex(change.primaryKey.bytes),
        revoke_all_purpose_keys: change.revokesPurposeKeys,
        attestations_valid_from: change.attestationsValidFrom,
        attestations_valid_until: change.attestationsValidUntil,
        signature: hex(change.signature.bytes),
        previous_signature: change.previousSignature === undefined ? null : hex(change.previousSignature.bytes),
      }));
      expect(changes, id).toMatchObject(expected.changes.map(({ ...change }) => pick(change, Object.keys(changes[0]!))));
    }
  });

  test('12 histories whose secrets are known come out again byte for byte', async () => {
    let regenerated = 0;
    for (const { id, history, secrets, secret_key: secretKey, expect: expected } of identityFile.histories) {
      const all = secrets ?? (secretKey === undefined ? [] : [{ kind: 'ed25519 seed', secret: secretKey }]);
      if (all.length === 0) continue;
      const vault = new SoftwareVault(nodeCrypto, nobody);
      let made: ChangeHistory | undefined;
      for (const [index, { kind, secret }] of all.entries()) {
        const key = await vault.importSigningKey(new Secret(kind === 'ed25519 seed' ? 'ed25519' : 'p256', fromHex(secret)));
        const change = expected.changes[index]!;
        const terms = {
          attestationsValidFrom: change.attestations_valid_from,
          attestationsValidUntil: change.attestations_valid_until,
          revokesPurposeKeys: change.revoke_all_purpose_keys,
        };
        made =
          made === undefined
            ? await createChangeHistory(nodeCrypto, vault, key, terms)
            : await rotateChangeHistory(nodeCrypto, vault, made, key, terms);
      }
      expect(hex(exportChangeHistory(made!)), id).toBe(history);
      regenerated += 1;
    }
    expect(regenerated).toBe(12);
  });

  test('6 oddities: five are accepted, bytes after a history are not', () => {
    // The original ignores trailing bytes. No honest peer writes them, and what nobody reads should not be signed for.
    const refused = new Map([['trailing-bytes', 'CODEC_']]);
    expect(identityFile.accepted_oddities).toHaveLength(6);
    for (const { id, history, expect_identifier: identifier } of identityFile.accepted_oddities) {
      const outcome = outcomeOf(() => importChangeHistory(nodeCrypto, fromHex(history), identifier as Identifier));
      expect(outcome, id).toContain(refused.get(id) ?? 'accept');
    }
  });

  test('15 invalid histories, each for its own reason', () => {
    const codes: Record<string, string> = {
      IdentityVerificationFailed: 'HISTORY_INVALID',
      'IdentityVerificationFailed or InvalidPublicKey': 'HISTORY_INVALID',
      UnknownIdentityVersion: 'RECORD_VERSION',
      InvalidIdentityDataType: 'RECORD_TYPE',
      SignatureAndPublicKeyTypesDontMatch: 'KEY_KIND',
      Decode: 'CODEC_',
    };
    expect(identityFile.invalid_histories).toHaveLength(15);
    for (const { id, history, expect_error: error } of identityFile.invalid_histories)
      expect(
        outcomeOf(() => importChangeHistory(nodeCrypto, fromHex(history))),
        id,
      ).toContain(codes[error]);
  });

  test('7 comparisons, and what the repository makes of each', async () => {
    const { cases } = identityFile.comparisons;
    expect(cases).toHaveLength(7);
    for (const { received, known, expect: relation } of cases) {
      expect(compareHistories(named(received), named(known))).toBe(relation.toLowerCase());
      for (const rule of ['strict', 'ignore-older'] as const) {
        const repository = new MemoryIdentityRepository();
        expect(await repository.storeHistory(named(known), rule)).toBe('stored');
        const outcome = await repository.storeHistory(named(received), rule).catch((error: unknown) => (error as { code: string }).code);
        const older = rule === 'strict' ? 'HISTORY_OLDER' : 'unchanged';
        expect(outcome).toBe({ Equal: 'unchanged', Newer: 'updated', Older: older, Conflict: 'HISTORY_CONFLICT' }[relation]);
        const kept = await repository.history(named(known).identifier);
        expect(kept?.latest.hash).toEqual(named(relation === 'Newer' ? received : known).latest.hash);
      }
    }
  });

  test('9 identifier texts', () => {
    const { cases } = identityFile.identifier_text;
    expect(cases).toHaveLength(9);
    for (const { input, expect_bytes: bytes, expect_text: text, expect_cbor: cbor } of cases) {
      if (bytes === undefined) {
        expect(
          outcomeOf(() => parseIdentifier(input)),
          input,
        ).toBe('IDENTIFIER_TEXT');
        continue;
      }
      const identifier = parseIdentifier(input);
      expect(identifier).toBe(text);
      expect(hex(identifierBytes(identifier))).toBe(bytes);
      expect(hex(encodeCbor(identifierBytes(identifier)))).toBe(cbor);
    }
  });
});

test('5 histories of the original give the identifiers they gave there', () => {
  const { vectors } = readVectors<{ vectors: { change_history: string; identifier: string; changes: number; valid: boolean }[] }>(
    'ockam/identities.json',
  );
  expect(vectors).toHaveLength(5);
  for (const each of vectors) {
    const history = importChangeHistory(nodeCrypto, fromHex(each.change_history), each.identifier as Identifier);
    expect([history.changes.length, true]).toEqual([each.changes, each.valid]);
  }
});

describe('identity_histories.json', () => {
  interface HistoriesFile {
    single: { name: string; change_history: string; identifier: string | null; verdict: 'accept' | 'reject' | 'policy' }[];
    sequences: { name: string; steps: [history: string, outcome: string][] }[];
  }
  const { single, sequences } = readVectors<HistoriesFile>('ockam/identity_histories.json');

  /** Our decision wherever the file leaves one. */
  const decided: Record<string, { verdict: 'accept' | 'HISTORY_INVALID' | 'HISTORY_TOO_LONG' | 'CODEC_'; why: string }> = {
    'rotation to the same key': {
      verdict: 'HISTORY_INVALID',
      why: 'With one key the two signatures can be exchanged, and nothing is handed over; no honest rotation does it.',
    },
    'valid until before valid from': { verdict: 'HISTORY_INVALID', why: 'Such a key can attest nothing; no honest one is made so.' },
    'rotation signed by an expired key': {
      verdict: 'accept',
      why: 'The time of signing is not signed, so a thief backdates the new window and passes anyway; refusing locks out only owners who overslept.',
    },
    'change data has a trailing byte under the signature': { verdict: 'CODEC_', why: 'What nobody reads should not be signed for.' },
    'p-256 signature with high s': {
      verdict: 'accept',
      why: 'Genuine histories carry them; a signature is never an identity, a key of a map or a mark of equality.',
    },
    'ed25519 identity point as primary key, signature R = identity, S = 0': {
      verdict: 'HISTORY_INVALID',
      why: 'A key of small order vouches for anything.',
    },
    '256 changes': {
      verdict: 'HISTORY_TOO_LONG',
      why: 'Each change costs a stranger nothing and us two checks; 64 are enough for a life.',
    },
  };

  test('39 histories', () => {
    expect(single).toHaveLength(39);
    expect(
      single
        .filter(({ verdict }) => verdict === 'policy')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(Object.keys(decided).sort());
    for (const { name, change_history: bytes, identifier, verdict } of single) {
      let imported: Identifier | undefined;
      const outcome = outcomeOf(() => (imported = importChangeHistory(nodeCrypto, fromHex(bytes)).identifier));
      if (verdict === 'reject') expect(outcome, name).not.toBe('accept');
      else expect(outcome, name).toContain(decided[name]?.verdict ?? 'accept');
      if (outcome === 'accept' && identifier !== null) expect(imported, name).toBe(identifier);
    }
  });

  test('5 sequences offered to one repository', async () => {
    expect(sequences).toHaveLength(5);
    for (const { name, steps } of sequences) {
      const repository = new MemoryIdentityRepository();
      const outcomes: string[] = [];
      for (const [bytes] of steps) {
        const received = importChangeHistory(nodeCrypto, fromHex(bytes));
        outcomes.push(await repository.storeHistory(received, 'strict').catch(() => 'refused'));
      }
      expect(outcomes, name).toEqual(steps.map(([, outcome]) => outcome));
    }
  });
});

describe('purpose-key.json', () => {
  interface PurposeKeyFile {
    original: { attestation: string; expect: { issuer: string; public_key: string; created_at: number; expires_at: number } }[];
    attestations: {
      id: string;
      known_history: string;
      secret: Record<string, string>;
      attestation: string;
      now: number;
      expect: Record<string, string | number>;
    }[];
    verification_cases: {
      id: string;
      known_history: string | null;
      attestation: string;
      now: number;
      expected_subject: Identifier | null;
      expect: 'valid' | { error: string };
    }[];
  }
  const file = readVectors<PurposeKeyFile>('identities/purpose-key.json');

  test('the attestation of the original decodes to its values', () => {
    expect(file.original).toHaveLength(1);
    for (const { attestation: bytes, expect: expected } of file.original) {
      const attestation = decodePurposeKeyAttestation(fromHex(bytes));
      expect(attestation).toMatchObject({ subject: expected.issuer, createdAt: expected.created_at, expiresAt: expected.expires_at });
      expect(attestation.key).toEqual({
        purpose: 'credentials',
        publicKey: { kind: 'ed25519', bytes: fromHex(expected.public_key) },
      });
      expect(hex(encodePurposeKeyAttestation(attestation))).toBe(bytes);
    }
  });

  test('5 attestations hold, and come out again byte for byte', async () => {
    expect(file.attestations).toHaveLength(5);
    for (const { id, known_history: historyId, secret, attestation: bytes, now, expect: expected } of file.attestations) {
      const history = named(historyId);
      const attestation = decodePurposeKeyAttestation(fromHex(bytes));
      verifyPurposeKeyAttestation(nodeCrypto, attestation, history, now, expected['subject'] as Identifier);
      expect(hex(attestation.data), id).toBe(expected['versioned_data']);

      const vault = new SoftwareVault(nodeCrypto, nobody);
      const owner = identityFile.histories.find((each) => each.id === historyId)?.secrets?.at(-1);
      await vault.importSigningKey(new Secret(owner?.kind === 'P-256 scalar' ? 'p256' : 'ed25519', fromHex(owner!.secret)));
      const [[kind, digits]] = Object.entries(secret) as [[string, string]];
      const key =
        kind === 'x25519_secret'
          ? ({ purpose: 'secure-channel', publicKey: nodeCrypto.importX25519(fromHex(digits)).publicKey } as const)
          : ({
              purpose: 'credentials',
              publicKey: await vault.importSigningKey(new Secret(kind === 'p256_secret' ? 'p256' : 'ed25519', fromHex(digits))),
            } as const);
      const made = await attestPurposeKey(nodeCrypto, vault, history, key, attestation.createdAt);
      expect(hex(encodePurposeKeyAttestation(made)), id).toBe(bytes);
    }
  });

  test('16 verifications', () => {
    const codes: Record<string, RegExp> = {
      PurposeKeyAttestationVerificationFailed: /^(PURPOSE_KEY_(INVALID|EXPIRED|NOT_YET_VALID)|RECORD_VERSION)$/,
      InvalidPurposeKeyAttestationDataType: /^RECORD_TYPE$/,
      NotFound: /^HISTORY_UNKNOWN$/,
    };
    expect(file.verification_cases).toHaveLength(16);
    for (const { id, known_history: historyId, attestation, now, expected_subject: subject, expect: expected } of file.verification_cases) {
      const history = historyId === null ? undefined : named(historyId);
      const decoded = decodePurposeKeyAttestation(fromHex(attestation));
      const outcome = outcomeOf(() => verifyPurposeKeyAttestation(nodeCrypto, decoded, history, now, subject ?? undefined));
      expect(outcome, id).toMatch(expected === 'valid' ? /^accept$/ : codes[expected.error]!);
    }
  });
});

test('attestations.json: 24 attestations for the key that a handshake proved', () => {
  interface AttestationsFile {
    vectors: {
      name: string;
      subject_history: string;
      expected_subject: Identifier;
      noise_static_key: string;
      attestation: string;
      now: number;
      verdict: 'accept' | 'reject' | 'policy';
    }[];
  }
  // A key that ends before it starts holds for at most a minute of clock drift; no honest one is made so.
  const decided: Record<string, string> = { 'expires before created': 'reject' };
  const { vectors } = readVectors<AttestationsFile>('ockam/attestations.json');
  expect(vectors).toHaveLength(24);
  for (const each of vectors) {
    const outcome = outcomeOf(() => {
      const history = importChangeHistory(nodeCrypto, fromHex(each.subject_history));
      const attestation = decodePurposeKeyAttestation(fromHex(each.attestation));
      verifyPurposeKeyAttestation(nodeCrypto, attestation, history, each.now, each.expected_subject);
      if (attestation.key.purpose !== 'secure-channel' || hex(attestation.key.publicKey) !== each.noise_static_key)
        throw Object.assign(new Error('another key'), { code: 'PURPOSE_KEY_MISMATCH' });
    });
    expect(outcome === 'accept' ? 'accept' : 'reject', each.name).toBe(decided[each.name] ?? each.verdict);
  }
});

function pick(record: object, names: string[]): object {
  return Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));
}
