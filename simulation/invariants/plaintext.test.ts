import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkings } from '../../property-tests/arbitraries/index.ts';
import { traceOf } from '../../property-tests/histories.ts';
import type { BytesEvent, TraceEvent } from '../trace.ts';
import { noPlaintext } from './plaintext.ts';

const SECRET = 'account 4711';
const utf8 = new TextEncoder();

const bytes = (text: string | Uint8Array, fields: Partial<BytesEvent> = {}): BytesEvent => {
  const of = typeof text === 'string' ? utf8.encode(text) : text;
  return { kind: 'bytes', atMs: 0, stream: 1, from: 'bank', to: 'relay', what: 'sent', piece: 1, count: of.length, bytes: of, ...fields };
};
const broken = (...events: TraceEvent[]) => noPlaintext([SECRET]).check(traceOf(events))?.text;

test('a marker is found in a piece and over the bounds of pieces, as it sets out and as it arrives', () => {
  expect(broken(bytes('account'), bytes('account 47'), bytes('12'))).toBeUndefined();
  expect(broken(bytes(`pay ${SECRET} now`))).toBe('"account 4711" is legible from bank to relay, in stream 1, piece 1, sent.');
  const arriving = ['pay acc', 'oun', 't 47', '11'].map((text, index) => bytes(text, { what: 'arrived', piece: index + 1 }));
  expect(broken(...arriving)).toBe('"account 4711" is legible from bank to relay, in stream 1, piece 4, arrived.');
});

test('each direction of each stream is read by itself', () => {
  const [start, end] = ['account', ' 4711'];
  expect(broken(bytes(start), bytes(end, { stream: 2 }))).toBeUndefined();
  expect(broken(bytes(start), bytes(end, { from: 'relay', to: 'bank' }))).toBeUndefined();
  expect(broken(bytes(start), bytes(end, { what: 'arrived' }))).toBeUndefined();
  expect(broken(bytes(start), bytes('other', { stream: 2 }), bytes(end))).toBeDefined();
});

test('a host to itself is no link, and links said to be private may show it', () => {
  expect(broken(bytes(SECRET, { from: 'bank', to: 'bank' }))).toBeUndefined();
  const toDatabase = noPlaintext([SECRET], { isPrivate: (from, to) => from === 'bank' && to === 'database' });
  expect(toDatabase.check(traceOf([bytes(SECRET, { to: 'database' })]))).toBeUndefined();
  expect(toDatabase.check(traceOf([bytes(SECRET)]))).toMatchObject({ invariant: 'no plaintext on any link', at: 0 });
});

test('a run that kept no bytes is not taken for good', () => {
  const { bytes: _, ...silent } = bytes(SECRET);
  expect(broken(silent)).toBe('cannot be judged: the run kept no bytes. Give keepBytes: true.');
});

test('any of several markers is found, and one of bytes is named in hex', () => {
  const marker = Uint8Array.of(0xff, 0, 0xff, 0, 1);
  const check = (of: Uint8Array) => noPlaintext([SECRET, marker]).check(traceOf([bytes(of)]))?.text;
  expect(check(Uint8Array.of(0xff, 0, 0xff, 0, 0xff))).toBeUndefined();
  expect(check(Uint8Array.of(0xff, 0, 0xff, 0, 0xff, 0, 1))).toContain('ff00ff0001 is legible');
});

test('however a stream is cut, a marker in it is found, and one that lacks a byte is not', () => {
  const around = fc.record({
    before: fc.uint8Array({ maxLength: 20 }),
    after: fc.uint8Array({ maxLength: 20 }),
    lacking: fc.nat({ max: SECRET.length - 1 }),
  });
  const cut = around.chain(({ before, after, lacking }) => {
    const marked = utf8.encode(SECRET);
    return fc.record({
      whole: chunkings(Uint8Array.of(...before, ...marked, ...after)),
      // No byte of it is 0xff, so what is left of it can not be made whole by chance.
      maimed: chunkings(
        Uint8Array.of(...before, 0xff, ...marked.subarray(0, lacking), 0xff, ...marked.subarray(lacking + 1), 0xff, ...after),
      ),
    });
  });
  fc.assert(
    fc.property(cut, ({ whole, maimed }) => {
      expect(broken(...whole.map((piece) => bytes(piece)))).toContain('is legible');
      expect(broken(...maimed.map((piece) => bytes(piece)))).toBeUndefined();
    }),
  );
});
