import { describe, expect, test } from 'vitest';
import { decodeCbor, encodeCbor } from '../../runtime/codec/cbor.ts';
import { CodecError } from '../../runtime/errors.ts';
import { fromHex, readVectors } from './read-vectors.ts';

/** The code that decoding ends with; `accepted` for none. Anything but a `CodecError` fails the test. */
function verdict(bytes: Uint8Array): string {
  try {
    decodeCbor(bytes, Number.MAX_SAFE_INTEGER);
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
  return 'accepted';
}

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Maps as objects, to compare with JSON. */
function asJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), asJson(item)]));
  return typeof value === 'bigint' ? Number(value) : value;
}

describe('RFC 7049, Appendix A', () => {
  interface Case {
    readonly hex: string;
    readonly roundtrip: boolean;
    readonly decoded?: unknown;
    readonly diagnostic?: string;
  }
  const cases = readVectors<readonly Case[]>('cbor/rfc7049_appendix_a.json');

  /** What this project has no use for, and so refuses. */
  function refusedClass({ hex, diagnostic }: Case): string | undefined {
    if (/^[579b]f|82..(..)?bf|9f02|9f04/.test(hex)) return 'indefinite length';
    if (/^[cd]/.test(hex)) return 'tag';
    if (diagnostic === undefined) return undefined;
    if (/NaN|Infinity/.test(diagnostic)) return 'NaN or infinity';
    if (diagnostic === 'undefined') return 'undefined';
    return diagnostic.startsWith('simple') ? 'simple value' : undefined;
  }
  const refused = cases.filter((each) => refusedClass(each) !== undefined);
  const accepted = cases.filter((each) => !refused.includes(each));

  test('82 cases: 50 accepted, 32 refused by class', () => {
    expect([cases.length, accepted.length, refused.length]).toEqual([82, 50, 32]);
  });

  test.each(refused)('$hex is refused', ({ hex }) => {
    expect(verdict(fromHex(hex))).not.toBe('accepted');
  });

  test.each(accepted)('$hex decodes', ({ hex, decoded, diagnostic, roundtrip }) => {
    const value = decodeCbor(fromHex(hex));
    if (diagnostic === undefined) expect(asJson(value)).toEqual(decoded);
    else if (value instanceof Uint8Array) expect(`h'${toHex(value)}'`).toBe(diagnostic);
    else expect(asJson(value)).toEqual({ 1: 2, 3: 4 });
    // A whole number is a whole number here, however it came; so its float form is not written again.
    const wholeFloat = /^f[9ab]/.test(hex) && Number.isInteger(value);
    if (roundtrip && !wholeFloat) expect(toHex(encodeCbor(value))).toBe(hex);
  });
});

describe('RFC 8949, Appendix F', () => {
  const { vectors } = readVectors<{ vectors: readonly { hex: string; why: string }[] }>('cbor/rfc8949_appendix_f_not_well_formed.json');

  test('94 cases', () => {
    expect(vectors.length).toBe(94);
  });

  test.each(vectors)('$hex is refused: $why', ({ hex }) => {
    expect(verdict(fromHex(hex))).not.toBe('accepted');
  });
});

describe('hostile bytes', () => {
  interface Case {
    readonly name: string;
    readonly expect: string;
    readonly hex?: string;
    readonly pattern?: string;
    readonly repeat?: number;
    readonly suffix?: string;
  }
  const { vectors } = readVectors<{ vectors: readonly Case[] }>('cbor/hostile.json');
  const bytesOf = ({ hex, pattern = '', repeat = 0, suffix = '' }: Case) => fromHex(hex ?? pattern.repeat(repeat) + suffix);
  const isFloat = (hex: string) => /^f[9ab]/.test(hex);

  test('87 cases', () => {
    expect(vectors.length).toBe(87);
  });

  test.each(vectors)('$name', (each) => {
    const bytes = bytesOf(each);
    const prototypeBefore = Object.getOwnPropertyNames(Object.prototype).join();
    const started = performance.now();
    const code = verdict(bytes);
    expect(performance.now() - started).toBeLessThan(50);
    expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(prototypeBefore);
    switch (each.expect) {
      case 'reject':
      case 'reject at message boundary':
        expect(code).not.toBe('accepted');
        break;
      case 'policy':
        // Decided: heads that are longer than need be are refused; a float means the same in any width.
        expect(code === 'accepted').toBe(isFloat(each.hex ?? ''));
        break;
      case 'exact or reject':
        if (code === 'accepted') expect(toHex(encodeCbor(decodeCbor(bytes)))).toBe(each.hex);
        else expect(each.name).toBe('integer bignum 2^64');
        break;
      default:
        expect(each.expect).toBe('accept as plain data or reject; never pollute');
        expect(decodeCbor(bytes)).toBeInstanceOf(Map);
    }
  });
});
