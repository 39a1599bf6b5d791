import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Address, address } from '../../runtime/address.ts';
import { BareReader, bareVarint, concat } from '../../runtime/codec/bare.ts';
import { decodeBareEnvelope, encodeBareEnvelope } from '../../runtime/codec/bare-envelope.ts';
import { decodeCbor, encodeCbor } from '../../runtime/codec/cbor.ts';
import { data, text } from '../../runtime/codec/codec.ts';
import { type Envelope, decodeEnvelope, encodeEnvelopeHead } from '../../runtime/codec/envelope.ts';
import { msgpack } from '../../runtime/codec/msgpack.ts';
import { PosternError } from '../../runtime/errors.ts';
import { formatHostPort, parseHostPort } from '../../runtime/host-port.ts';
import { Route, parseRoute } from '../../runtime/route.ts';
import { addresses, envelopes, frames, hostileBytes, routes } from '../arbitraries/index.ts';

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const encodeEnvelope = ({ onward, returnRoute, payload }: Envelope) =>
  concat(encodeEnvelopeHead(onward, returnRoute, payload.length), payload);
const asCborg = (route: Route) => [...route].map(({ type, value }) => [type, value]);
const encodeRoute = (route: Route) => {
  const bytes = new Uint8Array(route.encodedBytes);
  expect(route.write(bytes, 0)).toBe(bytes.length);
  return bytes;
};
/** Numbers that have one form only: -0 is written as 0. */
const numbers = () =>
  fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value || 0),
  );
/** Text without half surrogate pairs; fast-check's `binary` unit has none. */
const texts = () => fc.string({ unit: 'binary' });

describe('envelopes', () => {
  test('decode(encode(x)) is x, and the hand-written bytes are those of cborg', () => {
    fc.assert(
      fc.property(envelopes(), (envelope) => {
        const bytes = encodeEnvelope(envelope);
        expect(toHex(bytes)).toBe(toHex(encode([asCborg(envelope.onward), asCborg(envelope.returnRoute), envelope.payload])));
        const decoded = decodeEnvelope(bytes);
        expect(decoded.onward.equals(envelope.onward)).toBe(true);
        expect(decoded.returnRoute.equals(envelope.returnRoute)).toBe(true);
        expect(decoded.payload).toEqual(envelope.payload);
        expect(toHex(encodeEnvelope(decoded))).toBe(toHex(bytes));
      }),
    );
  });

  test('BARE gives back the same envelope', () => {
    fc.assert(
      fc.property(envelopes(), (envelope) => {
        const decoded = decodeBareEnvelope(encodeBareEnvelope(envelope.onward, envelope.returnRoute, envelope.payload));
        expect(toHex(encodeEnvelope(decoded))).toBe(toHex(encodeEnvelope(envelope)));
      }),
    );
  });

  test('a frame cut anywhere is refused', () => {
    fc.assert(
      fc.property(frames(), fc.nat(), ({ bytes }, cut) => {
        const body = bytes.subarray(4);
        expect(() => decodeEnvelope(body.subarray(0, cut % body.length))).toThrow(PosternError);
      }),
    );
  });
});

describe('routes', () => {
  test('a route from the wire writes the same bytes after any steps as one that never was there', () => {
    const step = fc.oneof(fc.constant('rest' as const), fc.constant('look' as const), addresses());
    fc.assert(
      fc.property(routes(8), fc.array(step, { maxLength: 8 }), (route, steps) => {
        const walk = (start: Route) => {
          let at = start;
          for (const each of steps) {
            if (each instanceof Address) at = at.prepend(each);
            else if (each === 'rest') at = at.isEmpty ? at : at.rest;
            else if (!at.isEmpty) expect(at.next).toBeInstanceOf(Address);
          }
          return at;
        };
        const fromWire = walk(Route.read(encodeRoute(route), 0));
        const plain = walk(route);
        expect(toHex(encodeRoute(fromWire))).toBe(toHex(encode(asCborg(plain))));
        expect(fromWire.equals(plain)).toBe(true);
        expect(fromWire.length).toBe(plain.length);
      }),
    );
  });

  test('equal routes, and no others, are written alike', () => {
    fc.assert(
      fc.property(routes(3), routes(3), (left, right) => {
        expect(left.equals(right)).toBe(toHex(encodeRoute(left)) === toHex(encodeRoute(right)));
      }),
    );
  });

  test('the text of a route reads back, unless a name holds what separates', () => {
    const names = fc.stringMatching(/^[a-z0-9._:-]{1,12}$/);
    const plain = fc.array(fc.tuple(fc.nat({ max: 255 }), names), { maxLength: 6 });
    fc.assert(
      fc.property(plain, (parts) => {
        const shown = parts.map(([type, name]) => `${type}#${name}`).join(' => ');
        expect(parseRoute(shown).toString()).toBe(shown);
      }),
    );
  });
});

describe('addresses', () => {
  test('are equal when type and bytes are', () => {
    fc.assert(
      fc.property(addresses(), addresses(), (left, right) => {
        const same = left.type === right.type && toHex(left.value) === toHex(right.value);
        expect(left.equals(right)).toBe(same);
        expect(left.key === right.key).toBe(same);
        expect(Address.of(left.type, left.value).equals(left)).toBe(true);
        expect(Address.shared(left.type, left.value, 0, left.value.length).equals(left)).toBe(true);
      }),
    );
  });

  test('text reads back when it is UTF-8 without a #, and any other text is an address or a typed error', () => {
    fc.assert(
      fc.property(fc.nat({ max: 255 }), texts(), (type, name) => {
        const shown = `${type}#${name}`;
        if (name.includes('#')) expect(() => address(shown)).toThrow(expect.objectContaining({ code: 'ADDRESS_TEXT' }));
        else if (!name.startsWith('\ufeff')) expect(address(shown).toString()).toBe(shown);
      }),
    );
  });
});

describe('values', () => {
  const comesBack = <T>(values: fc.Arbitrary<T>, encodeValue: (value: T) => Uint8Array, decode: (bytes: Uint8Array) => unknown) => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decode(encodeValue(value))).toEqual(value);
      }),
    );
  };
  const cborText = () => texts().filter((each) => !each.startsWith('\ufeff'));

  test('CBOR comes back', () => {
    const leaf = fc.oneof(numbers(), cborText(), fc.uint8Array(), fc.boolean(), fc.constant(null));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('tree'), { maxLength: 5 }),
        fc.uniqueArray(fc.tuple(cborText(), tie('tree')), { selector: ([key]) => key, maxLength: 5 }).map((pairs) => new Map(pairs)),
      ),
    }));
    comesBack(tree, encodeCbor, (bytes) => decodeCbor(bytes));
  });

  test('MessagePack comes back', () => {
    const keys = texts().filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key));
    const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).filter((value) => !Number.isSafeInteger(Number(value)));
    const leaf = fc.oneof(numbers(), big, texts(), fc.uint8Array(), fc.boolean(), fc.constant(null));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('tree'), { maxLength: 5 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 5, noNullPrototype: true }),
      ),
    }));
    comesBack(tree, msgpack().encode, msgpack().decode);
  });

  test('BARE text, data and numbers come back', () => {
    comesBack(texts(), text.encode, text.decode);
    comesBack(fc.uint8Array({ maxLength: 300 }), data.encode, data.decode);
    comesBack(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), bareVarint, (bytes) => new BareReader(bytes).varint());
  });

  test('a host and a port that are accepted read back as they are', () => {
    const hosts = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(hosts, fc.nat({ max: 65_535 }), (host, port) => {
        expect(parseHostPort(formatHostPort({ host, port }))).toEqual({ host, port });
      }),
    );
  });
});

describe('hostile bytes throw only a PosternError, at once', () => {
  const body = frames().map(({ bytes }) => bytes.subarray(4));
  const bare = envelopes().map(({ onward, returnRoute, payload }) => encodeBareEnvelope(onward, returnRoute, payload));
  const packed = fc
    .dictionary(fc.string(), fc.oneof(fc.nat(), fc.string(), fc.array(fc.nat())))
    .map((value) => msgpack().encode({ value: JSON.stringify(value) }));
  const decoders: readonly [string, (bytes: Uint8Array) => unknown, fc.Arbitrary<Uint8Array>][] = [
    // What is decoded lazily is looked at, so that nothing is left to fail later.
    ['envelope', (bytes) => [...decodeEnvelope(bytes).onward, ...decodeEnvelope(bytes).returnRoute], body],
    ['BARE envelope', decodeBareEnvelope, bare],
    ['CBOR', (bytes) => decodeCbor(bytes), body],
    ['MessagePack', msgpack().decode, packed],
    ['text', text.decode, bare],
  ];

  test.each(decoders)('%s', (_name, decode, genuine) => {
    const before = Object.getOwnPropertyNames(Object.prototype).join();
    let slowestMs = 0;
    fc.assert(
      fc.property(hostileBytes({ genuine }), (bytes) => {
        const started = performance.now();
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(PosternError);
        }
        slowestMs = Math.max(slowestMs, performance.now() - started);
      }),
      { numRuns: 500 },
    );
    expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(before);
    // Far above what any input takes; a decoder that works on a claim takes seconds.
    expect(slowestMs).toBeLessThan(500);
  });
});
