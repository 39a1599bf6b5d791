import { allowNobody } from '../runtime/access-control.ts';
import type { Address } from '../runtime/address.ts';
import type { Envelope } from '../runtime/codec/envelope.ts';
import type { Context } from '../runtime/context.ts';
import { TransportError } from '../runtime/errors.ts';
import type { Flow } from '../runtime/flow-control.ts';
import type { Ingress } from '../runtime/ingress.ts';
import type { Loan } from '../runtime/loan.ts';
import { errorFields } from '../runtime/logger.ts';
import { Queue } from '../runtime/mailbox.ts';
import { Message } from '../runtime/message.ts';
import type { HostPort } from '../runtime/network.ts';
import type { HasFlow, Node } from '../runtime/node.ts';
import { Route } from '../runtime/route.ts';
import type { Connection } from '../runtime/transport.ts';
import type { Worker } from '../runtime/worker.ts';
import { StallWatch } from './stall-watch.ts';

/** A heartbeat goes out when nothing was written for so long. Source: decisions.md B9. */
export const HEARTBEAT_MS = 10_000;
/** A peer that has shown that it sends heartbeats, and is silent for so long, is gone. Source: decisions.md B9. */
export const SILENCE_MS = 30_000;
/** With so much collected a write is made, to a peer whose system took all of the last one at once. */
const BURST_BYTES = 256 * 1024;
/**
 * The same for a peer that keeps us waiting: no other write is made until all of the last has left, what it holds is
 * released only then, and an ingress that sees nothing released for a second sheds. Small enough for links of 128 KiB/s.
 */
const BURST_BYTES_SLOW = 64 * 1024;
/** How long a connection that we end, and have written everything to, waits for the other end to end too. */
const LINGER_MS = 500;
/** How long ending a connection may take in all, when what was written does not leave. */
const GOODBYE_MS = 5_000;

/** What moves the bytes of one connection: framing and socket. */
export interface Carrier {
  /**
   * Collects a message for the next `flush`.
   * @returns the bytes it takes on the wire, or 0 when it is larger than may be sent
   */
  push(onward: Route, message: Message): number;
  pushHeartbeat(): void;
  /** @returns true when every byte has left; false when some wait: `whenDrained` tells */
  flush(): boolean;
  /** Calls back once when no byte waits, at once if none does; perhaps never after the connection is lost. */
  whenDrained(callback: () => void): void;
  /** See `ByteStream`. */
  readonly isDoneWithWritten?: boolean;
  /** See `ByteStream`. */
  readonly drainProgress?: number | undefined;
  pause(): void;
  resume(): void;
  /** Ends our direction, after what was written. */
  end(): void;
  /** Ends both directions now. Does nothing once both have ended. */
  reset(): void;
}

/** Where a connection comes from. */
export interface Opening {
  readonly direction: 'outgoing' | 'incoming';
  readonly flow: Flow;
  /** A message of it reached a published worker, or it is gone: it counts as a stranger no more. May be called again. */
  readonly release: () => void;
}

export interface ConnectionOptions {
  /** The flow of an outgoing connection; a new one by default. A session gives its own, so that consumers outlive a reconnect. */
  readonly flow?: Flow;
  /** Also lets messages that came in by these ways leave through this connection: a bridge, which is never made by default. */
  readonly bridgeFrom?: readonly HasFlow[];
}

export function outgoing(node: Node, { flow = node.newFlow() }: ConnectionOptions): Opening {
  return { direction: 'outgoing', flow, release: () => undefined };
}

/** Runs an attempt to connect that is called off when the caller's signal says so, or when the node stops. */
export async function whileRunning<Result>(
  node: Node,
  signal: AbortSignal | undefined,
  attempt: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const stop = new AbortController();
  const forget = node.onStop(() => stop.abort(new TransportError('CONNECT_ABORTED', `The node ${node.name} was stopped.`)));
  try {
    return await attempt(signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]));
  } finally {
    forget();
  }
}

/**
 * One connection as a worker: its sender address takes messages out of the node, and its receiver address brings them in
 * under flow control. All transports share it, so that all share one gate. Source: routing.md 3.4; decisions.md A6
 */
export class ConnectionWorker implements Worker, Connection {
  readonly transport: string;
  readonly address: Address;
  readonly route: Route;
  readonly flow: Flow;
  readonly remote: HostPort;
  readonly direction: 'outgoing' | 'incoming';
  readonly closed: Promise<Error | undefined>;
  /** When bytes came last, on the monotonic clock. */
  readAtMs = 0;
  /** Reading has stopped for want of room in the node: what does not come meanwhile is not the peer's fault. */
  isPaused = false;
  readonly #node: Node;
  readonly #receiver: Address;
  readonly #carrier: Carrier;
  readonly #opening: Opening;
  readonly #stall: StallWatch;
  /** Messages that the carrier has, each still charged to whoever it came from. */
  #unwritten: Message[] = [];
  /** Messages that wait until the carrier has got rid of those. */
  readonly #backlog = new Queue();
  #collectedBytes = 0;
  #burstBytes = BURST_BYTES_SLOW;
  #context!: Context;
  #ingress!: Ingress;
  #settleClosed!: (cause: Error | undefined) => void;
  #cause: Error | undefined;
  #isAdmitted = false;
  #isLost = false;
  #isDirty = false;
  #isDraining = false;
  #isWatched = false;
  #wroteAtMs = 0;
  /** We have said goodbye, and the other end has everything or its machine does. */
  #hasEnded = false;
  #peerHasEnded = false;
  #onBothEnded: () => void = () => undefined;

  constructor(node: Node, transport: string, carrier: Carrier, remote: HostPort, opening: Opening) {
    this.#node = node;
    this.transport = transport;
    this.#carrier = carrier;
    this.remote = remote;
    this.#opening = opening;
    this.#stall = new StallWatch(this, () => carrier.drainProgress);
    this.direction = opening.direction;
    this.flow = opening.flow;
    this.address = node.newAddress();
    this.#receiver = node.newAddress();
    this.route = Route.empty.prepend(this.address);
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  get context(): Context {
    return this.#context;
  }

  /** Puts the connection on the node. @throws {RuntimeError} `NODE_STOPPED` */
  begin(options: ConnectionOptions = {}): void {
    const { flows } = this.#node;
    this.#node.start(this.address, this, {
      outgoing: allowNobody,
      terminal: {},
      cluster: 'transports',
      also: [{ address: this.#receiver, incoming: allowNobody, outgoing: flows.controlOf(this.flow) }],
    });
    flows.addProducer(this.#receiver, this.flow, [this.address]);
    for (const way of options.bridgeFrom ?? []) flows.addConsumer(this.address, way.flow.id);
    this.#node.connections.add(this);
    // A worker whose node ran out of patience ends without a goodbye: this hears of every end.
    this.#node.watch(this.address, () => this.#leave());
  }

  onStart(context: Context): void {
    this.#context = context;
    this.#ingress = context.ingress({ onFull: () => this.#pause(), onRoom: () => this.#resume() });
    this.readAtMs = context.clock.monotonicMs();
    this.#carrier.pushHeartbeat();
    this.#markDirty();
    this.#scheduleHeartbeat(HEARTBEAT_MS);
  }

  /** Takes a message out of the node: the sender's address goes, the return route stays as it is. */
  onMessage(message: Message, context: Context): void {
    if (this.#isLost) return context.giveUp(message, 'stopped');
    const { routeAddresses } = this.#node.limits;
    if (message.onward.length - 1 > routeAddresses || message.returnRoute.length > routeAddresses)
      return context.giveUp(message, 'route-limit');
    // The socket's backlog is charged to whoever the message came from, until it has left.
    if (!message.ingress.charge(message.chargedBytes)) return context.giveUp(message, 'overflow');
    // What is released may let in the next message before the backlog is gone: it waits behind it.
    if (this.#isDraining || this.#backlog.count > 0) this.#backlog.push(message);
    else this.#push(message);
  }

  async onStop(): Promise<void> {
    if (!this.#isLost) await this.#sayGoodbye();
  }

  /** Ends the connection: what was sent before is written first. */
  close(): Promise<void> {
    return this.#node.stopWorker(this.address).catch(() => undefined);
  }

  /** Runs what the socket calls: what comes in is delivered before this returns, and an error ends this connection only. */
  enter(callback: () => void): void {
    if (this.#isLost) return;
    this.#context.enter(() => {
      try {
        this.readAtMs = this.#context.clock.monotonicMs();
        callback();
      } catch (thrown) {
        this.lose(thrown as Error);
      }
    });
  }

  /** One envelope came in. */
  receive({ onward, returnRoute, payload }: Envelope, loan?: Loan): void {
    if (onward.isEmpty) return this.#watchForSilence();
    const message = new Message(onward, returnRoute.prepend(this.address), payload, undefined, 0, this.flow);
    message.loan = loan;
    const { routeAddresses } = this.#node.limits;
    if (onward.length > routeAddresses || returnRoute.length > routeAddresses) return this.#context.giveUp(message, 'route-limit');
    if (!this.#isAdmitted && this.#node.flows.mayDeliver(this.flow, onward.next)) this.#admit();
    this.#context.inject(message, this.#ingress, { from: this.#receiver });
  }

  /** A frame was left unread for its size. */
  skipped(bytes: number): void {
    this.#node.deadLetters.add('frame-limit');
    this.#ingress.lost('frame-limit');
    this.#node.logger.log('warn', 'frame.skipped', { bytes, transport: this.transport, remote: this.remote.host });
  }

  /** The other end has ended: nothing more comes, and what we still had to say is written. */
  peerEnded(): void {
    this.#peerHasEnded = true;
    if (this.#hasEnded) this.#onBothEnded();
    else this.#cause ??= new TransportError('CONNECTION_CLOSED', 'The other end closed the connection.');
    void this.close();
  }

  /** The connection is gone or has to go. */
  lose(cause: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#cause ??= cause;
    this.#carrier.reset();
    this.#node.logger.log('info', 'connection.lost', { transport: this.transport, remote: this.remote.host, ...errorFields(cause) });
    this.#onBothEnded();
    void this.close();
  }

  #push(message: Message): void {
    const bytes = this.#carrier.push(message.onward.rest, message);
    if (bytes === 0) {
      message.ingress.release(message.chargedBytes);
      this.#node.logger.log('warn', 'message.too.large', { payloadBytes: message.payloadBytes, transport: this.transport });
      return this.#context.giveUp(message, 'frame-limit');
    }
    this.#unwritten.push(message);
    this.#collectedBytes += bytes;
    if (this.#collectedBytes >= this.#burstBytes) this.#flush();
    else this.#markDirty();
  }

  /** Everything that was pushed in this turn leaves in one write at its end. Source: performance.md 6, point 6. */
  #markDirty(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#context.whenQuiet(this.#flushDirty);
  }

  readonly #flushDirty = (): void => {
    this.#isDirty = false;
    if (!this.#isLost && !this.#isDraining) this.#flush();
  };

  #flush(): void {
    this.#collectedBytes = 0;
    this.#wroteAtMs = this.#context.clock.monotonicMs();
    const hasLeft = this.#carrier.flush();
    this.#burstBytes = hasLeft ? BURST_BYTES : BURST_BYTES_SLOW;
    if (hasLeft) return this.#haveLeft();
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#stall.began();
    this.#carrier.whenDrained(this.#onDrained);
  }

  readonly #onDrained = (): void => {
    this.#isDraining = false;
    this.#stall.ended();
    this.#context.enter(() => {
      this.#haveLeft();
      this.#pushBacklog();
    });
  };

  #pushBacklog(): void {
    while (!this.#isDraining) {
      const message = this.#backlog.shift();
      if (message === undefined) return;
      this.#push(message);
    }
  }

  #haveLeft(): void {
    if (this.#carrier.isDoneWithWritten === true) for (const message of this.#unwritten) this.#context.spent(message);
    this.#releaseWritten();
  }

  #releaseWritten(): void {
    const written = this.#unwritten;
    this.#unwritten = [];
    for (const { ingress, chargedBytes } of written) ingress.release(chargedBytes);
  }

  /** Writes what is left, ends our direction, and gives the other end a moment to end its own. */
  #sayGoodbye(): Promise<void> {
    for (let message = this.#backlog.shift(); message !== undefined; message = this.#backlog.shift()) this.#push(message);
    this.#carrier.flush();
    this.#carrier.end();
    return new Promise((resolve) => {
      this.#onBothEnded = resolve;
      this.#context.setTimer(GOODBYE_MS, resolve);
      this.#carrier.whenDrained(() => {
        this.#hasEnded = true;
        if (this.#peerHasEnded) resolve();
        else this.#context.setTimer(LINGER_MS, resolve);
      });
    });
  }

  /** The worker has ended, in whatever way. */
  #leave(): void {
    if (!(this.#hasEnded && this.#peerHasEnded)) this.#carrier.reset();
    this.#isLost = true;
    this.#releaseWritten();
    for (let message = this.#backlog.shift(); message !== undefined; message = this.#backlog.shift()) {
      this.#context.giveUp(message, 'stopped');
      message.ingress.release(message.chargedBytes);
    }
    this.#node.connections.delete(this);
    this.#opening.release();
    this.#settleClosed(this.#cause);
  }

  #admit(): void {
    this.#isAdmitted = true;
    this.#opening.release();
  }

  #pause(): void {
    this.isPaused = true;
    this.#carrier.pause();
  }

  #resume(): void {
    this.isPaused = false;
    // The silence of a peer we did not listen to is our own, hence `enter`.
    this.enter(() => this.#carrier.resume());
  }

  #scheduleHeartbeat(delayMs: number): void {
    this.#context.setTimer(delayMs, () => {
      const quietMs = this.#context.clock.monotonicMs() - this.#wroteAtMs;
      if (quietMs < HEARTBEAT_MS) return this.#scheduleHeartbeat(HEARTBEAT_MS - quietMs);
      // With bytes waiting to leave, one more would tell the peer nothing new.
      if (!this.#isDraining) {
        this.#carrier.pushHeartbeat();
        this.#markDirty();
      }
      this.#scheduleHeartbeat(HEARTBEAT_MS);
    });
  }

  /** The peer sends heartbeats: from now on its silence means something. */
  #watchForSilence(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#checkSilenceIn(SILENCE_MS);
  }

  #checkSilenceIn(delayMs: number): void {
    this.#context.setTimer(delayMs, () => {
      const nowMs = this.#context.clock.monotonicMs();
      if (this.isPaused) this.readAtMs = nowMs;
      const silentMs = nowMs - this.readAtMs;
      if (silentMs < SILENCE_MS) this.#checkSilenceIn(SILENCE_MS - silentMs);
      else
        this.lose(new TransportError('PEER_SILENT', `The peer sent nothing for ${SILENCE_MS / 1_000} s: it, or the way to it, is gone.`));
    });
  }
}
