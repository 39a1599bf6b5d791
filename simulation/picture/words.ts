import { hex } from '../../runtime/random.ts';
import { faultText } from '../faults.ts';
import type { MessageEvent, NodeEvent, TraceEvent } from '../trace.ts';

/** How bad an event is for whoever looks for trouble. */
export type Tone = 'plain' | 'good' | 'warning' | 'bad';

const HASH_SHOWN = 8;
const BYTES_SHOWN = 256;

/** `12.345 s`, and from an hour on `1:02:03.456`. */
export function timeText(ms: number): string {
  const whole = Math.floor(ms);
  const seconds = (whole % 60_000) / 1_000;
  if (whole < 3_600_000) return `${(whole / 1_000).toFixed(3)} s`;
  const minutes = String(Math.floor(whole / 60_000) % 60).padStart(2, '0');
  return `${Math.floor(whole / 3_600_000)}:${minutes}:${seconds.toFixed(3).padStart(6, '0')}`;
}

export function bytesText(count: number): string {
  return count < 10_000 ? `${count} B` : count < 10_000_000 ? `${(count / 1_000).toFixed(1)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
}

/** Nodes that an event concerns; none when it concerns all. The first of two is where it begins. */
export function nodesOf(event: TraceEvent): readonly string[] {
  switch (event.kind) {
    case 'bytes':
    case 'stream':
      return [event.from, event.to];
    case 'note':
      return event.node === undefined ? [] : [event.node];
    case 'fault':
      if ('one' in event.fault) return [event.fault.one, event.fault.other];
      return 'from' in event.fault ? [event.fault.from, event.fault.to] : [event.fault.node];
    default:
      return [event.node];
  }
}

/** What happened, as a person says it, without when and to whom. */
export function sentence(event: TraceEvent): string {
  switch (event.kind) {
    case 'node':
      return nodeText(event);
    case 'message':
      return messageText(event);
    case 'bytes':
      return `piece ${event.piece} ${event.what}, ${bytesText(event.count)}`;
    case 'stream':
      return `stream ${event.stream} to port ${event.port} ${event.what}`;
    case 'log':
      return [`${event.level} ${event.event}`, ...Object.entries(event.fields).map(([name, value]) => `${name}=${String(value)}`)].join(
        ' ',
      );
    case 'seal':
      return `seals under key ${event.keyHash.slice(0, HASH_SHOWN)}…, nonce ${event.nonce}`;
    case 'fault':
      return faultText(event.fault);
    case 'note':
      return event.text;
  }
}

function nodeText({ what, life, left }: NodeEvent): string {
  const behind = Object.entries(left ?? {}).filter(([, count]) => count > 0);
  const leaving = behind.length === 0 ? '' : `, leaving ${behind.map(([name, count]) => `${count} ${name}`).join(', ')}`;
  return `${what}, life ${life}${leaving}`;
}

function messageText({ what, message, source, destination, payloadBytes, reason, isFromAfar, onward }: MessageEvent): string {
  if (what === 'handled') return `#${message} handled by ${shortAddresses(destination)}`;
  if (what === 'dead')
    return `#${message} dead: ${reason ?? 'for no reason'}, for ${destination === '' ? 'nobody' : shortAddresses(destination)}`;
  // What came from afar has a worker of this node's transport as its source, which says little.
  const from = isFromAfar ? 'from afar' : shortAddresses(source);
  return `#${message} ${from} to ${onward === '' ? 'nowhere' : shortAddresses(onward)}, ${bytesText(payloadBytes)}`;
}

/** Addresses that were drawn by chance, 32 hex digits, are told apart by their beginnings. */
export function shortAddresses(text: string): string {
  return text.replaceAll(/\b([0-9a-f]{6})[0-9a-f]{26}\b/g, '$1…');
}

export function toneOf(event: TraceEvent): Tone {
  switch (event.kind) {
    case 'node':
      return event.what === 'started' ? 'good' : event.what === 'crashed' ? 'bad' : 'plain';
    case 'message':
      return event.what === 'handled' ? 'good' : event.what === 'dead' ? 'bad' : 'plain';
    case 'stream':
      return event.what === 'opened' ? 'good' : event.what === 'ended' ? 'plain' : 'bad';
    case 'log':
      return event.level === 'error' ? 'bad' : event.level === 'warn' ? 'warning' : 'plain';
    case 'fault':
      return 'warning';
    default:
      return 'plain';
  }
}

/** Every property of an event as name and text. */
export function detailsOf(event: TraceEvent): readonly (readonly [string, string])[] {
  const { kind: _, ...rest } = event;
  return Object.entries(rest).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined) return [];
    return [[name, name === 'atMs' ? `${timeText(event.atMs)} (${event.atMs} ms)` : valueText(value)] as const];
  });
}

function valueText(value: unknown): string {
  if (value instanceof Uint8Array)
    return `${hex(value.subarray(0, BYTES_SHOWN))}${value.length > BYTES_SHOWN ? `… ${value.length - BYTES_SHOWN} bytes more` : ''}`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
