import type { DeadLetterReason } from '../runtime/dead-letter.ts';
import type { LogFields, LogLevel } from '../runtime/logger.ts';
import type { Fault } from './faults.ts';

/**
 * What happened in a simulated world, in order. Plain data: it is compared, written to a file, read back and drawn. Times are
 * virtual milliseconds from the start of the run. Names are those of nodes; a host has the name of its node.
 */
export type TraceEvent =
  | NodeEvent
  | MessageEvent
  | StreamEvent
  | BytesEvent
  | LogEvent
  | SealEvent
  | { readonly kind: 'fault'; readonly atMs: number; readonly fault: Fault }
  /** Something that the scenario itself wants to see in the trace. */
  | { readonly kind: 'note'; readonly atMs: number; readonly text: string; readonly node?: string };

/** A node began, ended in order, or lost its power. */
export interface NodeEvent {
  readonly kind: 'node';
  readonly atMs: number;
  readonly node: string;
  readonly what: 'started' | 'stopped' | 'crashed';
  /** Which life of the node this is: 1 at its first start. */
  readonly life: number;
  /** At its end: what it left behind. All zero when nothing is. */
  readonly left?: { readonly timers: number; readonly streams: number; readonly listeners: number };
}

/** One hop of one message inside a node: into a mailbox, and out of it again as handled or dead. */
export interface MessageEvent {
  readonly kind: 'message';
  readonly atMs: number;
  readonly node: string;
  /** Distinguishes nodes that lived one after the other under the same name: messages do not outlive their node. */
  readonly life: number;
  readonly what: 'sent' | 'handled' | 'dead';
  readonly reason?: DeadLetterReason;
  /** The same number for what becomes of one posted message; counted from 1 over the whole run. */
  readonly message: number;
  /** Whose worker sent it. */
  readonly source: string;
  /** Into whose mailbox; empty when its route was. */
  readonly destination: string;
  /** Onward and return route as text, `0#a => 0#b`. */
  readonly onward: string;
  readonly returnRoute: string;
  readonly payloadBytes: number;
  readonly hops: number;
  /** It came from outside this node. */
  readonly isFromAfar: boolean;
  /** The payload, when the run was asked to keep bytes. */
  readonly payload?: Uint8Array;
}

/** A stream between two hosts. `from` dialled. */
export interface StreamEvent {
  readonly kind: 'stream';
  readonly atMs: number;
  /** Counted from 1 over the whole run. */
  readonly stream: number;
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly what: 'opened' | 'refused' | 'ended' | 'reset';
}

/** A piece of bytes of a stream: as it sets out, or as it arrives. */
export interface BytesEvent {
  readonly kind: 'bytes';
  readonly atMs: number;
  readonly stream: number;
  readonly from: string;
  readonly to: string;
  readonly what: 'sent' | 'arrived';
  /** Counted from 1 over the whole run: the same for the sending and the arrival of a piece. */
  readonly piece: number;
  readonly count: number;
  /** When the run was asked to keep bytes. */
  readonly bytes?: Uint8Array;
}

/** A line that a node logged. */
export interface LogEvent {
  readonly kind: 'log';
  readonly atMs: number;
  readonly node: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** A node sealed something. The key is told by its SHA-256, and is itself nowhere in the trace. */
export interface SealEvent {
  readonly kind: 'seal';
  readonly atMs: number;
  readonly node: string;
  readonly keyHash: string;
  /** In hex. */
  readonly nonce: string;
}

/** With the seed and the scenario, all it takes to run it again. What is absent was the default. */
export interface RunSettings {
  /** What was planned to go wrong. What the scenario did to its world itself, it does again. */
  readonly faults: readonly Fault[];
  readonly keepBytes?: boolean;
  readonly eventsMax?: number;
  readonly logLevel?: LogLevel;
  readonly eventsAtOnceMax?: number;
  readonly stepsMax?: number;
}

/** All of a run: what it began with, and what happened. */
export interface Trace {
  readonly version: 1;
  readonly scenario: string;
  readonly seed: number;
  readonly nodes: readonly string[];
  readonly events: readonly TraceEvent[];
  /** What the run was begun with besides its seed; absent in a trace that no run made. */
  readonly settings?: RunSettings;
  /** Events that were not kept since there were too many, by kind. */
  readonly leftOut?: Readonly<Record<string, number>>;
}

/** A rule that a trace broke. */
export interface Violation {
  readonly invariant: string;
  /** What is wrong, with names and numbers, as a sentence. */
  readonly text: string;
  /** Where: an index into the events of the trace. */
  readonly at?: number;
}

/** A small function over a trace: what it returns is what is broken. */
export interface Invariant {
  readonly name: string;
  check(trace: Trace): Violation | undefined;
}
