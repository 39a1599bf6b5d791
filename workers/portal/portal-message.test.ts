import { describe, expect, test } from 'vitest';
import { concat } from '../../runtime/codec/bare.ts';
import { CodecError } from '../../runtime/errors.ts';
import { hex } from '../../runtime/random.ts';
import { PortalError } from './errors.ts';
import {
  decodePortalMessage,
  encodeDataHead,
  encodeDisconnect,
  encodeEnd,
  encodePayloadHead,
  encodePing,
  encodePong,
  encodeProbe,
  encodeReset,
  encodeWindow,
} from './portal-message.ts';

const text = new TextEncoder();
const fromHex = (digits: string) => Uint8Array.from(Buffer.from(digits, 'hex'));
const decodeHex = (digits: string) => decodePortalMessage(fromHex(digits));

// Source: routing.md 4.1, the examples.
describe('what the original sends', () => {
  test('ping, pong, disconnect are one byte', () => {
    expect([encodePing(), encodePong(), encodeDisconnect()].map(hex)).toEqual(['00', '01', '02']);
    expect(decodeHex('00')).toEqual({ kind: 'ping', announcement: undefined });
    expect(decodeHex('01')).toEqual({ kind: 'pong', announcement: undefined });
    expect(decodeHex('02')).toEqual({ kind: 'disconnect' });
  });

  test('payload: a length, the bytes, and nothing else', () => {
    expect(hex(concat(encodePayloadHead(3), text.encode('GET')))).toBe('0303474554');
    expect(hex(encodePayloadHead(49_152))).toBe('03808003');
    expect(decodeHex('0303474554')).toEqual({ kind: 'payload', bytes: text.encode('GET'), counter: undefined });
  });

  test.each([
    ['with a counter', '030568656c6c6f017b00', 123],
    ['little-endian', '030568656c6c6f01feca', 0xcafe],
    ['with an explicit "no counter"', '030568656c6c6f00', undefined],
    ['with another flag', '030568656c6c6f027b00', undefined],
    ['with two bytes left', '030568656c6c6f017b', undefined],
    ['with bytes behind the counter', '030568656c6c6f017b00ffff', 123],
  ])('a counter is read: %s', (_, digits, counter) => {
    expect(decodeHex(digits)).toEqual({ kind: 'payload', bytes: text.encode('hello'), counter });
  });

  test('trailing bytes and unknown kinds are ignored', () => {
    expect(decodeHex('00ffff')).toEqual({ kind: 'ping', announcement: undefined });
    expect(decodeHex('015058')).toEqual({ kind: 'pong', announcement: undefined });
    expect(decodeHex('0200')).toEqual({ kind: 'disconnect' });
    for (const kind of ['04', '0f', '15', 'ff']) expect(decodeHex(`${kind}00`)).toEqual({ kind: 'unknown' });
  });
});

describe('what ends of ours add', () => {
  test('an announcement behind Ping and Pong', () => {
    expect(hex(encodePing(1_048_576))).toBe('005053540100808040');
    expect(hex(encodePong(1_048_576))).toBe('015053540100808040');
    const announcement = { version: 1, capabilities: 0, windowBytes: 1_048_576 };
    expect(decodeHex('005053540100808040')).toEqual({ kind: 'ping', announcement });
    expect(decodeHex('015053540100808040ff')).toEqual({ kind: 'pong', announcement });
  });

  test('a later version and unknown capabilities are read', () => {
    expect(decodeHex('0050535402ff0105')).toEqual({ kind: 'ping', announcement: { version: 2, capabilities: 255, windowBytes: 5 } });
  });

  test('one that is cut off never passes for none', () => {
    const whole = encodePing(1_048_576);
    for (let length = 2; length < whole.length; length++) {
      expect(() => decodePortalMessage(whole.subarray(0, length))).toThrow(length < 4 ? PortalError : CodecError);
    }
    expect(() => decodeHex('00505354000005')).toThrow(PortalError);
  });

  test('layouts', () => {
    expect(hex(concat(encodeDataHead(300), text.encode('GET')))).toBe('10ac02474554');
    expect(hex(encodeWindow(5, 1_048_581))).toBe('1105858040');
    expect(hex(encodeEnd(128))).toBe('128001');
    expect(hex(encodeReset('gap'))).toBe('1305');
    expect(hex(encodeProbe(0))).toBe('1400');
    expect(decodeHex('10ac02474554')).toEqual({ kind: 'data', offset: 300, bytes: text.encode('GET') });
    expect(decodeHex('1105858040')).toEqual({ kind: 'window', received: 5, limit: 1_048_581 });
    expect(decodeHex('128001')).toEqual({ kind: 'end', total: 128 });
    expect(decodeHex('1305')).toEqual({ kind: 'reset', reason: 'gap' });
    expect(decodeHex('13ff')).toEqual({ kind: 'reset', reason: 'unspecified' });
    expect(decodeHex('1400')).toEqual({ kind: 'probe', sent: 0 });
  });
});

test('what is cut off or beyond any stream is refused', () => {
  for (const digits of ['03', '0305', '030568656c6c', '10', '1080', '1105', '118005', '12', '13', '14']) {
    expect(() => decodeHex(digits), digits).toThrow(CodecError);
  }
  expect(() => decodeHex('10ffffffffffffffffff01')).toThrow(CodecError);
  expect(() => decodeHex('12ffffffffffffffffffff01')).toThrow(CodecError);
  expect(() => decodeHex('')).toThrow(PortalError);
});
