import type { Message } from '../../runtime/message.ts';
import type { PortalMessage, ResetReason } from './portal-message.ts';
import type { StreamEvent } from './stream-states.ts';

/** How two ends of a stream talk about it: with numbers between ends of ours, without them to the original. */
export interface Dialect {
  /** How many bytes may be sent now. */
  readonly credit: number;
  sendChunk(bytes: Uint8Array): void;
  sendEnd(): void;
  sendReset(reason: ResetReason): void;
  /** @param carrier the message it came in, whose ingress has paid for it so far */
  receive(message: PortalMessage, carrier: Message): void;
  /** So many bytes have left through the local socket. */
  written(byteCount: number): void;
  stop(): void;
}

/** What a dialect is given to talk through. */
export interface StreamLink {
  /** Sends a chunk and charges it to the stream's own ingress. */
  sendChunk(head: Uint8Array, bytes: Uint8Array): void;
  sendNote(payload: Uint8Array): void;
  /** Writes to the local socket what that message brought. */
  deliver(bytes: Uint8Array, carrier: Message): void;
  report(event: StreamEvent): void;
  /** There may be credit again. */
  readOn(): void;
  /** Bytes that were delivered and have not left through the local socket. */
  readonly unwrittenBytes: number;
  /** A part of the stream is lost inside this node. */
  lost(): void;
  /** Chunks of ours wait for room inside this node. */
  readonly isHeldUp: boolean;
}
