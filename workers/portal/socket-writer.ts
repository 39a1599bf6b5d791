import type { Context } from '../../runtime/context.ts';
import type { Message } from '../../runtime/message.ts';
import type { ByteStream } from '../../runtime/network.ts';

/** Chunks up to this size that have to wait are joined: each would cost the host a piece, and keep alive all the memory it was read into. */
const JOIN_BYTES_MAX = 4 * 1024;
const JOINED_BYTES = 16 * 1024;
/** So much is given to the socket at a time: when it has left is the reader's progress. */
const WRITE_BYTES_MAX = 256 * 1024;

/** Writes to the local socket what the peer sent: once a turn, and never while the socket is still busy with the last. */
export class SocketWriter {
  readonly #socket: ByteStream;
  readonly #context: Context;
  readonly #onWritten: (byteCount: number) => void;
  readonly #onAllWritten: () => void;
  #waiting: Uint8Array[] = [];
  /** The message that brought each of them; none for what was joined. */
  #carriers: (Message | undefined)[] = [];
  #leavingCarriers: readonly (Message | undefined)[] = [];
  #waitingBytes = 0;
  #joined: Uint8Array | undefined;
  #joinedBytes = 0;
  #leavingBytes = 0;
  #isBusy = false;
  #isDirty = false;
  #isEnding = false;
  #isOver = false;

  /**
   * @param onWritten that many bytes have left
   * @param onAllWritten everything has left, and the end behind it
   */
  constructor(socket: ByteStream, context: Context, onWritten: (byteCount: number) => void, onAllWritten: () => void) {
    this.#socket = socket;
    this.#context = context;
    this.#onWritten = onWritten;
    this.#onAllWritten = onAllWritten;
  }

  /** Bytes that have not left yet. */
  get unwrittenBytes(): number {
    return this.#waitingBytes + this.#leavingBytes;
  }

  /** @param carrier what brought the bytes: it is spent when they have left */
  write(bytes: Uint8Array, carrier?: Message): void {
    if (bytes.length === 0 || this.#isOver) return;
    const isFirst = this.#waitingBytes === 0 && !this.#isBusy;
    this.#waitingBytes += bytes.length;
    if (!isFirst && bytes.length <= JOIN_BYTES_MAX) this.#join(bytes);
    else {
      this.#seal();
      this.#waiting.push(bytes);
      this.#carriers.push(carrier);
    }
    this.#markDirty();
  }

  /** Half-closes the socket once everything has left. */
  end(): void {
    this.#isEnding = true;
    this.#markDirty();
  }

  /** The socket is gone: what waits is dropped and nothing is called back. */
  drop(): void {
    this.#isOver = true;
    this.#waiting = [];
    this.#carriers = [];
    this.#leavingCarriers = [];
    this.#joined = undefined;
  }

  #markDirty(): void {
    if (this.#isDirty || this.#isBusy) return;
    this.#isDirty = true;
    this.#context.whenQuiet(this.#flushDirty);
  }

  readonly #flushDirty = (): void => {
    this.#isDirty = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#isOver) return;
    this.#seal();
    while (this.#waiting.length > 0) {
      if (!this.#socket.write(this.#takeNext())) return this.#waitUntilDrained();
      this.#settle();
    }
    if (this.#isEnding) this.#finish();
  }

  #takeNext(): readonly Uint8Array[] {
    const waiting = this.#waiting;
    const carriers = this.#carriers;
    let count = 0;
    let byteCount = 0;
    for (; count < waiting.length && byteCount < WRITE_BYTES_MAX; count++) byteCount += waiting[count]?.length ?? 0;
    this.#waiting = count === waiting.length ? [] : waiting.slice(count);
    this.#carriers = count === waiting.length ? [] : carriers.slice(count);
    this.#leavingCarriers = count === waiting.length ? carriers : carriers.slice(0, count);
    this.#waitingBytes -= byteCount;
    this.#leavingBytes = byteCount;
    return count === waiting.length ? waiting : waiting.slice(0, count);
  }

  #waitUntilDrained(): void {
    this.#isBusy = true;
    this.#socket.drained(() =>
      this.#context.enter(() => {
        this.#isBusy = false;
        this.#settle();
        this.#flush();
      }),
    );
  }

  #settle(): void {
    const byteCount = this.#leavingBytes;
    this.#leavingBytes = 0;
    if (this.#socket.isDoneWithWritten === true)
      for (const carrier of this.#leavingCarriers) if (carrier !== undefined) this.#context.spent(carrier);
    this.#leavingCarriers = [];
    this.#onWritten(byteCount);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.end();
    this.#onAllWritten();
  }

  #join(bytes: Uint8Array): void {
    if (this.#joined !== undefined && this.#joinedBytes + bytes.length > this.#joined.length) this.#seal();
    this.#joined ??= new Uint8Array(JOINED_BYTES);
    this.#joined.set(bytes, this.#joinedBytes);
    this.#joinedBytes += bytes.length;
  }

  #seal(): void {
    if (this.#joined === undefined) return;
    this.#waiting.push(this.#joined.subarray(0, this.#joinedBytes));
    this.#carriers.push(undefined);
    this.#joined = undefined;
    this.#joinedBytes = 0;
  }
}
