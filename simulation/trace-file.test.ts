import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import type { PosternError } from '../runtime/errors.ts';
import type { LogFields } from '../runtime/logger.ts';
import { SimulationError } from './errors.ts';
import type { Trace, TraceEvent } from './trace.ts';
import { decodeTrace, encodeTrace } from './trace-file.ts';
import { plausibleTrace, traces } from './traces.fixture.ts';

const trace = plausibleTrace({ nodes: ['bank', 'relay', 'analysis'], messages: 30 });
const packr = new Packr({ useRecords: false, variableMapSize: true });
const record = (value: unknown) => {
  const packed = packr.pack(value);
  const head = Buffer.alloc(5, 0xc6);
  head.writeUInt32BE(packed.length, 1);
  return Buffer.concat([head, packed]);
};
const file = (...values: unknown[]) => new Uint8Array(Buffer.concat(values.map(record)));
const head = { magic: 'postern-trace', version: 1, scenario: 's', seed: 1, nodes: ['a'], events: 1 };
const note = { kind: 'note', atMs: 0, text: 'x' };
const refusal = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string });

const written = (text: string) => text.replaceAll(/\p{Surrogate}/gu, '\ufffd');
/** What a file keeps of it. */
const kept = (value: Trace): unknown =>
  JSON.parse(JSON.stringify(value, (_, item: unknown) => (typeof item === 'string' ? written(item) : item)));
const plain = (value: Trace): unknown => JSON.parse(JSON.stringify(value));

test('every trace is read as it was written, with its bytes when they are asked for', () => {
  fc.assert(
    fc.property(traces(), (any) => {
      expect(plain(decodeTrace(encodeTrace(any, { keepBytes: true })))).toEqual(kept(any));
    }),
  );
});

test('without being asked no byte of a payload or of a link is written', () => {
  const secret = new TextEncoder().encode('a secret of somebody');
  const events = trace.events.map((event) =>
    event.kind === 'message' ? { ...event, payload: secret } : event.kind === 'bytes' ? { ...event, bytes: secret } : event,
  );
  const told = { ...trace, events };
  expect(decodeTrace(encodeTrace(told))).toEqual(trace);
  expect(Buffer.from(encodeTrace(told)).includes(Buffer.from(secret))).toBe(false);
  expect(decodeTrace(encodeTrace(told, { keepBytes: true }))).toEqual(told);
});

test('half a surrogate pair in a log line does not cost the trace', () => {
  const { events } = decodeTrace(encodeTrace({ ...trace, events: [{ kind: 'note', atMs: 0, text: 'a\ud800b' }] }));
  expect(events).toEqual([{ kind: 'note', atMs: 0, text: 'a\ufffdb' }]);
});

test('what no file can hold is refused by the name of its event', () => {
  const fields = JSON.parse('{"__proto__": 1}') as LogFields;
  const events: TraceEvent[] = [...trace.events.slice(0, 3), { kind: 'log', atMs: 0, node: 'a', level: 'info', event: 'e', fields }];
  expect(() => encodeTrace({ ...trace, events })).toThrow(refusal('TRACE_FILE', /^Event 3 cannot be written/));
});

describe('refused', () => {
  test.each([
    ['nothing', new Uint8Array(), /does not begin as one/],
    ['some text', new TextEncoder().encode('hello'), /does not begin as one/],
    ['another magic', file({ ...head, magic: 'other' }, note), /does not begin as one/],
    ['a head with a property more', file({ ...head, more: 1 }, note), /head is not whole/],
    ['a head without nodes', file({ ...head, nodes: null }, note), /head is not whole/],
    ['settings with a fault of no kind', file({ ...head, settings: { faults: [{ kind: 'flood', atMs: 0 }] } }, note), /head is not whole/],
    ['settings of another time', file({ ...head, settings: { faults: [], speed: 2 } }, note), /head is not whole/],
    ['version 0', file({ ...head, version: 0 }, note), /head is not whole/],
    ['an event of an unknown kind', file(head, { kind: 'toString', atMs: 0 }), /^.*Record 1 is no event/],
    ['an event with a wrong time', file(head, { ...note, atMs: -1 }), /Record 1 is no event/],
    ['an event with a property more', file(head, { ...note, more: 1 }), /Record 1 is no event/],
    ['a fault with a wrong node', file(head, { kind: 'fault', atMs: 0, fault: { kind: 'restart', atMs: 0, node: 1 } }), /Record 1 is no/],
    ['a key to reach into objects', file(head, JSON.parse('{"__proto__": 1}')), /Record 1 cannot be read/],
    ['an event too few', file(head), /holds 0 events, and its head tells of 1/],
    ['an event too many', file(head, note, note), /holds 2 events/],
    ['a length beyond the end', Uint8Array.of(0xc6, 0xff, 0xff, 0xff, 0xff), /ends before its last byte/],
    ['half a length', Uint8Array.of(0xc6, 0xff), /ends before its last byte/],
  ])('%s', (_what, bytes, why) => {
    expect(() => decodeTrace(bytes)).toThrow(refusal('TRACE_FILE', why));
  });

  test('a newer version, with what to do', () => {
    expect(() => decodeTrace(file({ magic: 'postern-trace', version: 2, wholly: 'new' }))).toThrow(refusal('TRACE_VERSION', /or update/));
  });

  test('a record that is longer than any may be', () => {
    const bytes = new Uint8Array(5 + 16 * 1024 * 1024 + 1);
    bytes.set([0xc6, 0x01, 0x00, 0x00, 0x01]);
    expect(() => decodeTrace(bytes)).toThrow(refusal('TRACE_FILE', /has more than/));
  });
});

test('hostile bytes throw our error and no other', () => {
  const good = encodeTrace(trace);
  const mutated = fc
    .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((edits) => edits.reduce((bytes, [at, value]) => bytes.with(at, value), good));
  const cut = fc.nat(good.length - 1).map((count) => good.slice(0, count));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated, cut), (bytes) => {
      try {
        decodeTrace(bytes);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(SimulationError);
        expect((thrown as PosternError).code).toMatch(/^TRACE_/);
      }
    }),
    { numRuns: 500 },
  );
});
