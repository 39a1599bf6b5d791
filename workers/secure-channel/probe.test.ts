import { expect, test } from 'vitest';
import { address } from '../../runtime/address.ts';
import { hex } from '../../runtime/random.ts';
import { Route } from '../../runtime/route.ts';
import { decodeChannelMessage, encodePadded, type PayloadMessage } from './channel-message.ts';
import { answeredProbe, encodeProbe, encodeProbeAnswer, isProbe } from './probe.ts';

const MARK = Uint8Array.of(0x50, 0x53, 0x54, 1);
const read = (bytes: Uint8Array) => decodeChannelMessage(bytes) as PayloadMessage;

test('a probe is, to the byte, what docs/protocol.md shows', () => {
  const example = '82 82 00 81 83 81 82 00 44 6563686f 81 82 00 41 64 48 0000000000000001 44 50535401';
  expect(hex(encodeProbe(address('d'), 1))).toBe(example.replaceAll(' ', ''));
});

test('an answer carries the number back, goes to the prober, and is no probe', () => {
  const probe = read(encodeProbe(address('d'), 0xffff_ffff));
  expect(isProbe(probe)).toBe(true);
  const bytes = encodeProbeAnswer(probe);
  const answer = read(bytes);
  expect(answer.onward.toString()).toBe('0#d');
  expect(answer.returnRoute.isEmpty).toBe(true);
  expect(answeredProbe(answer)).toBe(0xffff_ffff);
  expect(isProbe(answer)).toBe(false);
  expect(bytes.length).toBeLessThan(encodeProbe(address('d'), 1).length);
});

test('another size, another mark or a longer way back make it an ordinary message', () => {
  const echo = Route.of([address('echo')]);
  const one = Route.of([address('d')]);
  const eight = new Uint8Array(8);
  expect(isProbe(read(encodePadded(echo, one, eight, MARK)))).toBe(true);
  const others: [Route, Uint8Array, Uint8Array][] = [
    [one, new Uint8Array(9), MARK],
    [one, new Uint8Array(48_000), MARK],
    [one, eight, Uint8Array.of(0x50, 0x53, 0x54, 2)],
    [one, eight, new Uint8Array(0)],
    [one.prepend(address('x')), eight, MARK],
    [Route.empty, eight, MARK],
  ];
  for (const [wayBack, payload, padding] of others) expect(isProbe(read(encodePadded(echo, wayBack, payload, padding)))).toBe(false);
  expect(answeredProbe(read(encodePadded(echo, one, new Uint8Array(7), MARK)))).toBe(0);
});
