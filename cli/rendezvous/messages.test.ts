import { expect, test } from 'vitest';
import { answerTo, decodeAnswer, encodeRequest } from './messages.ts';

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');

test('a request and its answer are the bytes of the protocol', () => {
  const request = encodeRequest('my-address', 'app', 0x1234);
  expect(hex(request)).toBe('850119123400f5581a838182004a72656e64657a766f75738182004361707043820180');
  const answer = answerTo(request, '1.2.3.4:5', 7);
  expect(hex(answer)).toContain('82018169312e322e332e343a35');
  expect(decodeAnswer(answer ?? new Uint8Array(), 'app')).toEqual({ address: '1.2.3.4:5' });
  expect(decodeAnswer(answer ?? new Uint8Array(), 'another')).toBeUndefined();
  expect(hex(answerTo(encodeRequest('ping', 'app', 1), '1.2.3.4:5', 7))).toContain('820080');
});

test('what is no request is not answered', () => {
  const request = encodeRequest('ping', 'app', 1);
  for (let at = 0; at < request.length; at++) {
    expect(answerTo(request.subarray(0, at), '1.2.3.4:5', 1)).toBeUndefined();
    const changed = request.slice();
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    expect(() => answerTo(changed, '1.2.3.4:5', 1)).not.toThrow();
  }
});
