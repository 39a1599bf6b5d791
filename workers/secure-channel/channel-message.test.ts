import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../runtime/codec/bare.ts';
import { encodeCbor } from '../../runtime/codec/cbor.ts';
import { PosternError } from '../../runtime/errors.ts';
import { hex } from '../../runtime/random.ts';
import { type Route, route } from '../../runtime/route.ts';
import {
  CREDENTIALS_MAX,
  decodeChannelMessage,
  decodeIdentityAndCredentials,
  encodeClose,
  encodeIdentityAndCredentials,
  encodePayloadHead,
  encodeRefreshCredentials,
  PAYLOAD_TAIL,
} from './channel-message.ts';

const bytes = (digits: string) => Uint8Array.from(digits.replaceAll(' ', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const encodePayload = (onward: Route, returnRoute: Route, payload: Uint8Array) =>
  concat(encodePayloadHead(onward, returnRoute, payload.length), payload, PAYLOAD_TAIL);

const routes = fc.array(fc.stringMatching(/^[a-z0-9]{1,40}$/), { maxLength: 8 }).map((names) => route(...names));
const items = fc
  .oneof(fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat(), { maxLength: 5 }), fc.constant(null), fc.string())
  .map((value) => encodeCbor(value));
const credentials = fc.array(items, { maxLength: CREDENTIALS_MAX });

describe('decode(encode(x)) is x', () => {
  test('payload, with the bytes that a generic encoder writes', () => {
    fc.assert(
      fc.property(routes, routes, fc.uint8Array({ maxLength: 70_000 }), (onward, returnRoute, payload) => {
        const encoded = encodePayload(onward, returnRoute, payload);
        const plain = (given: Route) => [...given].map((hop) => [hop.type, hop.value]);
        expect(hex(encoded)).toBe(hex(encodeCbor([[0, [[plain(onward), plain(returnRoute), payload]]], new Uint8Array(0)])));
        const message = decodeChannelMessage(encoded);
        if (message.kind !== 'payload') throw new Error(message.kind);
        expect(message.onward.equals(onward)).toBe(true);
        expect(message.returnRoute.equals(returnRoute)).toBe(true);
        expect(hex(message.payload)).toBe(hex(payload));
        expect(message.payload.buffer).toBe(encoded.buffer);
      }),
    );
  });

  test('credentials', () => {
    fc.assert(
      fc.property(items, items, credentials, (changeHistory, purposeKeyAttestation, presented) => {
        const content = { changeHistory, purposeKeyAttestation, credentials: presented };
        expect(decodeIdentityAndCredentials(encodeIdentityAndCredentials(content))).toEqual(content);
        expect(decodeChannelMessage(encodeRefreshCredentials(changeHistory, presented))).toEqual({
          kind: 'refreshCredentials',
          changeHistory,
          credentials: presented,
        });
      }),
    );
  });

  test('close', () => expect(decodeChannelMessage(encodeClose())).toEqual({ kind: 'close' }));
});

test('any other bytes throw only a PosternError', () => {
  const valid = [encodePayload(route('a', 'b'), route('c'), new Uint8Array(9)), encodeRefreshCredentials(bytes('80'), [bytes('8101')])];
  const mutated = fc
    .record({ from: fc.constantFrom(...valid), at: fc.nat(60), byte: fc.nat(255), cut: fc.nat(60) })
    .map(({ from, at, byte, cut }) => {
      const copy = from.slice(0, Math.max(1, from.length - (cut > 30 ? cut - 30 : 0)));
      copy[at % copy.length] = byte;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated), (given) => {
      for (const decode of [decodeChannelMessage, decodeIdentityAndCredentials]) {
        try {
          decode(given);
        } catch (error) {
          if (!(error instanceof PosternError)) throw error;
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test('what is beyond the known fields is walked over, and padding means nothing', () => {
  for (const longer of [
    '82 82 00 81 83 80 80 41aa 43010203', // padding
    '83 82 00 81 83 80 80 41aa 40 8201f6', // after the padding
    '82 82 00 82 83 80 80 41aa 6161 40', // after the field of the variant
    '82 82 00 81 85 80 80 41aa f5 a10102 40', // after the payload
  ]) {
    expect(decodeChannelMessage(bytes(longer))).toMatchObject({ kind: 'payload', payload: bytes('aa') });
  }
  expect(decodeChannelMessage(bytes('82 82 02 8101 40'))).toEqual({ kind: 'close' });
  expect(decodeIdentityAndCredentials(bytes('84 80 01 80 f6'))).toEqual({
    changeHistory: bytes('80'),
    purposeKeyAttestation: bytes('01'),
    credentials: [],
  });
});

test.each([
  ['nothing', ''],
  ['no padding', '81 82 02 80'],
  ['null for padding', '82 82 02 80 f6'],
  ['a choice of three', '82 83 02 80 80 40'],
  ['an unknown variant', '82 82 03 8101 40'],
  ['no content', '82 82 00 80 40'],
  ['a payload that is missing', '82 82 00 81 82 80 80 40'],
  ['a payload that is null', '82 82 00 81 83 80 80 f6 40'],
  ['a payload that is text', '82 82 00 81 83 80 80 60 40'],
  ['a payload cut short', '82 82 00 81 83 80 80 42aa'],
  ['a length bomb', '82 82 00 81 83 80 80 5affffffff 40'],
  ['a route of 33', `82 82 00 81 83 9821 ${'82004161'.repeat(33)} 80 40 40`],
  ['indefinite arrays', '9f 82 02 80 40 ff'],
  ['bytes after the end', '82 82 02 80 40 00'],
  ['nine credentials', `82 82 01 81 82 80 89 ${'80'.repeat(9)} 40`],
  ['a tag', '82 82 01 81 82 c180 80 40'],
])('refused: %s', (_what, digits) => {
  expect(() => decodeChannelMessage(bytes(digits))).toThrow(PosternError);
});
