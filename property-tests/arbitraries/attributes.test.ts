import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeAttributes, isReservedAttribute } from '../../identities/attributes.ts';
import { shrunk } from '../shrunk.ts';
import { readVectors } from '../vectors/read-vectors.ts';
import { attributeNames, attributeSets } from './index.ts';

test('an authority can give every set, of so many at most', () => {
  const counts = new Set<number>();
  fc.assert(
    fc.property(attributeSets(4), (attributes) => {
      counts.add(attributes.size);
      expect(() => encodeAttributes(attributes)).not.toThrow();
    }),
    { numRuns: 300 },
  );
  expect([...counts].sort()).toEqual([0, 1, 2, 3, 4]);
});

test('every name of the vectors turns up, but those that no authority may give', () => {
  const { names } = readVectors<{ names: string[] }>('strings/attributes.json');
  const drawn = new Set(fc.sample(attributeNames(), { seed: 1, numRuns: 5_000 }));
  const missing = names.filter((name) => !isReservedAttribute(name) && !drawn.has(name));
  expect(missing.filter((name) => !/^x+$/.test(name) && !name.startsWith('ockam-'))).toEqual([]);
  expect([...drawn].filter(isReservedAttribute)).toEqual([]);
});

test('attributes shrink towards none, then towards an empty role', () => {
  expect(shrunk(attributeSets(), () => true).size).toBe(0);
  expect([...shrunk(attributeSets(), ({ size }) => size > 0)]).toEqual([['role', '']]);
});
