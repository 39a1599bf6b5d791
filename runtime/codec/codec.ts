import { BareReader, bareData, bareString } from './bare.ts';

/**
 * Turns values into payloads and back: what a worker is given says what its messages mean.
 * @typeParam T what `decode` gives
 * @typeParam Sent what `encode` takes, where that differs: a schema may fill in defaults
 */
export interface Codec<T, Sent = T> {
  /** For log lines and errors. */
  readonly name: string;
  readonly encode: (value: Sent) => Uint8Array;
  /** @throws {CodecError} whatever the bytes are, this and nothing else */
  readonly decode: (payload: Uint8Array) => T;
}

/** The payload as it is: no wrapper, no copy. */
export const bytes: Codec<Uint8Array> = { name: 'bytes', encode: (value) => value, decode: (payload) => payload };

/** A BARE string, as the echo and uppercase workers of the original speak it. Bytes after it are ignored. Source: routing.md 0.2 */
export const text: Codec<string> = { name: 'text', encode: bareString, decode: (payload) => new BareReader(payload).string() };

/** BARE data: a length, then the bytes; decoded to a view of the payload. Bytes after it are ignored. Source: routing.md 0.2 */
export const data: Codec<Uint8Array> = { name: 'data', encode: bareData, decode: (payload) => new BareReader(payload).data() };
