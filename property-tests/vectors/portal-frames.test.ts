import { describe, expect, test } from 'vitest';
import { concat } from '../../runtime/codec/bare.ts';
import { decodeEnvelope } from '../../runtime/codec/envelope.ts';
import { hex } from '../../runtime/random.ts';
import {
  decodePortalMessage,
  encodeDisconnect,
  encodePayloadHead,
  encodePing,
  encodePong,
  type PortalMessage,
} from '../../workers/portal/portal-message.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface Frame {
  readonly scenario: string;
  readonly onward_route: readonly string[];
  readonly return_route: readonly string[];
  readonly frame: string;
}

const { connections } = readVectors<{ connections: readonly { frames: readonly Frame[] }[] }>('recorded/frames.json');
const frames = connections.flatMap((connection) => connection.frames).filter(({ scenario }) => scenario.startsWith('portal-'));
const isEcho = ({ onward_route, return_route }: Frame) => [...onward_route, ...return_route].includes('0#echo');
const messages = frames
  .filter((frame) => !isEcho(frame))
  .map((frame) => ({ ...frame, payload: decodeEnvelope(fromHex(frame.frame).subarray(4)).payload }));

function written(message: PortalMessage): Uint8Array {
  switch (message.kind) {
    case 'ping':
      return encodePing();
    case 'pong':
      return encodePong();
    case 'disconnect':
      return encodeDisconnect();
    case 'payload':
      return concat(encodePayloadHead(message.bytes.length), message.bytes);
    default:
      throw new Error(`the original does not say ${message.kind}`);
  }
}

describe('portal messages of running nodes of the original', () => {
  test('29 frames, 25 of them of streams', () => {
    expect([frames.length, messages.length]).toEqual([29, 25]);
  });

  test.each(messages)('$scenario: $onward_route', ({ payload }) => {
    const message = decodePortalMessage(payload);
    expect(hex(written(message))).toBe(hex(payload));
    if (message.kind === 'payload') expect(message.counter).toBeUndefined();
    if (message.kind === 'ping' || message.kind === 'pong') expect(message.announcement).toBeUndefined();
  });

  test('every kind occurs', () => {
    const counts = { ping: 0, pong: 0, disconnect: 0, payload: 0 };
    for (const { payload } of messages) counts[decodePortalMessage(payload).kind as keyof typeof counts]++;
    expect(counts).toEqual({ ping: 5, pong: 4, disconnect: 4, payload: 12 });
  });

  test('100,000 bytes leave in pieces of 48 KiB', () => {
    const sizes = messages.flatMap(({ scenario, payload }) => {
      const message = decodePortalMessage(payload);
      return scenario === 'portal-echo-100000' && message.kind === 'payload' ? [message.bytes.length] : [];
    });
    expect(sizes).toEqual([49_152, 49_152, 1_696, 49_152, 49_152, 1_696]);
  });
});
