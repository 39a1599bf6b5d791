import { expect, test } from 'vitest';
import { bytesText, detailsOf, sentence, timeText } from './words.ts';

test('virtual times are seconds, and from an hour on hours', () => {
  expect([0, 12_345.9, 3_599_999, 3_600_000, 90_061_001].map(timeText)).toEqual([
    '0.000 s',
    '12.345 s',
    '3599.999 s',
    '1:00:00.000',
    '25:01:01.001',
  ]);
});

test('sizes are short', () => {
  expect([0, 9_999, 65_536, 12_345_678].map(bytesText)).toEqual(['0 B', '9999 B', '65.5 kB', '12.3 MB']);
});

test('addresses that were drawn by chance are cut in a sentence, and whole in the details', () => {
  const address = `0#${'4f945b'.padEnd(32, '0')}`;
  const message = {
    ...({ kind: 'message', atMs: 0, node: 'a', life: 1, what: 'sent', message: 3, source: address, destination: address } as const),
    ...{ onward: `${address} => 0#echo`, returnRoute: '', payloadBytes: 2, hops: 0, isFromAfar: false, payload: new Uint8Array(300) },
  };
  expect(sentence(message)).toBe('#3 0#4f945b… to 0#4f945b… => 0#echo, 2 B');
  const details = new Map(detailsOf(message));
  expect(details.get('source')).toBe(address);
  expect(details.get('payload')).toBe(`${'00'.repeat(256)}… 44 bytes more`);
});
