import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeAttributes, isReservedAttribute, readAttributes } from '../../identities/attributes.ts';
import {
  compareHistories,
  createChangeHistory,
  exportChangeHistory,
  importChangeHistory,
  rotateChangeHistory,
} from '../../identities/change-history.ts';
import { decodeCredential, encodeCredential, signCredential, verifyCredential } from '../../identities/credential.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { attestPurposeKey, decodePurposeKeyAttestation, encodePurposeKeyAttestation } from '../../identities/purpose-key.ts';
import { verifyPurposeKeyAttestation } from '../../identities/purpose-key.ts';
import { kindItem, type Signature } from '../../identities/signature.ts';
import { encodeSignedData, type DATA_TYPES } from '../../identities/signed-data.ts';
import { SoftwareVault } from '../../identities/vault.ts';
import { decodeCbor, encodeCbor } from '../../runtime/codec/cbor.ts';
import { PosternError } from '../../runtime/errors.ts';
import { hex } from '../../runtime/random.ts';

const NOW = 1_700_000_000;
let drawn = 0;
const random = { bytes: (count: number) => nodeCrypto.sha256(Uint8Array.of(++drawn & 0xff, (drawn >> 8) & 0xff)).slice(0, count) };
const vault = new SoftwareVault(nodeCrypto, random);
const kind = fc.constantFrom('ed25519' as const, 'p256' as const);

/** A history of as many changes as there are kinds, each a day after the one before. */
async function historyOf(kinds: readonly ('ed25519' | 'p256')[]) {
  const terms = (index: number) => ({ attestationsValidFrom: NOW + index * 86_400, attestationsValidUntil: NOW + 900 * 86_400 });
  let history = await createChangeHistory(nodeCrypto, vault, await vault.generateSigningKey(kinds[0]!), terms(0));
  for (const [index, each] of kinds.slice(1).entries())
    history = await rotateChangeHistory(nodeCrypto, vault, history, await vault.generateSigningKey(each), terms(index + 1));
  return history;
}

const kinds = fc.array(kind, { minLength: 1, maxLength: 4 });
const flip = fc.record({ at: fc.nat(), bit: fc.nat(7) });
function flipped(bytes: Uint8Array, { at, bit }: { at: number; bit: number }): Uint8Array {
  const copy = bytes.slice();
  copy[at % copy.length]! ^= 1 << bit;
  return copy;
}

/** Runs what may throw a PosternError and nothing else. */
function refuses(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof PosternError) return true;
    throw error;
  }
}

test('an exported history is the same identity and the same bytes to everyone', async () => {
  await fc.assert(
    fc.asyncProperty(kinds, async (each) => {
      const history = await historyOf(each);
      const bytes = exportChangeHistory(history);
      const imported = importChangeHistory(nodeCrypto, bytes);
      expect(imported).toEqual(history);
      expect(exportChangeHistory(imported)).toEqual(bytes);
    }),
    { numRuns: 15 },
  );
});

test('no bit of a history can be turned over', async () => {
  await fc.assert(
    fc.asyncProperty(kinds, fc.array(flip, { minLength: 1, maxLength: 20 }), async (each, flips) => {
      const bytes = exportChangeHistory(await historyOf(each));
      for (const where of flips) expect(refuses(() => importChangeHistory(nodeCrypto, flipped(bytes, where)))).toBe(true);
    }),
    { numRuns: 15 },
  );
});

test('a history cut or extended anywhere is refused', async () => {
  const bytes = exportChangeHistory(await historyOf(['ed25519', 'p256']));
  for (let count = 0; count < bytes.length; count++)
    expect(refuses(() => importChangeHistory(nodeCrypto, bytes.subarray(0, count)))).toBe(true);
  expect(refuses(() => importChangeHistory(nodeCrypto, Uint8Array.of(...bytes, 0)))).toBe(true);
});

test('comparing is opposite from the other side, and prefixes are older', async () => {
  const opposite = { equal: 'equal', newer: 'older', older: 'newer', conflict: 'conflict' } as const;
  const root = await historyOf(['ed25519']);
  const extend = async (history: typeof root) =>
    rotateChangeHistory(nodeCrypto, vault, history, await vault.generateSigningKey('ed25519'), {
      attestationsValidFrom: NOW,
      attestationsValidUntil: NOW + 900 * 86_400,
    });
  const [left, right] = [await extend(root), await extend(root)];
  const chain = [root, left, await extend(left), right, await extend(right)];
  const older = new Map([0, 1, 2, 3, 4].map((index) => [index, index < 3 ? [0, 1, 2] : [0, 3, 4]]));
  fc.assert(
    fc.property(fc.nat(4), fc.nat(4), (one, two) => {
      const relation = compareHistories(chain[one]!, chain[two]!);
      expect(compareHistories(chain[two]!, chain[one]!)).toBe(opposite[relation]);
      const line = [older.get(one)!, older.get(two)!].find((each) => each.includes(one) && each.includes(two));
      const place = (index: number) => line?.indexOf(index) ?? 0;
      const expected = line === undefined ? 'conflict' : one === two ? 'equal' : place(one) > place(two) ? 'newer' : 'older';
      expect(relation).toBe(expected);
    }),
  );
});

test('the other signature of P-256, with s turned over, changes neither identifier nor equality', async () => {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const turned = (signature: Signature) => {
    const s = order - BigInt(`0x${hex(signature.bytes.subarray(32))}`);
    const bytes = signature.bytes.slice();
    bytes.set(
      Uint8Array.from(s.toString(16).padStart(64, '0').match(/../g)!, (pair) => Number.parseInt(pair, 16)),
      32,
    );
    return { ...signature, bytes };
  };
  const history = await historyOf(['p256', 'p256']);
  const items = history.changes.map((change) => {
    const previous = change.previousSignature === undefined ? [] : [kindItem(turned(change.previousSignature))];
    return [change.data, kindItem(turned(change.signature)), ...previous];
  });
  const bytes = encodeCbor(items);
  expect(bytes).not.toEqual(exportChangeHistory(history));
  const other = importChangeHistory(nodeCrypto, bytes);
  expect(other.identifier).toBe(history.identifier);
  expect(compareHistories(other, history)).toBe('equal');
});

test('a signature made for one kind of record never counts for another', async () => {
  const key = await vault.generateSigningKey('ed25519');
  const history = await createChangeHistory(nodeCrypto, vault, key, { attestationsValidFrom: NOW, attestationsValidUntil: NOW + 9999 });
  const credentialsKey = { purpose: 'credentials', publicKey: key } as const; // one key for everything: the worst case
  const attestation = await attestPurposeKey(nodeCrypto, vault, history, credentialsKey, NOW);
  const terms = { attributes: new Map(), createdAt: NOW, expiresAt: NOW + 10 };
  const credential = await signCredential(nodeCrypto, vault, attestation, history, terms);
  const records = {
    change: history.latest,
    purposeKeyAttestation: attestation,
    credential,
  };
  const present = {
    change: (data: Uint8Array, signature: Signature) => importChangeHistory(nodeCrypto, encodeCbor([[data, kindItem(signature)]])),
    purposeKeyAttestation: (data: Uint8Array, signature: Signature) => {
      const decoded = decodePurposeKeyAttestation(encodeCbor([data, kindItem(signature)]));
      verifyPurposeKeyAttestation(nodeCrypto, decoded, history, NOW);
    },
    credential: (data: Uint8Array, signature: Signature) => {
      const pair = encodeCbor([[data, kindItem(signature)], decodeCbor(encodePurposeKeyAttestation(attestation))]);
      verifyCredential(nodeCrypto, decodeCredential(pair), history, [history.identifier], NOW);
    },
  };
  const types = ['change', 'purposeKeyAttestation', 'credential'] as const satisfies (keyof typeof DATA_TYPES)[];
  for (const made of types) {
    for (const shown of types) {
      expect(
        refuses(() => present[shown](records[made].data, records[made].signature)),
        `${made} as ${shown}`,
      ).toBe(made !== shown);
      if (made === shown) continue;
      // And with the record that fits, so that only the signed type tells them apart.
      const { record } = decodeSigned(records[shown].data);
      const data = encodeSignedData(made, record);
      const signature = await vault.sign(key, nodeCrypto.sha256(data));
      expect(
        refuses(() => present[shown](data, signature)),
        `${shown} typed ${made}`,
      ).toBe(true);
    }
  }
});

test('attributes come back as they were, in the order of their raw names', () => {
  const name = fc.string({ maxLength: 20, unit: 'grapheme' }).filter((text) => !isReservedAttribute(text));
  const value = fc.string({ maxLength: 20 });
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, value), { maxLength: 64, selector: ([key]) => key }), (entries) => {
      const encoded = encodeAttributes(new Map(entries));
      const { attributes, skipped } = readAttributes(decodeCbor(encoded));
      expect(skipped).toEqual([]);
      expect(attributes).toEqual(new Map(entries));
      const names = [...attributes.keys()].map((key) => hex(new TextEncoder().encode(key)));
      expect(names).toEqual(names.toSorted());
      expect(encodeAttributes(new Map(entries.toReversed()))).toEqual(encoded);
    }),
  );
});

test('no bit of a credential or attestation can be turned over', async () => {
  const history = await historyOf(['ed25519']);
  const publicKey = await vault.generateSigningKey('p256');
  const attestation = await attestPurposeKey(nodeCrypto, vault, history, { purpose: 'credentials', publicKey }, NOW, 1000);
  const terms = { attributes: new Map([['role', 'member']]), createdAt: NOW, expiresAt: NOW + 10 };
  const bytes = encodeCredential(await signCredential(nodeCrypto, vault, attestation, history, terms));
  const verify = (presented: Uint8Array) =>
    verifyCredential(nodeCrypto, decodeCredential(presented), history, [history.identifier], NOW, history.identifier);
  expect(verify(bytes).attributes.get('role')).toBe('member');
  fc.assert(
    fc.property(flip, (where) => {
      expect(refuses(() => verify(flipped(bytes, where)))).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test('any bytes at all throw a PosternError or nothing', () => {
  const item = fc.letrec<{ item: unknown }>((tie) => ({
    item: fc.oneof(
      { maxDepth: 4 },
      fc.uint8Array({ maxLength: 70 }),
      fc.constantFrom(null, true, 0, 1, 2, NOW),
      fc.array(tie('item'), { maxLength: 5 }),
    ),
  })).item;
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        item.map((value) => encodeCbor(value)),
      ),
      (bytes) => {
        for (const decode of [
          (each: Uint8Array) => importChangeHistory(nodeCrypto, each),
          decodePurposeKeyAttestation,
          decodeCredential,
          (each: Uint8Array) => readAttributes(each),
        ])
          refuses(() => decode(bytes));
      },
    ),
    { numRuns: 500 },
  );
});

function decodeSigned(data: Uint8Array): { record: Uint8Array } {
  const [, , record] = decodeCbor(data) as [number, number, Uint8Array];
  return { record };
}
