import { describe, expect, test } from 'vitest';
import { CodecError } from '../errors.ts';
import { route } from '../route.ts';
import { concat } from './bare.ts';
import { decodeEnvelope, encodeEnvelopeHead } from './envelope.ts';

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const codeOf = (hex: string) => {
  try {
    decodeEnvelope(bytesOf(hex));
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
  return 'accepted';
};

const traceParent =
  '7b227472616365706172656e74223a2230302d30616637363531393136636434336464383434386562323131633830333139632d623761643662373136393230333333312d3031222c2274726163657374617465223a22227d';
const step2 = '818200446563686f 818200 43617070 46 0568656c6c6f';
const step5 = '818200 43617070 818200446563686f 46 0568656c6c6f';

describe('the worked examples of routing.md 3.3', () => {
  test('a message to echo decodes and encodes', () => {
    const envelope = decodeEnvelope(bytesOf(`83 ${step2}`));
    expect(envelope.onward.toString()).toBe('0#echo');
    expect(envelope.returnRoute.toString()).toBe('0#app');
    expect(hexOf(envelope.payload)).toBe('0568656c6c6f');
    const head = encodeEnvelopeHead(route('echo'), route('app'), 6);
    expect(hexOf(concat(head, envelope.payload))).toBe('83818200446563686f81820043617070460568656c6c6f');
  });

  test.each([
    ['the {} of a node of the original', `84 ${step2} 627b7d`, '0#echo'],
    ['the reply', `84 ${step5} 627b7d`, '0#app'],
    ['an active trace', `84 ${step2} 7859 ${traceParent}`, '0#echo'],
    ['null for no tracing', `84 ${step2} f6`, '0#echo'],
    ['an extra element', `85 ${step2} f600`, '0#echo'],
    ['extras of any well-formed kind', `88 ${step2} f6 a1616101 828001 fb3ff199999999999a 40`, '0#echo'],
    ['tracing text that is not ASCII', `84 ${step2} 62c3bc`, '0#echo'],
    ['tracing text that begins with a byte order mark', `84 ${step2} 65efbbbf7b7d`, '0#echo'],
    ['a heartbeat', '83808040', ''],
    ['a heartbeat with tracing', '84808040627b7d', ''],
  ])('%s is accepted', (_what, hex, onward) => {
    expect(decodeEnvelope(bytesOf(hex)).onward.toString()).toBe(onward);
  });

  test.each([
    ['text in an address', '8481820064 6563686f 80 40 f6', 'CODEC_TYPE'],
    ['a payload of integers', '8380808101', 'CODEC_TYPE'],
    ['an indefinite payload', '8380805f4101ff', 'CODEC_LIMIT'],
    ['an indefinite outer array', `9f ${step2} ff`, 'CODEC_LIMIT'],
    ['undefined for tracing', `84 ${step2} f7`, 'CODEC_TYPE'],
    ['an integer for tracing', `84 ${step2} 01`, 'CODEC_TYPE'],
    ['tracing text that is no UTF-8', `84 ${step2} 61ff`, 'CODEC_TEXT'],
    ['tracing text that ends early', `84 ${step2} 627b`, 'CODEC_TRUNCATED'],
    ['tracing promised and absent', `84 ${step2}`, 'CODEC_TRUNCATED'],
    ['indefinite tracing text', `84 ${step2} 7f617bff`, 'CODEC_LIMIT'],
    ['an extra that is not well formed', `85 ${step2} f6 1c`, 'CODEC_LIMIT'],
    ['an extra that is tagged', `85 ${step2} f6 c000`, 'CODEC_TYPE'],
    ['no payload', '828080', 'CODEC_TYPE'],
    ['a payload that ends early', '83808042aa', 'CODEC_TRUNCATED'],
    ['a payload that claims 4 GiB', '8380805affffffff', 'CODEC_TRUNCATED'],
    ['a route that claims 4 Gi addresses', '839affffffff', 'CODEC_TYPE'],
    ['an address of 256 bytes', `8381 8200590100 ${'61'.repeat(256)} 8040`, 'CODEC_LIMIT'],
    ['a map', 'a0', 'CODEC_TYPE'],
    ['bytes after the envelope', '8380804000', 'CODEC_TRAILING'],
    ['nothing', '', 'CODEC_TRUNCATED'],
  ])('%s is refused', (_what, hex, code) => {
    expect(codeOf(hex)).toBe(code);
  });
});

test('an extra may be nested 32 deep and no deeper', () => {
  const nested = (depth: number) => `85 ${step2} f6 ${'81'.repeat(depth)}00`;
  expect(codeOf(nested(32))).toBe('accepted');
  expect(codeOf(nested(33))).toBe('CODEC_LIMIT');
  expect(codeOf(nested(1_000_000))).toBe('CODEC_LIMIT');
});

test('the payload is a view and the routes stay as they came', () => {
  const body = bytesOf(`83 ${step2}`);
  expect(decodeEnvelope(body).payload.buffer).toBe(body.buffer);
});

test('headroom stays free at the front and no head overwrites another', () => {
  const heads = Array.from({ length: 2_000 }, (_, index) => {
    const head = encodeEnvelopeHead(route(`worker-${index}`), route('app'), index, 4);
    head.set([index >> 8, index & 0xff, 0xff, 0xff]);
    return head;
  });
  for (const [index, head] of heads.entries()) {
    expect([...head.subarray(0, 4)]).toEqual([index >> 8, index & 0xff, 0xff, 0xff]);
    const envelope = decodeEnvelope(concat(head.subarray(4), new Uint8Array(index)));
    expect(envelope.onward.toString()).toBe(`0#worker-${index}`);
    expect(envelope.payload.length).toBe(index);
  }
});

test('a route too long for shared memory is still written whole', () => {
  const long = route(...Array.from({ length: 30 }, (_, index) => `${index}`.padEnd(100, 'x')));
  const head = encodeEnvelopeHead(long, route(), 0);
  expect(decodeEnvelope(head).onward.equals(long)).toBe(true);
});
