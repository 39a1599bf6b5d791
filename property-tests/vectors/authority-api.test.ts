import { describe, expect, test } from 'vitest';
import { BareReader, bareVarint, concat } from '../../runtime/codec/bare.ts';
import { encodeCbor } from '../../runtime/codec/cbor.ts';
import { hex } from '../../runtime/random.ts';
import { route } from '../../runtime/route.ts';
import {
  decodeErrorBody,
  decodeRequest,
  decodeResponse,
  encodeErrorBody,
  encodeRequest,
  encodeResponse,
  type ErrorBody,
  type Method,
  segmentsOf,
  STATUS_NAMES,
  type Status,
} from '../../workers/api/api-message.ts';
import { decodeChannelMessage, encodePayloadHead, PAYLOAD_TAIL } from '../../workers/secure-channel/channel-message.ts';
import { FrameOpener } from '../../workers/secure-channel/frame-opener.ts';
import { FrameSealer } from '../../workers/secure-channel/frame-sealer.ts';
import { PROVIDERS } from './channel-parties.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface Framed {
  cbor: string;
  payload: string;
}
interface Layer {
  api_payload: string;
  plaintext: string;
  ciphertext: string;
  key: string;
}
interface ApiFile {
  api: {
    requests: (Framed & { id: string; request: { id: number; method: Method; path: string; body: string | null } })[];
    responses: (Framed & {
      id: string;
      response: { id: number; re: number; status: Status; body: ErrorBody | string | null; name?: string };
    })[];
    path_segments: { path: string; max_segments: number; segments: string[] }[];
    lengths: { length: number; uvarint: string }[];
  };
  layers: { request: Layer; response: Layer };
}

const { api, layers } = readVectors<ApiFile>('authority/authority.json');

test('all cases are here', () => {
  expect([api.requests, api.responses, api.path_segments, api.lengths].map((cases) => cases.length)).toEqual([6, 15, 8, 7]);
});

test.each(api.requests)('request $id', ({ request, cbor, payload }) => {
  const body = request.body === null ? undefined : encodeCbor('hi');
  expect(hex(encodeRequest({ ...request, body }))).toBe(payload);
  expect(decodeRequest(fromHex(payload))).toEqual({ ...request, body });
  expect(hex(new BareReader(fromHex(payload)).data())).toBe(cbor);
});

test.each(api.responses)('response $id', ({ response: { id, re, status, body, name }, cbor, payload }) => {
  const encoded = body === null ? undefined : typeof body === 'string' ? encodeCbor(body) : encodeErrorBody(body);
  expect(hex(encodeResponse({ id, re, status, body: encoded }))).toBe(payload);
  const decoded = decodeResponse(fromHex(payload));
  expect(decoded).toEqual({ id, re, status, body: encoded });
  if (body !== null && decoded.body !== undefined)
    expect(decodeErrorBody(decoded.body)).toEqual(typeof body === 'string' ? { message: body } : body);
  if (name !== undefined) expect(STATUS_NAMES[status]).toBe(name);
  expect(hex(new BareReader(fromHex(payload)).data())).toBe(cbor);
});

test.each(api.path_segments)('segments of $path', ({ path, max_segments, segments }) => {
  expect(segmentsOf(path, max_segments)).toEqual(segments);
});

test.each(api.lengths)('length $length', ({ length, uvarint }) => {
  expect(hex(bareVarint(length))).toBe(uvarint);
});

describe.each(PROVIDERS)('all layers of one exchange, $name', (crypto) => {
  const ways = { request: ['enrollment_token_acceptor', 'app'], response: ['app', 'enrollment_token_acceptor'] } as const;
  test.each(['request', 'response'] as const)('%s', (direction) => {
    const { api_payload, plaintext, ciphertext, key } = layers[direction];
    const [onward, back] = ways[direction];
    const payload = fromHex(api_payload);
    const whole = concat(encodePayloadHead(route(onward), route(back), payload.length), payload, PAYLOAD_TAIL);
    expect(hex(whole)).toBe(plaintext);
    const aead = () => crypto.importAes256Gcm(fromHex(key));
    expect(hex(concat(...new FrameSealer(crypto, aead()).seal([whole])))).toBe(ciphertext);
    const opened = decodeChannelMessage(new FrameOpener(crypto, aead()).open(fromHex(ciphertext)));
    expect(opened.kind === 'payload' && hex(opened.payload)).toBe(api_payload);
  });
});

describe('what is refused', () => {
  const good = fromHex('0aa4010102612f030004f4');
  test.each([
    ['nothing', ''],
    ['a length that is too long', '0ba4010102612f030004f4'],
    ['bytes after the message', '0aa4010102612f030004f400'],
    ['a header that is no map', '0183'],
    ['a method that does not exist', '0aa4010102612f030504f4'],
    ['a header without its last field', '08a3010102612f0300'],
    ['an id of 33 bits', '12a4011b000000010000000002612f030004f4'],
    ['a header twice the same key', '0ca5010101010261 2f030004f4'.replace(' ', '')],
  ])('%s', (_, digits) => {
    expect(() => decodeRequest(fromHex(digits))).toThrow(expect.objectContaining({ name: 'CodecError' }) as Error);
  });

  test('a status that does not exist', () => {
    expect(() => decodeResponse(fromHex('0aa4010202010318c904f4'))).toThrow(/no status 201/);
  });

  test('more than 256 KiB', () => {
    expect(() => decodeRequest(concat(good, new Uint8Array(256 * 1024)))).toThrow(/at most 262144/);
  });

  test('unknown fields and an absent method are no fault', () => {
    expect(decodeRequest(fromHex('08a3010102612f04f4'))).toMatchObject({ method: undefined, path: '/' });
    expect(decodeRequest(fromHex('0ca5010102612f030004f40900'))).toMatchObject({ id: 1, method: 'GET', body: undefined });
  });
});
