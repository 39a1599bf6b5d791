import { describe, expect, test } from 'vitest';
import { msgpack } from '../../runtime/codec/msgpack.ts';
import { fromHex, readVectors } from './read-vectors.ts';

type Case = Readonly<Record<string, unknown>> & { readonly msgpack: readonly string[]; readonly bignum?: string; readonly binary?: string };
const suite = readVectors<Readonly<Record<string, readonly Case[]>>>('msgpack/msgpack-test-suite.json');
const groups = Object.entries(suite);
const bytesOf = (dashed: string) => fromHex(dashed.replaceAll('-', ''));
const codec = msgpack();

/** Extension types mean nothing to the peers of a structured message; times are sent as numbers. */
const refused = new Set(['50.timestamp.yaml', '60.ext.yaml']);

function meaning(each: Case): unknown {
  if (each.binary !== undefined) return bytesOf(each.binary);
  if (each.bignum !== undefined && !Number.isSafeInteger(Number(each.bignum))) return BigInt(each.bignum);
  return (
    Object.entries(each).find(([kind]) => kind !== 'msgpack' && kind !== 'bignum')?.[1] ??
    (each.bignum === undefined ? null : Number(each.bignum))
  );
}

test('85 cases in 15 groups', () => {
  expect([groups.flatMap(([, cases]) => cases).length, groups.length]).toEqual([85, 15]);
});

describe.each(groups.filter(([group]) => !refused.has(group)))('%s', (_group, cases) => {
  test.each(cases)('$msgpack.0 in every length', (each) => {
    const value = meaning(each);
    for (const form of each.msgpack) expect(codec.decode(bytesOf(form))).toEqual(value);
    expect(codec.decode(codec.encode(value))).toEqual(value);
  });
});

describe.each(groups.filter(([group]) => refused.has(group)))('%s', (_group, cases) => {
  test.each(cases)('$msgpack.0 is refused: an extension type', (each) => {
    for (const form of each.msgpack) expect(() => codec.decode(bytesOf(form))).toThrow(expect.objectContaining({ code: 'CODEC_TYPE' }));
  });
});
