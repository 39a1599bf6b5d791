import type { Context } from '../../runtime/context.ts';
import type { Message } from '../../runtime/message.ts';
import { ReceivedCount, SentCount } from './byte-counts.ts';
import type { Dialect, StreamLink } from './dialect.ts';
import { PeerWatch } from './peer-watch.ts';
import {
  encodeDataHead,
  encodeEnd,
  encodeProbe,
  encodeReset,
  encodeWindow,
  type PortalMessage,
  type ResetReason,
} from './portal-message.ts';

/**
 * Between two ends of ours: every chunk says where in the stream it stands, and is delivered only there. What is lost,
 * doubled or out of order resets the stream, so that what comes out is always the beginning of what went in, and the end
 * comes out only after the last byte. Source: docs/protocol.md, Portals; reliability.md PO1, PO2
 */
export class NumberedDialect implements Dialect {
  readonly #link: StreamLink;
  readonly #sent: SentCount;
  readonly #received: ReceivedCount;
  readonly #watch: PeerWatch;

  constructor(context: Context, link: StreamLink, peerWindowBytes: number, windowBytes: number) {
    this.#link = link;
    this.#sent = new SentCount(peerWindowBytes);
    this.#received = new ReceivedCount(windowBytes);
    const sent = this.#sent;
    this.#watch = new PeerWatch(context, {
      get isOwed() {
        return sent.isOwed;
      },
      get isHeldUp() {
        return link.isHeldUp;
      },
      probe: () => this.#probe(),
      lost: () => link.report({ type: 'peer.lost' }),
    });
  }

  get credit(): number {
    return this.#sent.credit;
  }

  sendChunk(bytes: Uint8Array): void {
    this.#link.sendChunk(encodeDataHead(this.#sent.sent), bytes);
    this.#sent.sent += bytes.length;
    this.#watch.sent();
  }

  sendEnd(): void {
    this.#sent.hasEnded = true;
    this.#link.sendNote(encodeEnd(this.#sent.sent));
    this.#watch.sent();
  }

  sendReset(reason: ResetReason): void {
    this.#link.sendNote(encodeReset(reason));
  }

  receive(message: PortalMessage, carrier: Message): void {
    this.#watch.heard();
    switch (message.kind) {
      case 'data':
        return this.#onData(message.offset, message.bytes, carrier);
      case 'window':
        return this.#onWindow(message.received, message.limit);
      case 'end':
        return this.#onEnd(message.total);
      case 'probe':
        return message.sent > this.#received.received ? this.#fault('gap') : this.#sendWindow();
      case 'reset':
        return this.#link.report({ type: 'reset.received' });
      case 'payload':
      case 'disconnect':
        return this.#fault('protocol'); // both have announced numbers
      default:
        return undefined;
    }
  }

  written(byteCount: number): void {
    if (this.#received.written(byteCount)) this.#sendWindow();
  }

  stop(): void {
    this.#watch.stop();
  }

  #onData(offset: number, bytes: Uint8Array, carrier: Message): void {
    const fault = this.#received.data(offset, bytes.length);
    if (fault === undefined) this.#link.deliver(bytes, carrier);
    else this.#fault(fault);
  }

  #onWindow(received: number, limit: number): void {
    if (!this.#sent.window(received, limit)) return this.#fault('protocol');
    this.#watch.acknowledged();
    if (this.#sent.isAcknowledged) this.#link.report({ type: 'end.acknowledged' });
    else this.#link.readOn();
  }

  #onEnd(total: number): void {
    const fault = this.#received.end(total);
    if (fault !== undefined) return this.#fault(fault);
    this.#sendWindow(); // first, for the report may close the stream
    this.#link.report({ type: 'peer.ended' });
  }

  /** The end is said again instead: it asks the same and may itself have been lost. */
  #probe(): void {
    this.#link.sendNote(this.#sent.hasEnded ? encodeEnd(this.#sent.sent) : encodeProbe(this.#sent.sent));
  }

  #sendWindow(): void {
    this.#link.sendNote(encodeWindow(this.#received.acknowledgement, this.#received.limit));
  }

  #fault(reason: ResetReason): void {
    this.#link.report({ type: 'fault.found', reason });
  }
}
