import type { ByteStream, StreamReader } from '../../runtime/network.ts';

/** Whether bytes may pass that way now: a partition and a hold say no. */
export interface Direction {
  readonly from: string;
  readonly to: string;
  readonly isOpen: boolean;
}

/** Is told what passes. */
export interface PipeObserver {
  /** @returns what to call when that piece is passed on */
  onPiece(direction: Direction, bytes: Uint8Array): () => void;
  /** Called once. */
  onOver(what: 'ended' | 'reset'): void;
}

/** A read of a proxy. Source: what a stream of Node reads at once. */
const READ_BYTES_MAX = 65_536;

/**
 * One stream that passes a proxy: two real ones, and what comes out of either is written to the other. A direction that is closed
 * is not read from, so its writer soon has to wait; an end and a reset wait as well.
 */
export class Pipe {
  readonly #there: Half;
  readonly #back: Half;
  readonly #observer: PipeObserver;
  #isOver = false;

  /** @param dialling the stream of the node that dialled: its reader is `this.reader` */
  constructor(dialling: ByteStream, there: Direction, back: Direction, observer: PipeObserver) {
    this.#observer = observer;
    const onEnded = () => {
      if (this.#there.hasEnded && this.#back.hasEnded) this.#end('ended');
    };
    this.#there = new Half(there, observer, onEnded, () => this.reset());
    this.#back = new Half(back, observer, onEnded, () => this.reset());
    this.#there.source = dialling;
    this.#back.target = dialling;
    dialling.pause(); // until there is somebody to write to
  }

  /** Of the stream that dialled. */
  get reader(): StreamReader {
    return this.#there;
  }

  /** The node that was dialled has accepted. @returns the reader of its stream */
  accepted(stream: ByteStream): StreamReader {
    this.#there.target = stream;
    this.#back.source = stream;
    stream.pause();
    return this.#back;
  }

  /** Goes on with whatever may pass now. */
  flow(): void {
    if (this.#isOver) return;
    this.#there.flow();
    this.#back.flow();
  }

  /** Cuts it: both ends see a reset. */
  reset(): void {
    if (this.#isOver) return;
    this.#there.source?.reset();
    this.#back.source?.reset();
    this.#end('reset');
  }

  #end(what: 'ended' | 'reset'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#observer.onOver(what);
  }
}

/** One direction of it. */
class Half implements StreamReader {
  source: ByteStream | undefined;
  target: ByteStream | undefined;
  hasEnded = false;
  readonly #direction: Direction;
  readonly #observer: PipeObserver;
  readonly #onEnded: () => void;
  readonly #onLost: () => void;
  readonly #memory = new Uint8Array(READ_BYTES_MAX);
  /** Read, and not passed on, since the way was closed meanwhile. */
  readonly #waiting: { readonly bytes: Uint8Array; readonly passedOn: () => void }[] = [];
  #isFull = false;
  #last: 'end' | 'reset' | undefined;

  constructor(direction: Direction, observer: PipeObserver, onEnded: () => void, onLost: () => void) {
    this.#direction = direction;
    this.#observer = observer;
    this.#onEnded = onEnded;
    this.#onLost = onLost;
  }

  buffer(): Uint8Array {
    return this.#memory;
  }

  onBytes(lent: Uint8Array): void {
    const bytes = lent.slice();
    this.#waiting.push({ bytes, passedOn: this.#observer.onPiece(this.#direction, bytes) });
    this.flow();
  }

  onEnd(): void {
    this.#last ??= 'end';
    this.flow();
  }

  onReset(): void {
    this.#last = 'reset';
    this.flow();
  }

  flow(): void {
    const { source, target } = this;
    if (source === undefined || target === undefined) return;
    if (!this.#direction.isOpen) {
      source.pause();
      return;
    }
    for (const { bytes, passedOn } of this.#waiting.splice(0)) {
      passedOn();
      if (!target.write([bytes])) this.#isFull = true;
    }
    if (this.#last === 'reset') this.#onLost();
    else if (this.#last === 'end' && !this.hasEnded) {
      this.hasEnded = true;
      target.end();
      this.#onEnded();
    } else if (this.#isFull) {
      source.pause();
      target.drained(() => {
        this.#isFull = false;
        this.flow();
      });
    } else source.resume();
  }
}
