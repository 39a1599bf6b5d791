import type { DeadLetterReason } from '../runtime/dead-letter.ts';
import type { LogFields, LogLevel } from '../runtime/logger.ts';
import type { Fault, FaultKind } from './faults.ts';
import type { RunSettings, Trace, TraceEvent } from './trace.ts';

/** Whether a value that was read is what its place asks for. */
export type Check<Value> = (value: unknown) => value is Value;
/** A check for each property, so that a property that is added to a type is missed here by the compiler. */
type Shape<Of> = { readonly [Name in Exclude<keyof Of, 'kind'>]-?: Check<Of[Name]> };

const isText: Check<string> = (value) => typeof value === 'string';
const isNumber: Check<number> = (value) => typeof value === 'number';
const isFlag: Check<boolean> = (value) => typeof value === 'boolean';
const isBytes: Check<Uint8Array> = (value) => value instanceof Uint8Array;
const isCount: Check<number> = (value): value is number => isNumber(value) && Number.isSafeInteger(value) && value >= 0;
const isMs: Check<number> = (value): value is number => isNumber(value) && Number.isFinite(value) && value >= 0;
const isFinite: Check<number> = (value): value is number => isNumber(value) && Number.isFinite(value);

/** Every word of a union has to be told: the compiler misses one that is not. */
const oneOf = <Word extends string>(words: Readonly<Record<Word, true>>): Check<Word> => {
  return (value): value is Word => typeof value === 'string' && Object.hasOwn(words, value);
};
const maybe = <Value>(check: Check<Value>): Check<Value | undefined> => {
  return (value): value is Value | undefined => value === undefined || check(value);
};
const listOf = <Value>(check: Check<Value>): Check<readonly Value[]> => {
  return (value): value is readonly Value[] => Array.isArray(value) && value.every(check);
};
const recordOf = <Value>(check: Check<Value>): Check<Readonly<Record<string, Value>>> => {
  return (value): value is Readonly<Record<string, Value>> => isRecord(value) && Object.values(value).every(check);
};

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** Exactly the properties of the shape, and `kind` where the record has one. */
function fits(value: Readonly<Record<string, unknown>>, shape: Readonly<Record<string, Check<unknown>>>): boolean {
  return (
    Object.entries(shape).every(([name, check]) => check(Object.hasOwn(value, name) ? value[name] : undefined)) &&
    Object.keys(value).every((name) => name === 'kind' || Object.hasOwn(shape, name))
  );
}

const recordLike = <Of>(shape: Shape<Of>): Check<Of> => {
  return (value): value is Of => isRecord(value) && fits(value, shape);
};

const between = { atMs: isMs, one: isText, other: isText };
const oneWay = { atMs: isMs, from: isText, to: isText };
const tampering = { ...oneWay, pieces: isCount };
type FaultOf<Kind extends FaultKind, One = Fault> = One extends Fault ? (Kind extends One['kind'] ? One : never) : never;

const FAULTS: { readonly [Kind in FaultKind]: Shape<FaultOf<Kind>> } = {
  partition: between,
  heal: between,
  reset: between,
  hold: oneWay,
  release: oneWay,
  drop: tampering,
  duplicate: tampering,
  reorder: tampering,
  delay: tampering,
  corrupt: tampering,
  truncate: tampering,
  splice: tampering,
  replay: tampering,
  pause: { atMs: isMs, node: isText, forMs: isMs },
  crash: { atMs: isMs, node: isText, losesStorage: maybe(isFlag) },
  restart: { atMs: isMs, node: isText },
  skewClock: { atMs: isMs, node: isText, seconds: isFinite },
};

const isReason = oneOf<DeadLetterReason>({
  'unknown-address': true,
  'no-transport': true,
  'empty-route': true,
  'denied-incoming': true,
  'denied-outgoing': true,
  'denied-flow': true,
  overflow: true,
  'hop-limit': true,
  'route-limit': true,
  'frame-limit': true,
  stopped: true,
  failed: true,
  refused: true,
});
const isLevel = oneOf<LogLevel>({ debug: true, info: true, warn: true, error: true });
const isFieldValue: Check<LogFields[string]> = (value): value is LogFields[string] =>
  value === undefined || isText(value) || isNumber(value) || isFlag(value);

type EventOf<Kind extends TraceEvent['kind']> = Extract<TraceEvent, { readonly kind: Kind }>;
type Left = NonNullable<EventOf<'node'>['left']>;

const EVENTS: { readonly [Kind in TraceEvent['kind']]: Shape<EventOf<Kind>> } = {
  node: {
    atMs: isMs,
    node: isText,
    what: oneOf({ started: true, stopped: true, crashed: true }),
    life: isCount,
    left: maybe(recordLike<Left>({ timers: isCount, streams: isCount, listeners: isCount })),
  },
  message: {
    atMs: isMs,
    node: isText,
    life: isCount,
    what: oneOf({ sent: true, handled: true, dead: true }),
    reason: maybe(isReason),
    message: isCount,
    source: isText,
    destination: isText,
    onward: isText,
    returnRoute: isText,
    payloadBytes: isCount,
    hops: isCount,
    isFromAfar: isFlag,
    payload: maybe(isBytes),
  },
  stream: {
    atMs: isMs,
    stream: isCount,
    from: isText,
    to: isText,
    port: isCount,
    what: oneOf({ opened: true, refused: true, ended: true, reset: true }),
  },
  bytes: {
    atMs: isMs,
    stream: isCount,
    from: isText,
    to: isText,
    what: oneOf({ sent: true, arrived: true }),
    piece: isCount,
    count: isCount,
    bytes: maybe(isBytes),
  },
  log: { atMs: isMs, node: isText, level: isLevel, event: isText, fields: recordOf(isFieldValue) },
  seal: { atMs: isMs, node: isText, keyHash: isText, nonce: isText },
  fault: { atMs: isMs, fault: isFault },
  note: { atMs: isMs, text: isText, node: maybe(isText) },
};

/** Whether it is a fault with exactly the properties of its kind. */
export function isFault(value: unknown): value is Fault {
  return isOfKind(value, FAULTS);
}

/** Whether it is an event with exactly the properties of its kind. */
export function isTraceEvent(value: unknown): value is TraceEvent {
  return isOfKind(value, EVENTS);
}

function isOfKind(value: unknown, shapes: Readonly<Record<string, unknown>>): boolean {
  if (!isRecord(value) || typeof value['kind'] !== 'string' || !Object.hasOwn(shapes, value['kind'])) return false;
  return fits(value, shapes[value['kind']] as Readonly<Record<string, Check<unknown>>>);
}

/** What the first record of a file says. */
export interface TraceHead extends Omit<Trace, 'events'> {
  readonly magic: string;
  /** How many records follow. */
  readonly events: number;
}

const isSettings = recordLike<RunSettings>({
  faults: listOf(isFault),
  keepBytes: maybe(isFlag),
  eventsMax: maybe(isCount),
  logLevel: maybe(isLevel),
  eventsAtOnceMax: maybe(isCount),
  stepsMax: maybe(isCount),
});
const isVersion: Check<1> = (value): value is 1 => value === 1;

export const isTraceHead = recordLike<TraceHead>({
  magic: isText,
  version: isVersion,
  scenario: isText,
  seed: isFinite,
  nodes: listOf(isText),
  events: isCount,
  settings: maybe(isSettings),
  leftOut: maybe(recordOf(isCount)),
});
