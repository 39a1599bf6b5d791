import { describe, expect, test } from 'vitest';
import { concat } from '../../runtime/codec/bare.ts';
import { headEnd, readCborHead } from '../../runtime/codec/cbor-head.ts';
import { decodeEnvelope, encodeEnvelopeHead } from '../../runtime/codec/envelope.ts';
import { CodecError } from '../../runtime/errors.ts';
import { ROUTE_ADDRESSES_MAX, Route, routeEnd } from '../../runtime/route.ts';
import { fromHex, readVectors } from './read-vectors.ts';

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The bytes of the tracing text and its head, which the decoder checks and drops. */
function tracingOf(body: Uint8Array): Uint8Array {
  Route.read(body, 1);
  Route.read(body, routeEnd);
  const payloadBytes = readCborHead(body, routeEnd, 0x40, '');
  return body.subarray(headEnd + payloadBytes);
}

describe('frames of running nodes of the original', () => {
  interface Frame {
    readonly scenario: string;
    readonly onward_route: readonly string[];
    readonly return_route: readonly string[];
    readonly payload_bytes: number;
    readonly frame: string;
  }
  const { connections } = readVectors<{ connections: readonly { frames: readonly Frame[] }[] }>('recorded/frames.json');
  const frames = connections.flatMap((connection) => connection.frames);

  test('7 connections, 44 frames', () => {
    expect([connections.length, frames.length]).toEqual([7, 44]);
  });

  test.each(frames)('$scenario: $payload_bytes bytes to $onward_route', (each) => {
    const body = fromHex(each.frame).subarray(4);
    const { onward, returnRoute, payload } = decodeEnvelope(body);
    expect([...onward].map(String)).toEqual(each.onward_route);
    expect([...returnRoute].map(String)).toEqual(each.return_route);
    expect(payload.length).toBe(each.payload_bytes);

    const frame = concat(encodeEnvelopeHead(onward, returnRoute, payload.length, 4), payload, tracingOf(body));
    new DataView(frame.buffer).setUint32(0, frame.length - 4);
    frame[4] = 0x84; // an array of four: with the tracing text
    expect(toHex(frame)).toBe(each.frame);
  });
});

describe('single frames of the hostile TCP streams', () => {
  interface Case {
    readonly name: string;
    readonly bytes: string | { readonly hop: string; readonly hops: number; readonly note: string };
    readonly expect: string;
  }
  const { cases } = readVectors<{ cases: readonly Case[] }>('frames/tcp.json');

  function verdict(body: Uint8Array): 'closed' | 'decoded' {
    try {
      decodeEnvelope(body);
    } catch (error) {
      if (error instanceof CodecError) return 'closed';
      throw error;
    }
    return 'decoded';
  }

  // Streams about preambles, deadlines, sizes and splits are the transport's; here are those that hold one whole frame.
  const whole = cases.flatMap(({ name, bytes, expect: expected }) => {
    if (typeof bytes !== 'string' || !bytes.startsWith('01') || bytes.length < 10) return [];
    const frame = fromHex(bytes).subarray(1);
    const claimed = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
    return claimed + 4 === frame.length ? [{ name, expected, body: frame.subarray(4) }] : [];
  });

  test('62 streams, 40 of one whole frame', () => {
    expect([cases.length, whole.length]).toEqual([62, 40]);
  });

  /** Left open by the file, decided here: any bytes are a name, and a name has at most 255. */
  const decided: Readonly<Record<string, string>> = {
    'address name empty': 'dropped',
    'address name not utf-8': 'dropped',
    'address name 4096 bytes': 'closed',
  };

  test.each(whole)('$name: $expected', ({ name, body, expected }) => {
    const due = expected === 'dropped or closed' ? decided[name] : expected;
    // A deadline is the transport's: such a frame is genuine, only slow.
    expect(verdict(body)).toBe(due === 'closed' ? 'closed' : 'decoded');
  });

  // Such a route is genuine bytes; whoever delivers the message refuses it, see `ROUTE_ADDRESSES_MAX`.
  const routes = cases.flatMap(({ name, bytes }) => (typeof bytes === 'string' ? [] : [{ name, ...bytes }]));

  test.each(routes)('$name decodes at once and is over the limit of a route', ({ name, hop, hops }) => {
    const addressHexDigits = 8;
    const count = (hops * hop.length) / addressHexDigits;
    const long = `99${count.toString(16).padStart(4, '0')}${hop.repeat(hops)}`;
    const { onward, returnRoute } = decodeEnvelope(fromHex(name.startsWith('return') ? `838182004165${long}4178` : `83${long}804178`));
    expect(Math.max(onward.length, returnRoute.length)).toBe(count);
    expect(count).toBeGreaterThan(ROUTE_ADDRESSES_MAX);
  });

  test('6 routes over the limit', () => {
    expect(routes.length).toBe(6);
  });
});
