import { TransportError } from '../runtime/errors.ts';
import type { ByteStream, HostPort, StreamReader } from '../runtime/network.ts';

/** What travels: bytes, the half-close behind them, and in front of them the answer that lets a dial succeed. */
type Parcel = Uint8Array | 'end' | 'open';

/** What a direction of a stream needs to know of the network it runs through. */
export interface Wire {
  /** How many bytes may be on the way or unread before the writer has to wait. */
  readonly windowBytes: number;
  /** Calls back when something sent now would arrive; after everything sent before it. */
  later(callback: () => void): void;
  /** Calls back once the code that runs now is done. */
  soon(callback: () => void): void;
  /** False while nothing passes. What is on the way then waits, as TCP would send it again. */
  readonly isOpen: boolean;
  tamper(bytes: Uint8Array): readonly Uint8Array[];
}

/** One direction of a stream: parcels that wait for room, then are on the way, then have arrived, always in order. */
class Direction {
  readonly wire: Wire;
  waiting: Parcel[] = [];
  readonly #flying: Parcel[] = [];
  arrived: Parcel[] = [];
  /** Bytes on the way or unread. */
  #windowUsed = 0;
  #heldCount = 0;
  #isRoomAnnounced = false;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.#flying.length === 0;
  }

  /** Sends what the window has room for. */
  launch(onArrival: () => void): void {
    for (let parcel = this.waiting[0]; parcel !== undefined; parcel = this.waiting[0]) {
      if (typeof parcel === 'string') {
        this.waiting.shift();
        this.#fly(parcel, onArrival);
        continue;
      }
      const room = this.wire.windowBytes - this.#windowUsed;
      if (room <= 0) return;
      const sent = parcel.subarray(0, room);
      if (sent.length < parcel.length) this.waiting[0] = parcel.subarray(room);
      else this.waiting.shift();
      for (const bytes of this.wire.tamper(sent)) {
        if (bytes.length === 0) continue;
        this.#windowUsed += bytes.length;
        this.#fly(bytes, onArrival);
      }
    }
  }

  #fly(parcel: Parcel, onArrival: () => void): void {
    this.#flying.push(parcel);
    this.#travel(onArrival);
  }

  #travel(onArrival: () => void): void {
    this.wire.later(() => {
      if (!this.wire.isOpen) {
        this.#heldCount++;
        return;
      }
      const parcel = this.#flying.shift();
      if (parcel !== undefined) this.arrived.push(parcel);
      onArrival();
    });
  }

  /** The wire is open again: what was held sets out once more. */
  release(onArrival: () => void): void {
    for (; this.#heldCount > 0; this.#heldCount--) this.#travel(onArrival);
  }

  /** The reader took that many bytes; the writer hears of it when the news has travelled back. */
  taken(count: number, onRoom: () => void): void {
    this.#windowUsed -= count;
    if (this.#isRoomAnnounced) return;
    this.#isRoomAnnounced = true;
    this.wire.later(() => {
      this.#isRoomAnnounced = false;
      onRoom();
    });
  }
}

/** One end of a simulated stream. Made in pairs. */
export class SimulatedStream implements ByteStream {
  readonly local: HostPort;
  readonly remote: HostPort;
  readonly #out: Direction;
  readonly #in: Direction;
  readonly #onGone: (stream: SimulatedStream) => void;
  #peer: SimulatedStream | undefined;
  #reader: StreamReader | undefined;
  #onOpen: (() => void) | undefined;
  #draining: (() => void)[] = [];
  #isPaused = false;
  #isReading = false;
  #ended = false;
  #endTold = false;
  #gone = false;

  private constructor(local: HostPort, remote: HostPort, out: Direction, into: Direction, onGone: (stream: SimulatedStream) => void) {
    this.local = local;
    this.remote = remote;
    this.#out = out;
    this.#in = into;
    this.#onGone = onGone;
  }

  /**
   * @param onGone called once for each end that will neither send nor tell anything any more
   * @returns the dialling end, then the accepting one
   */
  static pair(
    dialler: HostPort,
    acceptor: HostPort,
    there: Wire,
    back: Wire,
    onGone: (stream: SimulatedStream) => void,
  ): [SimulatedStream, SimulatedStream] {
    const going = new Direction(there);
    const coming = new Direction(back);
    const dialling = new SimulatedStream(dialler, acceptor, going, coming, onGone);
    const accepting = new SimulatedStream(acceptor, dialler, coming, going, onGone);
    dialling.#peer = accepting;
    accepting.#peer = dialling;
    return [dialling, accepting];
  }

  /** From the accepting end: tells the dialling one that it is connected, ahead of any byte. */
  answer(): void {
    this.#send('open');
  }

  /** From the dialling end: what to do once the answer is there. */
  onAnswer(callback: () => void): void {
    this.#onOpen = callback;
  }

  open(reader: StreamReader): void {
    this.#reader = reader;
    this.#readLater();
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#ended)
      throw new TransportError('CONNECTION_CLOSED', 'This stream was ended on this side: nothing can be written after the end.');
    if (this.#gone) return false;
    for (const chunk of chunks) if (chunk.length > 0) this.#out.waiting.push(chunk);
    this.#launch();
    return this.#out.waiting.length === 0;
  }

  drained(callback: () => void): void {
    if (this.#gone) return;
    if (this.#out.waiting.length === 0) callback();
    else this.#draining.push(callback);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#readLater();
  }

  end(): void {
    if (this.#ended || this.#gone) return;
    this.#ended = true;
    this.#send('end');
  }

  reset(): void {
    if (this.#gone) return;
    this.vanish();
    this.#tellReset();
  }

  /** Gone without a word, as when the power fails. */
  vanish(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#reader = undefined;
    this.#onOpen = undefined;
    this.#draining = [];
    this.#out.waiting = [];
    this.#in.arrived = [];
    this.#onGone(this);
  }

  /** A reset came, from the other end or from something between. */
  lose(): void {
    if (this.#gone) return;
    const reader = this.#reader;
    this.vanish();
    reader?.onReset(new TransportError('STREAM_RESET', 'The connection was lost or reset by the other end.'));
  }

  /** The wire of one direction is open again. */
  released(): void {
    this.#out.release(this.#onArrival);
  }

  #send(parcel: Parcel): void {
    this.#out.waiting.push(parcel);
    this.#launch();
  }

  #launch(): void {
    this.#out.launch(this.#onArrival);
  }

  // Runs when a parcel of ours reached the other end.
  readonly #onArrival = (): void => {
    if (this.#peer !== undefined) this.#peer.#arrive();
    this.#finish();
  };

  // Runs when the other end has heard that we took some bytes.
  readonly #onRoom = (): void => {
    if (this.#peer !== undefined) this.#peer.#roomCame();
  };

  // A reset is sent once: when nothing passes it is lost, and the other end finds out when it writes.
  #tellReset(): void {
    const { wire } = this.#out;
    if (!wire.isOpen) return;
    wire.later(() => {
      if (wire.isOpen) this.#peer?.lose();
    });
  }

  #arrive(): void {
    if (this.#gone) {
      this.#in.arrived = [];
      this.#tellReset();
    } else if (this.#in.arrived[0] === 'open') {
      this.#in.arrived.shift();
      this.#onOpen?.();
    } else this.#read();
  }

  #readLater(): void {
    if (this.#in.arrived.length > 0) this.#in.wire.soon(() => this.#read());
  }

  /** Hands over what has arrived, as far as the reader wants it. */
  #read(): void {
    if (this.#isReading) return; // called from `onBytes`: the loop below goes on
    this.#isReading = true;
    let count = 0;
    for (let parcel = this.#in.arrived[0]; parcel !== undefined && this.#isWilling(); parcel = this.#in.arrived[0]) {
      if (typeof parcel === 'string') {
        this.#in.arrived.shift();
        this.#endTold = true;
        this.#reader?.onEnd();
      } else count += this.#hand(parcel);
    }
    this.#isReading = false;
    if (count > 0) this.#in.taken(count, this.#onRoom);
    this.#finish();
  }

  #isWilling(): boolean {
    return this.#reader !== undefined && !this.#isPaused;
  }

  #hand(bytes: Uint8Array): number {
    const lent = this.#reader?.buffer() ?? new Uint8Array();
    const count = Math.min(lent.length, bytes.length);
    if (count === 0) throw new RangeError('A reader has to lend memory for at least one byte.');
    lent.set(bytes.subarray(0, count));
    if (count < bytes.length) this.#in.arrived[0] = bytes.subarray(count);
    else this.#in.arrived.shift();
    this.#reader?.onBytes(lent.subarray(0, count));
    return count;
  }

  #roomCame(): void {
    if (this.#gone) return;
    this.#launch();
    if (this.#out.waiting.length > 0 || this.#draining.length === 0) return;
    const callbacks = this.#draining;
    this.#draining = [];
    for (const callback of callbacks) callback();
  }

  /** Both ends have sent and seen the end: nothing can happen here any more. */
  #finish(): void {
    if (this.#ended && this.#endTold && this.#out.isEmpty) this.vanish();
  }
}
