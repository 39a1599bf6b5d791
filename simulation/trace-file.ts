import { CodecError } from '../runtime/errors.ts';
import { readMessagePack } from '../runtime/codec/msgpack-read.ts';
import { writeMessagePack } from '../runtime/codec/msgpack-write.ts';
import { SimulationError } from './errors.ts';
import type { Trace, TraceEvent } from './trace.ts';
import { isTraceEvent, isTraceHead, type TraceHead } from './trace-shapes.ts';

const MAGIC = 'postern-trace';
const VERSION = 1;

/** A record is a MessagePack value inside of a MessagePack `bin 32`: its length is known before it is read. */
const BIN_32 = 0xc6;
const RECORD_HEAD_BYTES = 5;
/** A payload is 64 KiB at most on any link; this leaves room for what a scenario notes, and for the names of many nodes. */
const RECORD_BYTES_MAX = 16 * 1024 * 1024;

export interface TraceFileOptions {
  /** Payloads and the bytes on links are written too, where the trace has them. False by default: they may be secret. */
  readonly keepBytes?: boolean;
}

/**
 * A trace as the bytes of a file: a head, then one record per event, all of it a stream of MessagePack values. Half a surrogate
 * pair in a text becomes U+FFFD.
 * @throws {SimulationError} `TRACE_FILE` for what no file can hold, with the codec's reason as its cause
 */
export function encodeTrace(trace: Trace, { keepBytes = false }: TraceFileOptions = {}): Uint8Array {
  const { events, ...run } = trace;
  const head: TraceHead = { magic: MAGIC, ...run, events: events.length };
  return joined([
    recordOf(head, 'The head'),
    ...events.map((event, at) => recordOf(keepBytes ? event : withoutBytes(event), `Event ${at}`)),
  ]);
}

/**
 * Reads what `encodeTrace` wrote.
 * @throws {SimulationError} `TRACE_FILE` for bytes that are no whole trace, naming the record at fault; `TRACE_VERSION` for one of
 * a newer version
 */
export function decodeTrace(bytes: Uint8Array): Trace {
  const records = recordsIn(bytes);
  const first: unknown = records.next().value;
  const { magic: _, events: count, ...run } = headOf(first);
  const events: TraceEvent[] = [];
  for (const event of records) {
    if (!isTraceEvent(event)) throw refused(`Record ${events.length + 1} is no event that this version knows.`);
    events.push(event);
  }
  if (events.length !== count) throw refused(`It holds ${events.length} events, and its head tells of ${count}: it was cut, or added to.`);
  return { ...run, events };
}

function headOf(first: unknown): TraceHead {
  const claims = (typeof first === 'object' && first !== null ? first : {}) as { readonly magic?: unknown; readonly version?: unknown };
  if (claims.magic !== MAGIC) throw refused('It does not begin as one.');
  if (typeof claims.version === 'number' && claims.version > VERSION)
    throw new SimulationError(
      'TRACE_VERSION',
      `The trace is of version ${claims.version}, and this reads up to ${VERSION}: read it with the version of the package that wrote it, or update.`,
    );
  if (!isTraceHead(first)) throw refused('Its head is not whole.');
  return first;
}

function* recordsIn(bytes: Uint8Array): Generator<unknown, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const isHeadWhole = bytes.length - at >= RECORD_HEAD_BYTES;
    if (bytes[at] !== BIN_32) throw refused(`Record ${index} does not begin as one.`);
    const count = isHeadWhole ? view.getUint32(at + 1) : 0;
    const start = at + RECORD_HEAD_BYTES;
    if (!isHeadWhole || count > bytes.length - start) throw refused(`Record ${index} ends before its last byte.`);
    if (count > RECORD_BYTES_MAX) throw refused(`Record ${index} has more than ${RECORD_BYTES_MAX} bytes.`);
    at = start + count;
    yield valueOf(bytes.subarray(start, at), index);
  }
}

function valueOf(record: Uint8Array, index: number): unknown {
  try {
    return readMessagePack(record);
  } catch (cause) {
    if (cause instanceof CodecError) throw refused(`Record ${index} cannot be read: ${cause.message}`, cause);
    throw cause;
  }
}

const refused = (why: string, cause?: unknown) =>
  new SimulationError('TRACE_FILE', `This is no trace that was written whole by \`encodeTrace\`. ${why}`, { cause });

function recordOf(value: object, what: string): Uint8Array {
  try {
    const record = writeMessagePack(wellFormed(value));
    if (record.length > RECORD_BYTES_MAX) throw new SimulationError('TRACE_FILE', `${what} has more than ${RECORD_BYTES_MAX} bytes.`);
    return record;
  } catch (cause) {
    if (cause instanceof CodecError) throw new SimulationError('TRACE_FILE', `${what} cannot be written: ${cause.message}`, { cause });
    throw cause;
  }
}

function withoutBytes(event: TraceEvent): TraceEvent {
  if (event.kind === 'message' && event.payload !== undefined) return { ...event, payload: undefined } as unknown as TraceEvent;
  if (event.kind === 'bytes' && event.bytes !== undefined) return { ...event, bytes: undefined } as unknown as TraceEvent;
  return event;
}

/** The same with texts that can be written: what a peer sent may stand in a log line, whatever it is. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/\p{Surrogate}/gu, '\ufffd');
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(wellFormed);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, wellFormed(item)]));
}

function joined(records: readonly Uint8Array[]): Uint8Array {
  const file = new Uint8Array(records.reduce((sum, { length }) => sum + RECORD_HEAD_BYTES + length, 0));
  const view = new DataView(file.buffer);
  let at = 0;
  for (const record of records) {
    view.setUint8(at, BIN_32);
    view.setUint32(at + 1, record.length);
    file.set(record, at + RECORD_HEAD_BYTES);
    at += RECORD_HEAD_BYTES + record.length;
  }
  return file;
}
