import type { Context } from '../../runtime/context.ts';
import { TransportError } from '../../runtime/errors.ts';
import type { Ingress } from '../../runtime/ingress.ts';
import type { Message } from '../../runtime/message.ts';
import type { HostPort } from '../../runtime/network.ts';
import type { Route } from '../../runtime/route.ts';
import type { Worker } from '../../runtime/worker.ts';
import { outletMachine } from './outlet.machine.ts';
import { type Announcement, encodePong, type ResetReason } from './portal-message.ts';
import { PortalStream } from './portal-stream.ts';
import { StreamLife, type StreamRole } from './stream-life.ts';

export interface OutletStreamOptions {
  readonly target: HostPort;
  readonly dialTimeoutMs: number;
  readonly windowBytes: number;
  /** By which the Ping came in. */
  readonly ingress: Ingress;
  /** The one dial is over, in whatever way. */
  readonly onDialEnded: () => void;
  readonly onEnded: () => void;
}

/** The far end of a stream: one connection from an outlet to its target. Source: routing.md 4.3 */
export class OutletStream implements Worker, StreamRole {
  readonly #peer: Route;
  readonly #announcement: Announcement | undefined;
  readonly #options: OutletStreamOptions;
  readonly #called = new AbortController();
  #context!: Context;
  #stream!: PortalStream;
  #life!: StreamLife;

  /** @param peer the return route of the Ping: for the whole life of the stream */
  constructor(peer: Route, announcement: Announcement | undefined, options: OutletStreamOptions) {
    this.#peer = peer;
    this.#announcement = announcement;
    this.#options = options;
  }

  onStart(context: Context): void {
    this.#context = context;
    this.#stream = new PortalStream(context, this.#options.windowBytes, (event) => this.#life.report(event));
    this.#life = new StreamLife(context, outletMachine, this.#stream, this);
    this.#stream.meet(this.#peer, this.#announcement, this.#options.ingress);
    this.#life.begin();
  }

  onMessage(message: Message): void {
    const incoming = this.#stream.read(message);
    if (incoming !== undefined) this.#stream.receive(incoming, message);
  }

  onStop(): void {
    this.#life.report({ type: 'stop.requested' });
    this.#options.onEnded();
  }

  perform(order: 'findWay' | 'sendPing' | 'dial' | 'sendPong'): void {
    if (order === 'dial') this.#dial();
    else if (order === 'sendPong') this.#sendPong();
  }

  leave(): void {
    this.#called.abort();
  }

  #dial(): void {
    const { target, dialTimeoutMs, onDialEnded } = this.#options;
    const attach = (socket: Parameters<PortalStream['attach']>[0]) => {
      this.#stream.attach(socket);
      return this.#stream;
    };
    this.#context.node.network.connect(target, attach, { timeoutMs: dialTimeoutMs, signal: this.#called.signal }).then(
      () => {
        onDialEnded();
        this.#context.enter(() => this.#life.report({ type: 'dial.succeeded' }));
      },
      (thrown: unknown) => {
        onDialEnded();
        this.#context.enter(() => this.#life.report({ type: 'dial.failed', reason: reasonOf(thrown) }));
      },
    );
  }

  #sendPong(): void {
    this.#context.send(this.#peer, encodePong(this.#announcement === undefined ? undefined : this.#options.windowBytes));
  }
}

function reasonOf(thrown: unknown): ResetReason {
  const code = thrown instanceof TransportError ? thrown.code : undefined;
  if (code === 'CONNECT_TIMEOUT') return 'target-silent';
  if (code === 'NAME_UNKNOWN') return 'target-unknown';
  return 'target-refused';
}
