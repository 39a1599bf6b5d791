/** Where to connect or listen: a name or an IP address (IPv6 without brackets), and a port; 0 lets the system choose. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * What a byte stream tells its owner. The owner lends the memory that bytes are read into, so it decides whether memory is
 * pooled, fresh or reused; the stream never touches a lent buffer again once `onBytes` was called with it.
 */
export interface StreamReader {
  /** Lends the memory for the next read, at least one byte. */
  buffer(): Uint8Array;
  /** Bytes came: a view of the start of the buffer lent last. */
  onBytes(bytes: Uint8Array): void;
  /** The peer sent its last byte (half-close). Writing still works. Called at most once. */
  onEnd(): void;
  /** The stream is gone: reset by the peer, lost, or failed while flushing after `end`. Called at most once; nothing follows. */
  onReset(cause: Error): void;
}

/** A connected, ordered, reliable stream of bytes in each direction. */
export interface ByteStream {
  /** The other end, for people and for caps per address. */
  readonly remote: HostPort;
  readonly local: HostPort;
  /**
   * Sends the chunks in order, in one system call where the host can. The chunks must not change afterwards.
   * @returns true when the host took every byte at once; false when some wait here: see `drained`
   */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Calls back once when no written byte waits here any more; at once if none does. Not called after a reset. */
  drained(callback: () => void): void;
  /**
   * While bytes wait here, a number that changes when some have left and only then. Absent where the host cannot tell: then a write
   * counts as a whole.
   */
  readonly drainProgress?: number | undefined;
  /**
   * True where nobody looks at a written chunk any more once `write` has returned true, or `drained` has called back: its memory may
   * serve again then. Absent where that is not sure.
   */
  readonly isDoneWithWritten?: boolean;
  /** Stops reading: pressure reaches the peer through its own full buffers. */
  pause(): void;
  resume(): void;
  /** Half-close: no more bytes from us; reading goes on. Bytes written before are still sent. */
  end(): void;
  /** Ends both directions at once and tells the peer so (RST). Bytes that wait are dropped. Nothing is called back. */
  reset(): void;
}

/** Something that accepts connections. */
export interface StreamListener {
  /** Where it really listens: port 0 has been replaced. */
  readonly local: HostPort;
  /** Takes no further connection. Those accepted live on. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** How long the whole attempt may take, names and all addresses included. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The only way to byte streams: TCP in `transports/node-network.ts`, a simulated network in `simulation/network.ts`.
 * Name resolution and the race between IPv6 and IPv4 live behind `connect`.
 */
export interface Network {
  /**
   * @param reader called once, when the stream exists, before its first byte
   * @throws {TransportError} `CONNECT_REFUSED`, `CONNECT_TIMEOUT`, `CONNECT_ABORTED`, `NAME_UNKNOWN`, `CONNECT_FAILED`
   */
  connect(target: HostPort, reader: (stream: ByteStream) => StreamReader, options?: ConnectOptions): Promise<ByteStream>;
  /**
   * @param accept called for each connection before its first byte; `undefined` refuses it with a reset
   * @throws {TransportError} `LISTEN_FAILED`
   */
  listen(at: HostPort, accept: (stream: ByteStream) => StreamReader | undefined): Promise<StreamListener>;
}
