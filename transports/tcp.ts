import type { Timer } from '../runtime/clock.ts';
import { joinSmall } from '../runtime/codec/small-bytes.ts';
import { decodeEnvelope, encodeEnvelopeHead } from '../runtime/codec/envelope.ts';
import { TransportError } from '../runtime/errors.ts';
import { parseHostPort } from '../runtime/host-port.ts';
import type { Message } from '../runtime/message.ts';
import type { ByteStream, StreamReader } from '../runtime/network.ts';
import type { Node } from '../runtime/node.ts';
import type { Route } from '../runtime/route.ts';
import type { Transport } from '../runtime/transport.ts';
import type { ConnectionCaps } from './caps.ts';
import { type Carrier, type ConnectionOptions, ConnectionWorker, type Opening, outgoing, whileRunning } from './connection.ts';
import { FrameDeadline } from './frame-deadline.ts';
import { FRAME_BYTES_MAX, FRAME_HEAD_BYTES, FrameReader, TCP_VERSION } from './framing.ts';
import { ListenerWorker } from './listener.ts';

/** Source: reliability.md 2.3. */
const PREAMBLE_MS = 5_000;
/** How long a connection attempt may take, names and all addresses included. */
const CONNECT_MS = 10_000;
/** Heads and tags that stand side by side are written as one piece up to this size: each piece costs the host more than the copy. */
const JOINED_BYTES_MAX = 1024;

const PREAMBLE = Uint8Array.of(TCP_VERSION);
/** An empty onward route, an empty return route, an empty payload. Source: routing.md 3.3. */
const HEARTBEAT = Uint8Array.of(0, 0, 0, 4, 0x83, 0x80, 0x80, 0x40);

export interface TcpOptions extends ConnectionOptions {
  /** Larger frames are skipped and never sent. Default: 256 KiB; at most 16 MiB. */
  readonly frameBytesMax?: number;
  /** How long an outgoing connection may take to be made. Default: 10 s. */
  readonly connectTimeoutMs?: number;
  readonly signal?: AbortSignal;
  /** How many connections a listener takes from strangers. */
  readonly caps?: Partial<ConnectionCaps>;
}

/**
 * Ockam's TCP transport over the node's `Network`: a version byte each way, then frames. The same code runs over real
 * sockets and over a simulated network. Source: routing.md 3.1 to 3.4
 */
export function tcp(): Transport<TcpOptions> {
  return {
    name: 'tcp',
    connect: (node, target, options = {}) =>
      whileRunning(node, options.signal, async (signal) => {
        let connection: TcpConnection | undefined;
        await node.network.connect(
          parseHostPort(target),
          (stream) => (connection = new TcpConnection(node, stream, options, outgoing(node, options))),
          { timeoutMs: options.connectTimeoutMs ?? CONNECT_MS, signal },
        );
        if (connection === undefined) throw new TransportError('CONNECT_FAILED', `The network gave no stream to ${target}.`);
        return connection.worker;
      }),
    listen: async (node, at, options = {}) => {
      const listener = new ListenerWorker(node, 'tcp', options.caps);
      return listener.begin(
        node.network.listen(parseHostPort(at), (stream) => {
          const opening = listener.admit(stream.remote.host);
          return opening && new TcpConnection(node, stream, options, opening);
        }),
      );
    },
  };
}

/** The TCP side of one connection: deadlines, frames in and frames out. */
class TcpConnection implements StreamReader, Carrier {
  readonly worker: ConnectionWorker;
  readonly #stream: ByteStream;
  readonly #frames: FrameReader;
  readonly #deadline: FrameDeadline;
  readonly #frameBytesMax: number;
  #pending: Uint8Array[] = [PREAMBLE];
  #preamble: Timer | undefined;

  constructor(node: Node, stream: ByteStream, options: TcpOptions, opening: Opening) {
    this.#stream = stream;
    this.#frameBytesMax = options.frameBytesMax ?? FRAME_BYTES_MAX;
    this.worker = new ConnectionWorker(node, 'tcp', this, stream.remote, opening);
    this.#deadline = new FrameDeadline(this.worker);
    this.#frames = new FrameReader(
      {
        onFrame: (body, loan) => this.worker.receive(decodeEnvelope(body), loan),
        onSkipped: (bytes) => this.worker.skipped(bytes),
      },
      this.#frameBytesMax,
    );
    this.worker.begin(options);
    this.#preamble = this.worker.context.setTimer(PREAMBLE_MS, () =>
      this.worker.lose(new TransportError('PREAMBLE_TIMEOUT', `The other end did not say its version within ${PREAMBLE_MS / 1_000} s.`)),
    );
  }

  buffer(): Uint8Array {
    return this.#frames.buffer();
  }

  onBytes(bytes: Uint8Array): void {
    this.worker.enter(() => {
      const framesBefore = this.#frames.frameCount;
      this.#frames.onBytes(bytes);
      this.#preamble?.cancel();
      this.#preamble = undefined;
      this.#watchFrame(framesBefore);
    });
  }

  onEnd(): void {
    this.worker.enter(() => this.worker.peerEnded());
  }

  onReset(cause: Error): void {
    this.worker.enter(() => this.worker.lose(cause));
  }

  push(onward: Route, message: Message): number {
    const head = encodeEnvelopeHead(onward, message.returnRoute, message.payloadBytes, FRAME_HEAD_BYTES);
    const bodyBytes = head.length - FRAME_HEAD_BYTES + message.payloadBytes;
    if (bodyBytes > this.#frameBytesMax) return 0;
    head[0] = bodyBytes >>> 24;
    head[1] = bodyBytes >>> 16;
    head[2] = bodyBytes >>> 8;
    head[3] = bodyBytes;
    this.#pending.push(head, ...message.payloadChunks);
    return FRAME_HEAD_BYTES + bodyBytes;
  }

  pushHeartbeat(): void {
    this.#pending.push(HEARTBEAT);
  }

  flush(): boolean {
    const chunks = this.#pending;
    this.#pending = [];
    return this.#stream.write(joinSmall(chunks, JOINED_BYTES_MAX));
  }

  whenDrained(callback: () => void): void {
    this.#stream.drained(callback);
  }

  get isDoneWithWritten(): boolean {
    return this.#stream.isDoneWithWritten ?? false;
  }

  get drainProgress(): number | undefined {
    return this.#stream.drainProgress;
  }

  pause(): void {
    this.#frames.pause();
    this.#stream.pause();
  }

  resume(): void {
    const framesBefore = this.#frames.frameCount;
    this.#frames.resume();
    this.#watchFrame(framesBefore);
    if (!this.#frames.isPaused) this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  reset(): void {
    this.#stream.reset();
  }

  #watchFrame(framesBefore: number): void {
    if (!this.#frames.isInsideFrame || this.#frames.frameCount !== framesBefore) this.#deadline.ended();
    if (this.#frames.isInsideFrame) this.#deadline.begun();
  }
}
