import { connect as dial, createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net';
import { TransportError } from '../runtime/errors.ts';
import type { ByteStream, ConnectOptions, HostPort, Network, StreamListener, StreamReader } from '../runtime/network.ts';

/** TCP keep-alive, for both ends: a peer whose machine died is noticed even when nobody writes. Source: routing.md 3.1. */
export const KEEP_ALIVE_IDLE_MS = 300_000;
/** Below this it is cheaper to copy the chunks into one than to hand the system several. Source: performance.md 6, point 5. */
const JOINED_BYTES_MAX = 2_048;
/** How long a listener that ran out of descriptors stays closed before it tries again. Source: reliability.md TR5. */
const ACCEPT_PAUSE_MS = 500;

/**
 * Where the first bytes of every stream land: memory has to be lent before the connection, and so the reader, exists.
 * All streams share it: the host fills it and calls back in one go, and the bytes are copied on at once.
 */
const FIRST_READ = new Uint8Array(65_536);

export interface NodeNetworkOptions {
  /** How long a connection is silent before the system probes it; 300 s by default. */
  readonly keepAliveIdleMs?: number;
  /**
   * Reads straight into the reader's memory where this Node can: 1.0 to 2.5 times the throughput. `false` copies every chunk.
   * True by default; accepted connections fall back to copying on a Node that offers no way.
   */
  readonly directReads?: boolean;
}

/** TCP of this machine with the default options. */
export const nodeNetwork: Network = createNodeNetwork();

/** TCP of this machine. TCP_NODELAY is always on: what is written goes out. */
export function createNodeNetwork({ keepAliveIdleMs = KEEP_ALIVE_IDLE_MS, directReads = true }: NodeNetworkOptions = {}): Network {
  const always = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveIdleMs } as const;
  return {
    connect: (target, makeReader, options = {}) =>
      connect(
        () =>
          new NodeStream((onread) => dial({ ...target, ...always, autoSelectFamily: true, ...(directReads && { onread }) }), directReads),
        `${target.host}:${target.port}`,
        makeReader,
        options,
      ),
    listen: (at, accept) =>
      listen(
        createServer({ ...always, pauseOnConnect: true }, (socket) => {
          receive(socket, directReads, accept);
        }),
        at,
      ),
  };
}

function connect(
  dialled: () => NodeStream,
  where: string,
  makeReader: (stream: ByteStream) => StreamReader,
  { timeoutMs, signal }: ConnectOptions,
): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(where, signal));
    const stream = attempt(dialled, (cause) => connectError(where, cause)); // thrown for a port out of range
    const { socket } = stream;

    const fail = (error: Error) => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onAbort = () => fail(aborted(where, signal));
    const onTimeout = () => fail(timedOut(where));
    const onError = (cause: Error) => fail(connectError(where, cause));
    const onConnect = () => {
      // A dial to a free port of one's own machine may be given that same port as its own, and so reach itself.
      if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
        fail(refused(where));
        return;
      }
      settle();
      try {
        stream.open(makeReader(stream));
        resolve(stream);
      } catch (cause) {
        fail(cause as Error);
      }
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect).off('error', onError);
    };
    signal?.addEventListener('abort', onAbort);
    socket.on('connect', onConnect).on('error', onError);
  });
}

function receive(accepted: Socket, directReads: boolean, accept: (stream: ByteStream) => StreamReader | undefined): void {
  const handle = directReads ? takeHandle(accepted) : undefined;
  const stream =
    handle === undefined
      ? new NodeStream(() => accepted, false)
      : new NodeStream((onread) => new Socket({ handle, allowHalfOpen: true, onread } as SocketConstructorOpts), true);
  if (stream.socket.remoteAddress === undefined) return stream.reset(); // it was reset while it waited to be accepted
  const reader = accept(stream);
  if (reader === undefined) stream.reset();
  else stream.open(reader);
}

/**
 * Takes the connection out of a socket that has not read yet, so that a new socket can read it into lent memory: Node offers
 * `onread` only to those who make the socket. The handle is no public name, hence every part that is used is looked for first.
 * @returns `undefined`, and the socket as it was, when this Node is built differently
 */
function takeHandle(accepted: Socket): object | undefined {
  const holder = accepted as unknown as { _handle?: unknown };
  const handle = holder._handle;
  if (typeof handle !== 'object' || handle === null) return undefined;
  if (!('useUserBuffer' in handle && 'readStart' in handle && 'reading' in handle) || handle.reading !== false) return undefined;
  holder._handle = null;
  accepted.destroy(); // without its handle this closes nothing; the server stops counting it
  return handle;
}

/** Listens with that server, of whatever protocol. @throws {TransportError} `LISTEN_FAILED` */
export function listen(server: Server, { host, port }: HostPort): Promise<StreamListener> {
  return new Promise((resolve, reject) => {
    const onError = (cause: unknown) => reject(listenError(`${host}:${port}`, cause));
    server.once('error', onError);
    const onListening = () => {
      server.off('error', onError);
      resolve(keepAccepting(server, host));
    };
    attempt(
      () => server.listen({ host, port }, onListening),
      (cause) => listenError(`${host}:${port}`, cause),
    );
  });
}

/**
 * Out of descriptors, the system would offer the same connection again and again: the listener closes, which frees one, and
 * opens again a little later, for as long as it takes. Source: reliability.md TR5.
 */
function keepAccepting(server: Server, host: string): StreamListener {
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  let closed = false;
  let pause: NodeJS.Timeout | undefined;
  server.on('error', () => {
    server.close();
    clearTimeout(pause);
    if (!closed) pause = setTimeout(() => server.listen({ host, port }), ACCEPT_PAUSE_MS);
  });
  server.on('listening', () => {
    if (closed) server.close();
  });
  return {
    local: { host: typeof bound === 'object' && bound !== null ? bound.address : host, port },
    close: () => {
      closed = true;
      clearTimeout(pause);
      server.close(); // its callback would wait for the accepted connections, which live on
      return Promise.resolve();
    },
  };
}

class NodeStream implements ByteStream {
  readonly socket: Socket;
  readonly #direct: boolean;
  #reader: StreamReader | undefined;
  #remote: HostPort | undefined;
  #local: HostPort | undefined;
  #waiting: (() => void)[] = [];
  /** Bytes the host has read and the reader has not: copied here, at most one read, when the reader paused half-way through it. */
  #unread: Uint8Array | undefined;
  #isPaused = false;
  #isHanding = false;
  #peerEnded = false;
  #endTold = false;
  #ended = false;
  #gone = false;

  constructor(
    makeSocket: (onread: { buffer: () => Uint8Array; callback: (count: number, buffer: Uint8Array) => boolean }) => Socket,
    direct: boolean,
  ) {
    this.#direct = direct;
    this.socket = makeSocket({
      buffer: () => this.#lend(),
      callback: (count, buffer) => {
        this.#take(count, buffer);
        return true;
      },
    });
    this.socket.on('error', (cause) => this.#lose(cause)).on('close', () => this.#onClose());
  }

  /** Starts to read. */
  open(reader: StreamReader): void {
    if (this.#gone) return;
    this.#reader = reader;
    this.socket.on('end', () => this.#onEnd());
    if (this.#direct) return;
    this.socket.on('data', (bytes) => this.#hand(bytes));
    this.#readOn();
  }

  get remote(): HostPort {
    return (this.#remote ??= hostPort(this.socket.remoteAddress, this.socket.remotePort));
  }

  get local(): HostPort {
    return (this.#local ??= hostPort(this.socket.localAddress, this.socket.localPort));
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#ended)
      throw new TransportError('CONNECTION_CLOSED', 'This stream was ended on this side: nothing can be written after the end.');
    if (this.#gone) return false;
    const { socket } = this;
    let count = 0;
    for (const chunk of chunks) count += chunk.length;
    const [first] = chunks;
    if (count === 0 || first === undefined) return socket.writableLength === 0;
    if (chunks.length === 1) socket.write(first, this.#onWritten);
    else if (count < JOINED_BYTES_MAX) socket.write(joined(chunks, count), this.#onWritten);
    else {
      socket.cork();
      for (const chunk of chunks) if (chunk.length > 0) socket.write(chunk, this.#onWritten);
      socket.uncork();
    }
    return socket.writableLength === 0;
  }

  drained(callback: () => void): void {
    if (this.#gone) return;
    if (this.socket.writableLength === 0) callback();
    else this.#waiting.push(callback);
  }

  /** The system copies what it takes, and a write counts as waiting until the system has taken all of it. */
  readonly isDoneWithWritten = true;

  get drainProgress(): number | undefined {
    return drainProgress(this.socket);
  }

  pause(): void {
    this.#isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (this.#gone || !this.#isPaused) return;
    this.#isPaused = false;
    if (this.#unread === undefined && !this.#peerEnded) this.socket.resume();
    else process.nextTick(() => this.#readOn()); // the reader is never called from within its own call
  }

  end(): void {
    if (this.#ended || this.#gone) return;
    this.#ended = true;
    this.socket.end();
  }

  reset(): void {
    if (this.#gone) return;
    this.#leave();
    const { socket } = this;
    const isShuttingDown = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
    // The system refuses a reset while the half-close is under way, which takes one turn of the event loop.
    if (isShuttingDown) socket.once('finish', () => socket.resetAndDestroy());
    else socket.resetAndDestroy();
  }

  // One function for all writes: the host then schedules one call for many.
  readonly #onWritten = (): void => {
    if (this.#waiting.length === 0 || this.socket.writableLength > 0) return;
    const callbacks = this.#waiting;
    this.#waiting = [];
    for (const callback of callbacks) callback();
  };

  #lend(): Uint8Array {
    if (this.#reader === undefined || this.#unread !== undefined) return FIRST_READ;
    return this.#reader.buffer();
  }

  #take(count: number, buffer: Uint8Array): void {
    if (buffer === FIRST_READ || this.#isPaused) this.#hand(buffer.subarray(0, count));
    else this.#reader?.onBytes(buffer.subarray(0, count));
  }

  /** Copies bytes into memory that the reader lends, until none are left or the reader pauses. */
  #hand(bytes: Uint8Array): void {
    this.#unread = this.#unread === undefined ? bytes : joined([this.#unread, bytes], this.#unread.length + bytes.length);
    this.#handUnread();
    this.#keepUnread();
  }

  #handUnread(): void {
    if (this.#isHanding) return; // called from `onBytes`: the loop below goes on
    this.#isHanding = true;
    while (this.#unread !== undefined && !this.#isPaused && this.#reader !== undefined) {
      const lent = this.#reader.buffer();
      const bytes: Uint8Array = this.#unread;
      const count = Math.min(lent.length, bytes.length);
      if (count === 0) throw new RangeError('A reader has to lend memory for at least one byte.');
      lent.set(bytes.subarray(0, count));
      this.#unread = count < bytes.length ? bytes.subarray(count) : undefined;
      this.#reader.onBytes(lent.subarray(0, count));
    }
    this.#isHanding = false;
    this.#tellEnd();
  }

  #readOn(): void {
    this.#handUnread();
    if (!this.#isPaused) this.socket.resume();
  }

  /** What is left must outlive the memory it was read into. */
  #keepUnread(): void {
    this.#unread = this.#unread?.slice();
  }

  #onEnd(): void {
    this.#peerEnded = true;
    this.#tellEnd();
  }

  #tellEnd(): void {
    const reader = this.#reader;
    if (!this.#peerEnded || this.#isPaused || this.#unread !== undefined || this.#endTold || reader === undefined) return;
    this.#endTold = true;
    reader.onEnd();
  }

  #onClose(): void {
    if (!(this.#peerEnded && this.socket.writableFinished)) this.#lose(new Error('The socket was closed.'));
  }

  #lose(cause: Error): void {
    if (this.#gone) return;
    const reader = this.#reader;
    this.#leave();
    reader?.onReset(new TransportError('STREAM_RESET', 'The connection was lost or reset by the other end.', { cause }));
  }

  #leave(): void {
    this.#gone = true;
    this.#reader = undefined;
    this.#unread = undefined;
    this.#waiting = [];
  }
}

/**
 * How much of the write under way the system has not taken. `writableLength` counts a write until all of it has left. The
 * handle is no public name, hence it is looked for first.
 */
export function drainProgress(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return handle?.writeQueueSize;
}

function joined(chunks: readonly Uint8Array[], count: number): Uint8Array {
  const all = Buffer.allocUnsafe(count);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** An IPv4 peer of a listener for both families counts as the same address as on one for IPv4. */
export function hostPort(host = '', port = 0): HostPort {
  return { host: host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host, port };
}

function attempt<Result>(action: () => Result, toError: (cause: unknown) => Error): Result {
  try {
    return action();
  } catch (cause) {
    throw toError(cause);
  }
}

const refused = (where: string, cause?: unknown) =>
  new TransportError('CONNECT_REFUSED', `Nothing accepts connections at ${where}: start the listener, or check host and port.`, { cause });
export const timedOut = (where: string, cause?: unknown) =>
  new TransportError('CONNECT_TIMEOUT', `${where} did not answer in time: check the address, the network and firewalls between.`, {
    cause,
  });
export const aborted = (where: string, signal: AbortSignal | undefined) =>
  new TransportError('CONNECT_ABORTED', `The attempt to connect to ${where} was called off.`, { cause: signal?.reason });

/** What an attempt to connect failed of, in our terms. */
export function connectError(where: string, cause: unknown): TransportError {
  const code = codeOf(cause);
  switch (code) {
    case 'ECONNREFUSED':
      return refused(where, cause);
    case 'ETIMEDOUT':
    case 'ERR_SOCKET_CONNECTION_TIMEOUT':
      return timedOut(where, cause);
    case 'ENOTFOUND':
      return new TransportError('NAME_UNKNOWN', `The name in ${where} is unknown: check its spelling, or the name server.`, { cause });
    case 'EAI_AGAIN':
      return new TransportError('NAME_UNKNOWN', `No name server answered for ${where}: check the connection and try again.`, { cause });
    case 'ECONNRESET':
      return new TransportError('CONNECT_FAILED', `${where} hung up at once: it may be full, or not let this machine in.`, { cause });
    case 'EMFILE':
    case 'ENFILE':
      return new TransportError('CONNECT_FAILED', `No descriptor is free to connect to ${where}: raise the limit of open files.`, {
        cause,
      });
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return new TransportError('CONNECT_FAILED', `There is no way to ${where} from here (${code}): check the network and its routes.`, {
        cause,
      });
    default:
      return new TransportError('CONNECT_FAILED', `Connecting to ${where} failed (${code}): check host and port.`, { cause });
  }
}

function listenError(where: string, cause: unknown): TransportError {
  const code = codeOf(cause);
  const advice: Record<string, string> = {
    EADDRINUSE: 'another program has this port: stop it, or choose another port, or 0 for any that is free',
    EADDRNOTAVAIL: 'this machine has no such address: use one of its own, or 0.0.0.0 for all',
    EACCES: 'this port needs more rights: choose one from 1024 up',
    ENOTFOUND: 'the name is unknown: use an IP address of this machine',
  };
  return new TransportError('LISTEN_FAILED', `Cannot listen at ${where} (${code}): ${advice[code] ?? 'check host and port'}.`, { cause });
}

const codeOf = (cause: unknown) => (cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason');
