import type { AccessControl } from '../../runtime/access-control.ts';
import type { Context } from '../../runtime/context.ts';
import { Message } from '../../runtime/message.ts';
import type { ByteStream } from '../../runtime/network.ts';
import { Route } from '../../runtime/route.ts';
import { type Way, whenThere } from '../../runtime/way.ts';
import type { MailboxOptions, Worker } from '../../runtime/worker.ts';
import { inletMachine } from './inlet.machine.ts';
import { type Announcement, encodeDisconnect, encodePing, encodeReset } from './portal-message.ts';
import { PortalStream } from './portal-stream.ts';
import { StreamAccess } from './stream-access.ts';
import { StreamLife, type StreamRole } from './stream-life.ts';
import { StreamSteps } from './stream-steps.ts';

const STEPS = new StreamSteps(inletMachine);

export interface InletStreamOptions {
  readonly outlet: Way;
  readonly pongTimeoutMs: number;
  readonly linkTimeoutMs: number;
  readonly windowBytes: number;
  readonly requireNumbers: boolean;
  readonly allow: AccessControl;
  readonly allowTo: AccessControl;
  readonly onEnded: () => void;
}

/** The near end of a stream: one connection that an inlet accepted. Source: routing.md 4.3 */
export class InletStream implements Worker, StreamRole {
  readonly #socket: ByteStream;
  readonly #options: InletStreamOptions;
  /** Calls off the wait for a way. */
  #waiting: AbortController | undefined;
  readonly #access: StreamAccess;
  #context!: Context;
  #stream!: PortalStream;
  #life!: StreamLife;
  #route: Route | undefined;

  constructor(socket: ByteStream, options: InletStreamOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#access = new StreamAccess(options.allow, options.allowTo, () =>
      this.#context.enter(() => this.#life.report({ type: 'access.denied' })),
    );
  }

  /** Who may send to it, and to whom it sends. */
  get controls(): MailboxOptions {
    return this.#access.controls;
  }

  /** What reads the accepted connection. */
  get reader(): PortalStream {
    return this.#stream;
  }

  onStart(context: Context): void {
    const { windowBytes, linkTimeoutMs, pongTimeoutMs } = this.#options;
    this.#context = context;
    this.#stream = new PortalStream(context, windowBytes, (event) => this.#life.report(event));
    this.#stream.attach(this.#socket);
    this.#life = new StreamLife(context, STEPS, this.#stream, this, { link: linkTimeoutMs, pong: pongTimeoutMs });
    this.#life.begin();
  }

  onMessage(message: Message): void {
    const incoming = this.#stream.read(message);
    if (incoming === undefined || incoming.kind === 'ping') return;
    if (incoming.kind === 'pong') return this.#onPong(message, incoming.announcement);
    if (this.#stream.peer !== undefined) return this.#stream.receive(incoming, message);
    if (incoming.kind === 'reset') this.#life.report({ type: 'reset.received' });
    else if (incoming.kind === 'disconnect') this.#life.report({ type: 'peer.left' });
  }

  onStop(): void {
    this.#life.report({ type: 'stop.requested' });
    this.#options.onEnded();
  }

  perform(order: 'findWay' | 'sendPing' | 'dial' | 'sendPong'): void {
    if (order === 'findWay') this.#findWay();
    else if (order === 'sendPing') this.#sendPing();
  }

  leave(): void {
    this.#access.end();
    this.#waiting?.abort();
  }

  #findWay(): void {
    const found = (route: Route) => {
      this.#route = route;
      this.#life.report({ type: 'way.found' });
    };
    const { current } = this.#options.outlet;
    if (current !== undefined) return found(current);
    this.#waiting = new AbortController();
    whenThere(this.#options.outlet, this.#waiting.signal).then(
      (route) => this.#context.enter(() => found(route)),
      () => undefined, // called off
    );
  }

  #sendPing(): void {
    const route = this.#route;
    if (route === undefined) return;
    const { address, node } = this.#context;
    // The answers must get past the flow control of whatever brings them in.
    const flow = node.flows.ofAnswersThrough(route.next);
    if (flow !== undefined) node.flows.addConsumer(address, flow.id);
    this.#stream.watchHop(route);
    const ping = new Message(route, Route.of([address]), encodePing(this.#options.windowBytes));
    ping.source = address;
    if (this.#access.watchOutgoing(ping)) this.#context.forward(ping);
    else this.#life.report({ type: 'access.denied' });
  }

  #onPong(message: Message, announcement: Announcement | undefined): void {
    const { peer } = this.#stream;
    if (peer === undefined) {
      if (message.returnRoute.isEmpty) return this.#context.giveUp(message, 'refused');
      this.#stream.meet(message.returnRoute.owned(), announcement, message.ingress);
      this.#access.watchIncoming(message);
      // Over by then, the stream hears no Pong; with its client gone, it only waits for one and hears of no fault.
      if (announcement === undefined && this.#options.requireNumbers) this.#life.report({ type: 'fault.found', reason: 'unnumbered' });
      this.#life.report({ type: 'pong.received' });
    } else if (!message.returnRoute.equals(peer) && !message.returnRoute.isEmpty) {
      // A Ping that was doubled on its way has opened a second connection at the far end.
      this.#context.reply(message, announcement === undefined ? encodeDisconnect() : encodeReset('protocol'));
    }
  }
}
