import { TransportError } from '../runtime/errors.ts';
import type { ByteStream, HostPort, StreamReader } from '../runtime/network.ts';

/** What travels: bytes, the half-close behind them, and in front of them the answer that lets a dial succeed. */
type Parcel = Uint8Array | 'end' | 'open';

/** A piece of bytes on its way. */
export interface Flight {
  readonly bytes: Uint8Array;
  /** Its number in the trace. */
  readonly piece: number;
  /** How much longer than others it takes. */
  readonly afterMs: number;
}

/** What a direction of a stream needs to know of the network it runs through. */
export interface Wire {
  /** How many bytes may be on the way or unread before the writer has to wait. */
  readonly windowBytes: number;
  /** @returns what sets out instead of these bytes */
  depart(bytes: Uint8Array): readonly Flight[];
  /** Told of each that reached the other end. */
  arrived(flight: Flight): void;
  /** Calls back when so many bytes sent now would arrive; after everything sent before it. */
  later(count: number, afterMs: number, callback: () => void): void;
  /** Calls back when an acknowledgement sent now would arrive. */
  signal(callback: () => void): void;
  /** Calls back once the code that runs now is done. */
  soon(callback: () => void): void;
  /** False while nothing passes. What is on the way then waits, as TCP would send it again. */
  readonly isOpen: boolean;
}

/** Where one end of a stream is: its address, and the process that has it. */
export interface StreamEnd {
  readonly address: HostPort;
  readonly process: {
    readonly isAwake: boolean;
    /** Calls back at once, or when the process goes on after standing still. */
    tell(callback: () => void): void;
  };
}

/** Is told once what became of a stream, and of each end that will neither send nor tell anything any more. */
export interface StreamWatcher {
  onOver(what: 'ended' | 'reset'): void;
  onGone(stream: SimulatedStream): void;
}

/** One direction of a stream: parcels that wait for room, then are on the way, then have arrived, always in order. */
class Direction {
  readonly wire: Wire;
  waiting: Parcel[] = [];
  readonly #flying: (Flight | 'end' | 'open')[] = [];
  arrived: Parcel[] = [];
  /** Bytes on the way or unread, as far as the writer knows. */
  #windowUsed = 0;
  /** Bytes that were read, of which the writer does not know yet. */
  #freed = 0;
  /** What arrived while nothing passed, to be sent again. */
  #held: (Flight | 'end' | 'open')[] = [];
  #isRoomAnnounced = false;
  #isRoomHeld = false;

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
      for (const flight of this.wire.depart(sent)) {
        if (flight.bytes.length === 0) continue;
        this.#windowUsed += flight.bytes.length;
        this.#fly(flight, onArrival);
      }
    }
  }

  #fly(flight: Flight | 'end' | 'open', onArrival: () => void): void {
    this.#flying.push(flight);
    this.#travel(flight, onArrival);
  }

  #travel(sent: Flight | 'end' | 'open', onArrival: () => void): void {
    const [count, afterMs] = typeof sent === 'string' ? [0, 0] : [sent.bytes.length, sent.afterMs];
    this.wire.later(count, afterMs, () => {
      if (!this.wire.isOpen) {
        this.#held.push(sent);
        return;
      }
      const flight = this.#flying.shift(); // the first that set out, even if a later one found the way open
      if (flight !== undefined && typeof flight !== 'string') this.wire.arrived(flight);
      if (flight !== undefined) this.arrived.push(typeof flight === 'string' ? flight : flight.bytes);
      onArrival();
    });
  }

  /** The wire is open again: what was held sets out once more. */
  release(onArrival: () => void): void {
    const held = this.#held;
    this.#held = [];
    for (const flight of held) this.#travel(flight, onArrival);
  }

  /** The reader took that many bytes; the writer hears of it when the news has travelled back over the other direction's wire. */
  taken(count: number, back: Wire, onRoom: () => void): void {
    this.#freed += count;
    if (this.#isRoomAnnounced) return;
    this.#isRoomAnnounced = true;
    this.#announceRoom(back, onRoom);
  }

  /** The way back is open again. */
  releaseRoom(back: Wire, onRoom: () => void): void {
    if (this.#isRoomHeld) this.#announceRoom(back, onRoom);
  }

  #announceRoom(back: Wire, onRoom: () => void): void {
    this.#isRoomHeld = false;
    back.signal(() => {
      this.#isRoomHeld = !back.isOpen;
      if (this.#isRoomHeld) return;
      this.#isRoomAnnounced = false;
      this.#windowUsed -= this.#freed;
      this.#freed = 0;
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
  readonly #process: StreamEnd['process'];
  readonly #watcher: StreamWatcher;
  #peer: SimulatedStream | undefined;
  #reader: StreamReader | undefined;
  /** Whom to tell of a reset, once its process goes on. */
  #mourner: StreamReader | undefined;
  #onOpen: (() => void) | undefined;
  #draining: (() => void)[] = [];
  #isPaused = false;
  #isReading = false;
  #ended = false;
  #endTold = false;
  #gone = false;

  private constructor(local: StreamEnd, remote: StreamEnd, out: Direction, into: Direction, watcher: StreamWatcher) {
    this.local = local.address;
    this.remote = remote.address;
    this.#process = local.process;
    this.#out = out;
    this.#in = into;
    this.#watcher = watcher;
  }

  /** @returns the dialling end, then the accepting one */
  static pair(
    dialler: StreamEnd,
    acceptor: StreamEnd,
    there: Wire,
    back: Wire,
    watcher: StreamWatcher,
  ): [SimulatedStream, SimulatedStream] {
    const going = new Direction(there);
    const coming = new Direction(back);
    const dialling = new SimulatedStream(dialler, acceptor, going, coming, watcher);
    const accepting = new SimulatedStream(acceptor, dialler, coming, going, watcher);
    dialling.#peer = accepting;
    accepting.#peer = dialling;
    return [dialling, accepting];
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** Its process has ended it and knows that the other end has too: what is still on the way is for others to carry. */
  get isClosed(): boolean {
    return this.#ended && this.#endTold;
  }

  /** The other end is gone, whether we heard of it or not. */
  get isForsaken(): boolean {
    return this.#peer?.isGone === true;
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

  /** How much waits for room. */
  get drainProgress(): number {
    let count = 0;
    for (const parcel of this.#out.waiting) count += parcel.length;
    return count;
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
    this.#mourner = undefined;
    if (this.#gone) return;
    this.vanish();
    this.#watcher.onOver('reset');
    this.#tellReset();
  }

  /** Gone without a word, as when the power fails. */
  vanish(): void {
    this.#mourner = undefined;
    if (this.#gone) return;
    this.#gone = true;
    this.#reader = undefined;
    this.#onOpen = undefined;
    this.#draining = [];
    this.#out.waiting = [];
    this.#in.arrived = [];
    this.#watcher.onGone(this);
  }

  /** A reset came, from the other end or from something between. */
  lose(): void {
    if (this.#gone) return;
    const reader = this.#reader;
    this.vanish();
    this.#watcher.onOver('reset');
    this.#mourner = reader;
    this.#process.tell(() => {
      this.#mourner?.onReset(new TransportError('STREAM_RESET', 'The connection was lost or reset by the other end.'));
      this.#mourner = undefined;
    });
  }

  /** A wire is open again, of one direction or of both. */
  released(): void {
    this.#out.release(this.#onArrival);
    this.#in.releaseRoom(this.#out.wire, this.#onRoom);
  }

  /** The process goes on. */
  awoken(): void {
    this.#readLater();
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
    wire.later(0, 0, () => {
      if (wire.isOpen) this.#peer?.lose();
    });
  }

  #arrive(): void {
    if (this.#gone) {
      this.#in.arrived = [];
      this.#tellReset();
    } else if (this.#in.arrived[0] === 'open') {
      this.#in.arrived.shift();
      this.#process.tell(() => this.#onOpen?.());
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
    if (count > 0) this.#in.taken(count, this.#out.wire, this.#onRoom);
    this.#finish();
  }

  #isWilling(): boolean {
    return this.#reader !== undefined && !this.#isPaused && this.#process.isAwake;
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
    if (this.#draining.length > 0) this.#process.tell(() => this.#tellDrained());
  }

  #tellDrained(): void {
    if (this.#out.waiting.length > 0) return;
    const callbacks = this.#draining;
    this.#draining = [];
    for (const callback of callbacks) callback();
  }

  /** Both ends have sent and seen the end: nothing can happen here any more. */
  #finish(): void {
    if (this.#gone || !(this.#ended && this.#endTold && this.#out.isEmpty)) return;
    this.vanish();
    if (this.isForsaken) this.#watcher.onOver('ended');
  }
}
