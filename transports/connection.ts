import { allowNobody } from '../runtime/access-control.ts';
import type { Address } from '../runtime/address.ts';
import type { Envelope } from '../runtime/codec/envelope.ts';
import type { Context } from '../runtime/context.ts';
import { TransportError } from '../runtime/errors.ts';
import type { Flow } from '../runtime/flow-control.ts';
import type { Ingress } from '../runtime/ingress.ts';
import { errorFields } from '../runtime/logger.ts';
import { Message } from '../runtime/message.ts';
import type { HostPort } from '../runtime/network.ts';
import type { HasFlow, Node } from '../runtime/node.ts';
import { Route } from '../runtime/route.ts';
import type { Connection } from '../runtime/transport.ts';
import type { Worker } from '../runtime/worker.ts';

/** A heartbeat goes out when nothing was written for so long. Source: decisions.md B9. */
export const HEARTBEAT_MS = 10_000;
/** A peer that has shown that it sends heartbeats, and is silent for so long, is gone. Source: decisions.md B9. */
export const SILENCE_MS = 30_000;
/** How long a connection that we end waits for the other end to end too. */
const LINGER_MS = 500;

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
  whenDrained(callback: () => void): void;
  pause(): void;
  resume(): void;
  /** Ends our direction, after what was written. */
  end(): void;
  /** Ends both directions now. */
  reset(): void;
}

export interface ConnectionOptions {
  /** The flow of an outgoing connection; a new one by default. A session gives its own, so that consumers outlive a reconnect. */
  readonly flow?: Flow;
  /** Also lets messages that came in by these ways leave through this connection: a bridge, which is never made by default. */
  readonly bridgeFrom?: readonly HasFlow[];
}

interface Charge {
  readonly ingress: Ingress;
  readonly bytes: number;
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
  /** Set once a frame was delivered to a published worker: the connection is no stranger's any more. */
  isAdmitted = false;
  readonly #node: Node;
  readonly #receiver: Address;
  readonly #carrier: Carrier;
  readonly #onAdmitted: () => void;
  readonly #unwritten: Charge[] = [];
  #context!: Context;
  #ingress!: Ingress;
  #settleClosed!: (cause: Error | undefined) => void;
  #cause: Error | undefined;
  #isGone = false;
  #isDirty = false;
  #isDraining = false;
  #wroteAtMs = 0;
  /** When bytes came last, on the monotonic clock. */
  readAtMs = 0;
  #isWatched = false;
  #peerHasEnded = false;
  #onBothEnded: (() => void) | undefined;

  constructor(
    node: Node,
    transport: string,
    carrier: Carrier,
    remote: HostPort,
    direction: 'outgoing' | 'incoming',
    flow: Flow,
    onAdmitted: () => void,
  ) {
    this.#node = node;
    this.transport = transport;
    this.#carrier = carrier;
    this.remote = remote;
    this.direction = direction;
    this.address = node.newAddress();
    this.#receiver = node.newAddress();
    this.route = Route.empty.prepend(this.address);
    this.flow = flow;
    this.#onAdmitted = onAdmitted;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  get context(): Context {
    return this.#context;
  }

  /** Reading has stopped for want of room in the node. */
  get isFull(): boolean {
    return this.#ingress.isFull;
  }

  /** Puts the connection on the node. */
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
  }

  onStart(context: Context): void {
    this.#context = context;
    this.#ingress = context.ingress({ onFull: () => this.#carrier.pause(), onRoom: () => this.#readOn() });
    this.readAtMs = context.clock.monotonicMs();
    this.#carrier.pushHeartbeat();
    this.#markDirty();
    this.#scheduleHeartbeat(HEARTBEAT_MS);
  }

  /** Takes a message out of the node: the sender's address goes, the return route stays as it is. */
  onMessage(message: Message, context: Context): void {
    if (this.#isGone) return context.giveUp(message, 'stopped');
    const onward = message.onward.rest;
    const { routeAddresses } = this.#node.limits;
    if (onward.length > routeAddresses || message.returnRoute.length > routeAddresses) return context.giveUp(message, 'route-limit');
    // The socket's backlog is charged to whoever the message came from, until it has left.
    if (!message.ingress.charge(message.payloadBytes)) return context.giveUp(message, 'overflow');
    const bytes = this.#carrier.push(onward, message);
    if (bytes === 0) {
      message.ingress.release(message.payloadBytes);
      context.node.logger.log('warn', 'message.too.large', { payloadBytes: message.payloadBytes, transport: this.transport });
      return context.giveUp(message, 'frame-limit');
    }
    this.#unwritten.push({ ingress: message.ingress, bytes: message.payloadBytes });
    this.#markDirty();
  }

  async onStop(): Promise<void> {
    if (!this.#isGone) await this.#sayGoodbye();
    this.#isGone = true;
    this.#releaseWritten();
    this.#node.connections.delete(this);
    this.#settleClosed(this.#cause);
  }

  /** Ends the connection: what was sent before is written first. */
  close(): Promise<void> {
    return this.#node.stopWorker(this.address).catch(() => undefined);
  }

  /** Runs what the socket calls: what comes in is delivered before this returns, and an error ends this connection only. */
  enter(callback: () => void): void {
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
  receive({ onward, returnRoute, payload }: Envelope): void {
    if (onward.isEmpty) return this.#watchForSilence();
    const message = new Message(onward, returnRoute.prepend(this.address), payload, undefined, 0, this.flow);
    const { routeAddresses } = this.#node.limits;
    if (onward.length > routeAddresses || returnRoute.length > routeAddresses) return this.#context.giveUp(message, 'route-limit');
    if (!this.isAdmitted && this.#node.flows.mayDeliver(this.flow, onward.next)) this.#admit();
    this.#context.inject(message, this.#ingress, { from: this.#receiver });
  }

  /** A frame was left unread for its size. */
  skipped(bytes: number): void {
    this.#node.deadLetters.add('frame-limit');
    this.#node.logger.log('warn', 'frame.skipped', { bytes, transport: this.transport, remote: this.remote.host });
  }

  /** The other end has ended: nothing more comes, and what we still had to say is written. */
  peerEnded(): void {
    this.#peerHasEnded = true;
    this.#onBothEnded?.();
    void this.close();
  }

  /** The connection is gone or has to go. */
  lose(cause: Error): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#cause = cause;
    this.#carrier.reset();
    this.#node.logger.log('info', 'connection.lost', { transport: this.transport, remote: this.remote.host, ...errorFields(cause) });
    this.#onBothEnded?.();
    void this.close();
  }

  /** Writes what is left, ends our direction, and gives the other end a moment to end its own. */
  #sayGoodbye(): Promise<void> {
    this.#carrier.flush();
    this.#carrier.end();
    if (this.#peerHasEnded) return Promise.resolve();
    return new Promise((resolve) => {
      const linger = this.#context.setTimer(LINGER_MS, () => {
        this.#carrier.reset();
        resolve();
      });
      this.#onBothEnded = () => {
        linger.cancel();
        resolve();
      };
    });
  }

  #admit(): void {
    this.isAdmitted = true;
    this.#onAdmitted();
  }

  #readOn(): void {
    // The silence of a peer we did not listen to is our own.
    this.readAtMs = this.#context.clock.monotonicMs();
    this.#carrier.resume();
  }

  /** Everything that was pushed in this turn leaves in one write at its end. Source: performance.md 6, point 6. */
  #markDirty(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#context.whenQuiet(() => this.#flush());
  }

  #flush(): void {
    this.#isDirty = false;
    if (this.#isGone) return this.#releaseWritten();
    this.#wroteAtMs = this.#context.clock.monotonicMs();
    if (this.#carrier.flush()) return this.#releaseWritten();
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#carrier.whenDrained(() => {
      this.#isDraining = false;
      this.#context.enter(() => this.#releaseWritten());
    });
  }

  #releaseWritten(): void {
    for (const { ingress, bytes } of this.#unwritten) ingress.release(bytes);
    this.#unwritten.length = 0;
  }

  #scheduleHeartbeat(delayMs: number): void {
    this.#context.setTimer(delayMs, () => {
      const quietMs = this.#context.clock.monotonicMs() - this.#wroteAtMs;
      if (quietMs < HEARTBEAT_MS) return this.#scheduleHeartbeat(HEARTBEAT_MS - quietMs);
      this.#carrier.pushHeartbeat();
      this.#markDirty();
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
      if (this.#ingress.isFull) this.readAtMs = nowMs;
      const silentMs = nowMs - this.readAtMs;
      if (silentMs < SILENCE_MS) this.#checkSilenceIn(SILENCE_MS - silentMs);
      else
        this.lose(new TransportError('PEER_SILENT', `The peer sent nothing for ${SILENCE_MS / 1_000} s: it, or the way to it, is gone.`));
    });
  }
}
