import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareHistories, exportChangeHistory, importChangeHistory } from '../../identities/change-history.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { shrunk } from '../shrunk.ts';
import { changeHistories } from './index.ts';

const imported = (bytes: Uint8Array) => importChangeHistory(nodeCrypto, bytes);

test('every history holds and says what was planned', () => {
  const counts = new Set<number>();
  fc.assert(
    fc.property(changeHistories(), ({ changes, bytes, secrets }) => {
      const history = imported(bytes);
      counts.add(changes.length);
      expect(history.changes.map((change) => change.primaryKey.kind)).toEqual(changes.map(({ keyKind }) => keyKind));
      expect(history.changes.map((change) => change.revokesPurposeKeys)).toEqual(changes.map((change) => change.revokesPurposeKeys));
      expect(history.latest.attestationsValidUntil).toBe(changes.at(-1)?.validUntil);
      expect(exportChangeHistory(history)).toEqual(bytes);
      const { kind, bytes: publicKey } = history.latest.primaryKey;
      const secret = secrets.at(-1) ?? new Uint8Array(32);
      expect((kind === 'ed25519' ? nodeCrypto.importEd25519(secret) : nodeCrypto.importP256(secret)).publicKey).toEqual(publicKey);
    }),
    { numRuns: 60 },
  );
  expect([...counts].sort()).toEqual([1, 2, 3, 4]);
});

test('what others knew before is older, and of the same identity', () => {
  fc.assert(
    fc.property(changeHistories(), ({ prefixes, bytes }) => {
      const whole = imported(bytes);
      for (const [index, prefix] of prefixes.entries()) {
        const known = imported(prefix);
        expect(known.identifier).toBe(whole.identifier);
        expect(compareHistories(known, whole)).toBe(index === prefixes.length - 1 ? 'equal' : 'older');
      }
    }),
    { numRuns: 30 },
  );
});

test('two of them come in every relation: other identities, equal, older, newer, in conflict', () => {
  const relations = new Set<string>();
  const [ones, others] = [1, 2].map((seed) =>
    fc.sample(changeHistories({ changesMax: 2 }), { seed, numRuns: 40 }).map(({ bytes }) => imported(bytes)),
  );
  for (const one of ones ?? [])
    for (const other of others ?? []) relations.add(one.identifier === other.identifier ? compareHistories(one, other) : 'other');
  expect([...relations].sort()).toEqual(['conflict', 'equal', 'newer', 'older', 'other']);
});

test('histories shrink towards one Ed25519 key, and are as long as asked', () => {
  const { changes } = shrunk(changeHistories(), () => true);
  expect(changes).toEqual([{ keyKind: 'ed25519', revokesPurposeKeys: false, validFrom: 1_700_000_000, validUntil: 1_700_000_000 }]);
  const long = fc.sample(changeHistories({ changesMax: 8, firstFrom: 5 }), { seed: 1, numRuns: 40 });
  expect(Math.max(...long.map((history) => history.changes.length))).toBe(8);
  expect(long.every((history) => history.changes[0]?.validFrom === 5)).toBe(true);
});
