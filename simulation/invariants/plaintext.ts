import { concat } from '../../runtime/codec/bare.ts';
import { hex } from '../../runtime/random.ts';
import type { BytesEvent, Invariant } from '../trace.ts';
import { type Broken, invariant } from './invariant.ts';

/** Bytes that are secret: text stands for its UTF-8. Eight bytes or more, lest chance makes them. */
export type Marker = string | Uint8Array;

export interface PlaintextOptions {
  /** Links that may show it, such as the one between an outlet and its database. By default none does. */
  readonly isPrivate?: (from: string, to: string) => boolean;
}

/**
 * None of the markers is seen on a link, neither as it sets out nor as it arrives, in one piece or over several. What a host
 * sends to itself is on no link. Needs the bytes: run with `keepBytes: true`, else it is broken.
 */
export function noPlaintext(markers: readonly [Marker, ...Marker[]], { isPrivate = () => false }: PlaintextOptions = {}): Invariant {
  const secrets = markers.map((marker) => ({
    name: typeof marker === 'string' ? JSON.stringify(marker) : hex(marker),
    bytes: typeof marker === 'string' ? new TextEncoder().encode(marker) : marker,
  }));
  const keptBytes = Math.max(0, ...secrets.map(({ bytes }) => bytes.length - 1));

  return invariant('no plaintext on any link', ['bytes'], ({ events }) => {
    /** The end of what passed so far, by direction: a marker may begin there. */
    const ends = new Map<string, Uint8Array>();
    for (const [at, event] of events.entries()) {
      if (event.kind !== 'bytes' || event.from === event.to || isPrivate(event.from, event.to)) continue;
      const broken = look(event, ends);
      if (broken !== undefined) return { ...broken, at };
    }
    return undefined;
  });

  function look({ stream, from, to, what, piece, bytes }: BytesEvent, ends: Map<string, Uint8Array>): Broken | undefined {
    if (bytes === undefined) return { text: 'cannot be judged: the run kept no bytes. Give keepBytes: true.' };
    const direction = JSON.stringify([stream, from, what]);
    const seen = concat(ends.get(direction) ?? new Uint8Array(0), bytes);
    const secret = secrets.find((one) => holds(seen, one.bytes));
    if (secret !== undefined)
      return { text: `${secret.name} is legible from ${from} to ${to}, in stream ${stream}, piece ${piece}, ${what}.` };
    ends.set(direction, seen.slice(Math.max(0, seen.length - keptBytes)));
    return undefined;
  }
}

function holds(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const first = wanted[0];
  if (first === undefined) return true;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}
