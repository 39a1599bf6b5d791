import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { decodeBareEnvelope, encodeBareEnvelope } from '../runtime/codec/bare-envelope.ts';
import { copied } from '../runtime/codec/small-bytes.ts';
import { TransportError } from '../runtime/errors.ts';
import { formatHostPort, parseHostPort } from '../runtime/host-port.ts';
import type { Message } from '../runtime/message.ts';
import type { HostPort, StreamListener } from '../runtime/network.ts';
import type { Node } from '../runtime/node.ts';
import type { Route } from '../runtime/route.ts';
import type { Transport } from '../runtime/transport.ts';
import type { ConnectionCaps } from './caps.ts';
import { type Carrier, type ConnectionOptions, ConnectionWorker, type Opening, outgoing, whileRunning } from './connection.ts';
import { FrameDeadline } from './frame-deadline.ts';
import { COPIED_BYTES_MAX, FRAME_BYTES_MAX } from './framing.ts';
import { ListenerWorker } from './listener.ts';
import { MessageBounds } from './message-bounds.ts';
import { aborted, connectError, drainProgress, hostPort, KEEP_ALIVE_IDLE_MS, listen, timedOut } from './node-network.ts';

type Socket = IncomingMessage['socket'];

/** How long an upgrade may take, from the connection to its answer. Source: reliability.md 2.3. */
const UPGRADE_MS = 5_000;
/** How long a connection attempt may take, names and all addresses included. */
const CONNECT_MS = 10_000;
/** Headers of an upgrade, either way. An honest one has some 200 bytes. */
const UPGRADE_BYTES_MAX = 4_096;
/** How long a peer that is told why it is refused may take to hang up. */
const REFUSAL_MS = 500;
/**
 * Messages over the frame size are read and dropped up to this many times that size; larger ones close the connection (1009).
 * The library holds a message until it is whole, so this bounds what a peer can make us hold: 1 MiB by default.
 */
const SKIPPED_FACTOR = 4;
/** Fragments of one message: honest peers send one. */
const FRAGMENTS_MAX = 1_024;
/** Pieces of a message that has not come whole. The smallest packets that are usual (536 bytes) make 2,000 of 1 MiB. */
const CHUNKS_MAX = 4_096;
/** What RFC 6455 7.4.1 says to a text message. */
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_INVALID = 1007;
const CLOSE_NORMAL = 1000;
/** The codes of a peer that simply ends: normal, going away, none given. */
const CLEAN_CODES = new Set([CLOSE_NORMAL, 1001, 1005]);
const BINARY = { binary: true, compress: false } as const;

/** Version 2, an empty onward route, an empty return route, an empty payload, no tracing. Source: routing.md 3.5. */
const HEARTBEAT = Uint8Array.of(2, 0, 0, 0, 0);

export interface WebSocketOptions extends ConnectionOptions {
  /**
   * Larger messages are never sent, and dropped when they come; from four times the size on they close the connection (1009).
   * Default: 256 KiB.
   */
  readonly frameBytesMax?: number;
  /** How long an outgoing connection may take to be made. Default: 10 s, the upgrade at most 5 s of it. */
  readonly connectTimeoutMs?: number;
  readonly signal?: AbortSignal;
  /** How many connections a listener takes from strangers. */
  readonly caps?: Partial<ConnectionCaps>;
  /**
   * Web pages of which origins (`https://example.com`) may connect to a listener. Default: none. Browsers name the origin of a page, and
   * would let any page reach a node on the visitor's own machine; programs name none and are always let in.
   */
  readonly origins?: readonly string[];
}

/**
 * Ockam's WebSocket transport: one binary message is one BARE envelope. Over real sockets only, in clear; what it carries is
 * protected by secure channels, as on TCP. A target is `ws://host:port` or `host:port`. Never compresses, refuses text (1003),
 * at most 1,024 fragments a message (1008), and hangs up on a peer with more than 60 unanswered pings.
 *
 * Gate, limits, heartbeats and silence are those of TCP: unlike the original, a receiver delivers only to what is
 * published, prepends its own sender's address, and nothing a peer sends makes a node dial. Source: routing.md 3.5; decisions.md A6
 */
export function websocket(): Transport<WebSocketOptions> {
  return {
    name: 'websocket',
    connect: (node, target, options = {}) => whileRunning(node, options.signal, (signal) => dial(node, target, options, signal)),
    listen: async (node, at, options = {}) => {
      const listener = new ListenerWorker(node, 'websocket', options.caps);
      return listener.begin(serve(node, parseHostPort(at), options, listener));
    },
  };
}

function dial(node: Node, target: string, options: WebSocketOptions, signal: AbortSignal): Promise<ConnectionWorker> {
  const where = formatHostPort(parseTarget(target));
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(aborted(where, signal));
    let socket: Socket | undefined;
    const upgrade = {
      ...limits(options),
      maxHeaderSize: UPGRADE_BYTES_MAX,
      finishRequest: (request: { once(event: 'socket', callback: (socket: Socket) => void): unknown; end(): unknown }) => {
        request.once('socket', (made) => {
          socket = made.setNoDelay().setKeepAlive(true, KEEP_ALIVE_IDLE_MS);
          made.once('connect', () => timers.push(node.clock.setTimer(UPGRADE_MS, onTimeout)));
        });
        request.end();
      },
    };
    const fail = (error: Error) => {
      settle();
      ws.terminate();
      reject(error);
    };
    const onTimeout = () => fail(timedOut(where));
    const onAbort = () => fail(aborted(where, signal));
    const onError = (cause: Error) => fail('code' in cause ? connectError(where, cause) : noWebSocket(where, cause));
    const onOpen = () => {
      try {
        if (socket === undefined) throw noWebSocket(where);
        const { worker } = new WebSocketConnection(node, ws, socket, options, outgoing(node, options));
        settle();
        resolve(worker);
      } catch (cause) {
        fail(cause as Error);
      }
    };
    const timers = [node.clock.setTimer(options.connectTimeoutMs ?? CONNECT_MS, onTimeout)];
    const settle = () => {
      for (const timer of timers) timer.cancel();
      signal.removeEventListener('abort', onAbort);
      ws.off('open', onOpen).off('error', onError);
    };
    const ws = new WebSocket(`ws://${where}/`, upgrade);
    ws.on('error', () => undefined); // terminating an attempt reports an error too, after it has failed
    ws.on('open', onOpen).on('error', onError);
    signal.addEventListener('abort', onAbort);
  });
}

/** Listens for upgrades. A connection counts as a stranger from its first moment, and is cut when it does not upgrade in time. */
function serve(node: Node, at: HostPort, options: WebSocketOptions, listener: ListenerWorker): Promise<StreamListener> {
  const server = createServer({
    maxHeaderSize: UPGRADE_BYTES_MAX,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_IDLE_MS,
  });
  const upgrades = new WebSocketServer({
    ...limits(options),
    noServer: true,
    clientTracking: false,
    handleProtocols: () => false,
    verifyClient: ({ req }, answer) => answer(isAllowedOrigin(req, options.origins), 403),
  });
  /** Those that have not upgraded yet. */
  const waiting = new Map<Duplex, Opening>();
  server.on('connection', (socket) => {
    const opening = listener.admit(hostPort(socket.remoteAddress).host);
    if (opening === undefined) return void socket.resetAndDestroy();
    waiting.set(socket, opening);
    const deadline = node.clock.setTimer(UPGRADE_MS, () => {
      if (waiting.has(socket)) socket.destroy();
    });
    socket.once('close', () => {
      deadline.cancel();
      waiting.delete(socket);
      opening.release();
    });
  });
  server.on('request', (_request, response) => response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end());
  server.on('upgrade', (request, socket, head) => {
    upgrades.handleUpgrade(request, socket, head, (ws) => {
      const opening = waiting.get(socket);
      if (opening === undefined || node.isStopped) return ws.terminate();
      waiting.delete(socket);
      new WebSocketConnection(node, ws, request.socket, options, opening);
    });
  });
  return listen(server, at).then((listening) => ({
    local: listening.local,
    close: () => {
      for (const socket of waiting.keys()) socket.destroy();
      return listening.close();
    },
  }));
}

/** The WebSocket side of one connection. */
class WebSocketConnection implements Carrier {
  readonly worker: ConnectionWorker;
  readonly #node: Node;
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #frameBytesMax: number;
  readonly #deadline: FrameDeadline;
  readonly #bounds = new MessageBounds();
  #pending: Uint8Array[] = [];
  #isRefused = false;

  constructor(node: Node, ws: WebSocket, socket: Socket, options: WebSocketOptions, opening: Opening) {
    this.#node = node;
    this.#ws = ws;
    this.#socket = socket;
    this.#frameBytesMax = options.frameBytesMax ?? FRAME_BYTES_MAX;
    this.worker = new ConnectionWorker(node, 'websocket', this, hostPort(socket.remoteAddress, socket.remotePort), opening);
    this.#deadline = new FrameDeadline(this.worker);
    this.worker.begin(options);
    ws.on('message', (data: Buffer, isBinary) => this.worker.enter(() => this.#receive(data, isBinary)));
    ws.on('error', (cause) => this.#failed(cause));
    ws.on('close', (code) => this.worker.enter(() => this.#closed(code)));
    socket.prependListener('data', (bytes: Buffer) => this.worker.enter(() => this.#watchMessage(bytes)));
  }

  push(onward: Route, message: Message): number {
    if (message.payloadBytes > this.#frameBytesMax) return 0;
    const bytes = encodeBareEnvelope(onward, message.returnRoute, message.payload);
    if (bytes.length > this.#frameBytesMax) return 0;
    this.#pending.push(bytes);
    return bytes.length;
  }

  pushHeartbeat(): void {
    this.#pending.push(HEARTBEAT);
  }

  flush(): boolean {
    const messages = this.#pending;
    this.#pending = [];
    if (this.#ws.readyState !== WebSocket.OPEN) return true;
    this.#socket.cork();
    for (const message of messages) this.#ws.send(message, BINARY);
    this.#socket.uncork();
    return this.#ws.bufferedAmount === 0;
  }

  whenDrained(callback: () => void): void {
    if (this.#ws.bufferedAmount === 0 || !this.#socket.writable) callback();
    else this.#socket.write('', () => this.whenDrained(callback)); // called back after all that waits before it
  }

  get drainProgress(): number | undefined {
    return drainProgress(this.#socket);
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  end(): void {
    this.#ws.close(CLOSE_NORMAL);
  }

  reset(): void {
    if (!this.#isRefused) this.#ws.terminate();
  }

  /** A ping between the fragments of a message does not end the time it has. */
  #watchMessage(bytes: Uint8Array): void {
    const wholeBefore = this.#bounds.wholeCount;
    this.#bounds.onBytes(bytes);
    if (!this.#bounds.isInside || this.#bounds.wholeCount !== wholeBefore) this.#deadline.ended();
    if (this.#bounds.isInside) this.#deadline.begun();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (!isBinary) return this.#refuse(CLOSE_UNSUPPORTED, 'A text message came: this protocol has none.');
    if (data.length > this.#frameBytesMax) return this.worker.skipped(data.length);
    try {
      this.worker.receive(decodeBareEnvelope(owned(data)));
    } catch (cause) {
      this.#refuse(CLOSE_INVALID, 'A message came that is no envelope.', cause);
    }
  }

  /** The library or the socket gave up; the library has said why to the peer, if there still is one. */
  #failed(cause: Error & { readonly code?: string }): void {
    if (cause.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      return this.#lose(new TransportError('FRAME_TOO_LARGE', 'A message is too large even to be skipped.', { cause }));
    if (cause.code?.startsWith('WS_ERR_') === true)
      return this.#lose(new TransportError('FRAME_INVALID', 'The other end breaks the rules of WebSocket.', { cause }));
    this.worker.enter(() => this.worker.lose(lost(cause)));
  }

  #closed(code: number): void {
    if (CLEAN_CODES.has(code)) this.worker.peerEnded();
    else if (code === 1006) this.worker.lose(lost());
    else this.worker.lose(new TransportError('CONNECTION_CLOSED', `The other end closed the connection with code ${code}.`));
  }

  #refuse(code: number, text: string, cause?: unknown): void {
    this.#ws.close(code);
    this.#lose(new TransportError('FRAME_INVALID', text, { cause }));
  }

  /** Ends the connection, but leaves the peer a moment to read why. */
  #lose(cause: TransportError): void {
    this.#isRefused = true;
    const timer = this.#node.clock.setTimer(REFUSAL_MS, () => this.#ws.terminate());
    this.#ws.once('close', () => timer.cancel());
    this.worker.enter(() => this.worker.lose(cause));
  }
}

/** The message as plain bytes: a Buffer's `slice` would hand workers views for copies. */
function owned(data: Buffer): Uint8Array {
  return data.length < COPIED_BYTES_MAX ? copied(data) : new Uint8Array(data.buffer, data.byteOffset, data.length);
}

function limits({ frameBytesMax = FRAME_BYTES_MAX }: WebSocketOptions) {
  return {
    perMessageDeflate: false,
    maxPayload: frameBytesMax * SKIPPED_FACTOR,
    maxFragments: FRAGMENTS_MAX,
    maxBufferedChunks: CHUNKS_MAX,
  } as const;
}

/** @throws {TransportError} `TARGET_TEXT` */
function parseTarget(target: string): HostPort {
  return parseHostPort(target.replace(/^ws:\/\/([^/]*)\/?$/i, '$1'));
}

function isAllowedOrigin({ headers }: IncomingMessage, allowed: readonly string[] = []): boolean {
  const origin = headers.origin ?? headers['sec-websocket-origin'];
  return origin === undefined || (typeof origin === 'string' && allowed.includes(origin));
}

const lost = (cause?: Error) => new TransportError('STREAM_RESET', 'The connection was lost or reset by the other end.', { cause });
const noWebSocket = (where: string, cause?: Error) =>
  new TransportError('CONNECT_FAILED', `${where} does not answer as a WebSocket listener: check host and port, or whom it lets in.`, {
    cause,
  });
