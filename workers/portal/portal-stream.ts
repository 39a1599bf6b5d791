import type { Context } from '../../runtime/context.ts';
import type { Ingress } from '../../runtime/ingress.ts';
import { errorFields } from '../../runtime/logger.ts';
import { Message } from '../../runtime/message.ts';
import type { ByteStream, StreamReader } from '../../runtime/network.ts';
import { Route } from '../../runtime/route.ts';
import type { Dialect, StreamLink } from './dialect.ts';
import { type NodeReads, readsOf } from './node-reads.ts';
import { NumberedDialect } from './numbered-dialect.ts';
import { PlainDialect } from './plain-dialect.ts';
import { type Announcement, CHUNK_BYTES_MAX, decodePortalMessage, type PortalMessage } from './portal-message.ts';
import { READ_BYTES_MAX, ReadSize } from './read-size.ts';
import type { Reading } from './read-turns.ts';
import { SocketWriter } from './socket-writer.ts';
import type { AbortReason, StreamEvent } from './stream-states.ts';

/** How much of one stream may wait inside the node: a few chunks, so that no stream fills the channel that many share. */
const INGRESS_LIMITS = { messages: 256, bytes: 4 * CHUNK_BYTES_MAX };

/**
 * The bytes of one end of a stream: between its local socket and its peer. When it begins and ends is decided by the
 * machine of its worker, which hears of every fact through `report`.
 */
export class PortalStream implements StreamReader, StreamLink, Reading {
  readonly windowBytes: number;
  readonly #context: Context;
  readonly #report: (event: StreamEvent) => void;
  readonly #reads: NodeReads;
  readonly #readSize = new ReadSize();
  readonly #returnRoute: Route;
  readonly #ingress: Ingress;
  #socket: ByteStream | undefined;
  #writer: SocketWriter | undefined;
  #peer: Route | undefined;
  #dialect: Dialect | undefined;
  #forgetHop: (() => void) | undefined;
  #state: 'waiting' | 'sending' | 'discarding' | 'over' = 'waiting';
  #isPaused = true;
  #isWaitingForTurn = false;
  #isBroken = false;

  constructor(context: Context, windowBytes: number, report: (event: StreamEvent) => void) {
    this.windowBytes = windowBytes;
    this.#context = context;
    this.#report = report;
    this.#reads = readsOf(context.node);
    this.#returnRoute = Route.empty.prepend(context.address);
    this.#ingress = context.ingress({ limits: INGRESS_LIMITS, sheds: false, onFull: () => this.readOn(), onRoom: () => this.readOn() });
    this.#ingress.onLoss(() => this.lost());
  }

  get peer(): Route | undefined {
    return this.#peer;
  }

  get unwrittenBytes(): number {
    return this.#writer?.unwrittenBytes ?? 0;
  }

  get isHeldUp(): boolean {
    return this.#ingress.isFull;
  }

  /** Takes the local socket; nothing is read from it before `open`. */
  attach(socket: ByteStream): void {
    socket.pause();
    if (this.#state === 'over') return socket.reset();
    this.#socket = socket;
    this.#writer = new SocketWriter(
      socket,
      this.#context,
      (byteCount) => this.#dialect?.written(byteCount),
      () => this.#report({ type: 'all.written' }),
    );
  }

  /**
   * The peer is known, and how it talks.
   * @param route kept, so it must be owned
   * @param ingress by which it was heard of
   */
  meet(route: Route, announcement: Announcement | undefined, ingress: Ingress): void {
    this.#peer = route;
    this.#dialect =
      announcement === undefined
        ? new PlainDialect(this.#context, this, ingress)
        : new NumberedDialect(this.#context, this, announcement.windowBytes, this.windowBytes);
    this.watchHop(route);
  }

  /** Reports when the first hop of a route is gone; what came through it before is handled first. */
  watchHop(route: Route): void {
    this.#forgetHop?.();
    this.#forgetHop = this.#context.node.watch(route.next, () =>
      this.#context.whenQuiet(() => {
        if (this.#state !== 'over') this.#report({ type: 'peer.lost' });
      }),
    );
  }

  /** Starts to read the local socket. */
  open(): void {
    this.#state = 'sending';
    this.readOn();
  }

  /** Reads what a message says. @returns undefined for what is not of this protocol, or not for exactly this address; that has been dealt with */
  read(message: Message): PortalMessage | undefined {
    if (message.onward.length !== 1) {
      this.#context.giveUp(message, 'refused');
      return undefined;
    }
    try {
      return decodePortalMessage(message.payload);
    } catch (thrown) {
      this.#context.node.logger.log('info', 'portal.message.invalid', {
        address: this.#context.address.toString(),
        ...errorFields(thrown),
      });
      this.#report({ type: 'fault.found', reason: 'protocol' });
      return undefined;
    }
  }

  /** Handles a message of the peer other than Ping and Pong. */
  receive(message: PortalMessage, carrier: Message): void {
    if (this.#state !== 'over' && !this.#isBroken) this.#dialect?.receive(message, carrier);
  }

  sendEnd(): void {
    this.#dialect?.sendEnd();
  }

  endLocal(): void {
    this.#writer?.end();
  }

  /** Reads on, and drops what it reads. */
  discardLocal(): void {
    this.#state = 'discarding';
    this.readOn();
  }

  /** Resets the local socket, and tells the peer unless it was the peer's word. One that is denied cannot tell that from a portal that closes. */
  abort(reason: AbortReason): void {
    if (this.#state === 'over') return;
    if (reason !== 'peer') this.#dialect?.sendReset(reason === 'denied' ? 'stopped' : reason);
    this.#socket?.reset();
    this.close();
  }

  /** Lets go of everything; the local socket has ended, or ends when the local program does so. */
  close(): void {
    this.#state = 'over';
    this.#writer?.drop();
    this.#dialect?.stop();
    this.#forgetHop?.();
  }

  // What the local socket calls.

  buffer(): Uint8Array {
    // Without credit nothing is read, but a network may ask before it looks whether it is paused.
    const allowed = this.#state === 'sending' ? Math.max(1, this.#dialect?.credit ?? 1) : CHUNK_BYTES_MAX;
    const turn = this.#reads.turns.areShared ? CHUNK_BYTES_MAX : READ_BYTES_MAX;
    const lent = this.#reads.slab.lend(Math.min(allowed, turn, this.#readSize.bytes));
    this.#readSize.lent(lent.length);
    return lent;
  }

  onBytes(bytes: Uint8Array): void {
    const { slab } = this.#reads;
    slab.taken(bytes);
    this.#readSize.read(bytes.length);
    if (this.#state !== 'sending') return slab.handedOut(bytes);
    this.#context.enter(() => {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX) this.#dialect?.sendChunk(bytes.subarray(at, at + CHUNK_BYTES_MAX));
      slab.handedOut(bytes);
      if (bytes.length >= CHUNK_BYTES_MAX) this.#reads.turns.served(this);
      this.readOn();
    });
  }

  onEnd(): void {
    this.#context.enter(() => this.#report({ type: 'local.ended' }));
  }

  onReset(): void {
    this.#context.enter(() => this.#report({ type: 'local.reset' }));
  }

  // What decides whether it is read.

  waitForTurn(): void {
    this.#isWaitingForTurn = true;
    this.readOn();
  }

  goOn(): void {
    this.#isWaitingForTurn = false;
    this.readOn();
  }

  readOn(): void {
    const reads = this.#mayRead();
    if (this.#isPaused === !reads || this.#state === 'over') return;
    this.#isPaused = !reads;
    if (reads) this.#socket?.resume();
    else this.#socket?.pause();
  }

  #mayRead(): boolean {
    if (this.#state === 'discarding') return true;
    const isReady = this.#state === 'sending' && !this.#ingress.isPaused && !this.#isWaitingForTurn;
    return isReady && (this.#dialect?.credit ?? 0) > 0;
  }

  // What the dialect calls.

  sendChunk(head: Uint8Array, bytes: Uint8Array): void {
    if (this.#peer === undefined || this.#isBroken) return;
    const message = new Message(this.#peer, this.#returnRoute, [head, bytes]);
    message.loan = this.#reads.slab.loan(bytes);
    this.#context.inject(message, this.#ingress);
  }

  sendNote(payload: Uint8Array): void {
    if (this.#peer !== undefined) this.#context.send(this.#peer, payload);
  }

  /** From here on nothing passes in either direction, so that what came through is a beginning; it is reset in this turn. */
  lost(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#context.whenQuiet(() => {
      if (this.#state !== 'over') this.#report({ type: 'fault.found', reason: 'gap' });
    });
  }

  deliver(bytes: Uint8Array, carrier: Message): void {
    this.#writer?.write(bytes, carrier);
  }

  report(event: StreamEvent): void {
    this.#report(event);
  }
}
