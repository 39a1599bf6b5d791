import { type AccessControl, allowEveryone } from '../../runtime/access-control.ts';
import type { Context } from '../../runtime/context.ts';
import { TransportError } from '../../runtime/errors.ts';
import type { Ingress } from '../../runtime/ingress.ts';
import type { Message } from '../../runtime/message.ts';
import type { HostPort } from '../../runtime/network.ts';
import type { Route } from '../../runtime/route.ts';
import type { MailboxOptions, Worker } from '../../runtime/worker.ts';
import type { DialLine } from './outlet-caps.ts';
import { outletMachine } from './outlet.machine.ts';
import { type Announcement, encodePong, type ResetReason } from './portal-message.ts';
import { PortalStream } from './portal-stream.ts';
import { StreamAccess } from './stream-access.ts';
import { StreamLife, type StreamRole } from './stream-life.ts';
import { StreamSteps } from './stream-steps.ts';

const STEPS = new StreamSteps(outletMachine);

export interface OutletStreamOptions {
  readonly target: HostPort;
  readonly dials: DialLine;
  readonly dialTimeoutMs: number;
  readonly windowBytes: number;
  readonly allow: AccessControl;
  /** By which the Ping came in. */
  readonly ingress: Ingress;
  readonly onEnded: () => void;
}

/** The far end of a stream: one connection from an outlet to its target. Source: routing.md 4.3 */
export class OutletStream implements Worker, StreamRole {
  readonly #peer: Route;
  readonly #announcement: Announcement | undefined;
  readonly #options: OutletStreamOptions;
  /** Calls off the dial that is under way. */
  #dialling: AbortController | undefined;
  readonly #access: StreamAccess;
  #leaveLine: () => void = () => undefined;
  #context!: Context;
  #stream!: PortalStream;
  #life!: StreamLife;

  /** @param peer the return route of the Ping: for the whole life of the stream */
  constructor(peer: Route, announcement: Announcement | undefined, options: OutletStreamOptions) {
    this.#peer = peer;
    this.#announcement = announcement;
    this.#options = options;
    this.#access = new StreamAccess(options.allow, allowEveryone, () =>
      this.#context.enter(() => this.#life.report({ type: 'access.denied' })),
    );
  }

  /** Who may send to it. */
  get controls(): MailboxOptions {
    return this.#access.controls;
  }

  /** From now on it ends when the peer that sent the Ping may not use it any more. */
  watch(ping: Message): void {
    this.#access.watchIncoming(ping);
  }

  onStart(context: Context): void {
    this.#context = context;
    this.#stream = new PortalStream(context, this.#options.windowBytes, (event) => this.#life.report(event));
    this.#life = new StreamLife(context, STEPS, this.#stream, this);
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
    this.#access.end();
    this.#dialling?.abort();
    this.#leaveLine();
  }

  /** Waits for its turn first, and no longer than the dial may take. */
  #dial(): void {
    const { dials, dialTimeoutMs } = this.#options;
    const { clock } = this.#context;
    const endsAtMs = clock.monotonicMs() + dialTimeoutMs;
    const patience = dials.isFull ? this.#context.setTimer(dialTimeoutMs, () => this.#dialFailed('limit')) : undefined;
    this.#leaveLine = dials.enter(() => {
      patience?.cancel();
      const leftMs = endsAtMs - clock.monotonicMs();
      if (leftMs > 0) this.#connect(Math.ceil(leftMs));
      else this.#dialFailed('limit');
    });
  }

  #connect(timeoutMs: number): void {
    const attach = (socket: Parameters<PortalStream['attach']>[0]) => {
      this.#stream.attach(socket);
      return this.#stream;
    };
    this.#dialling = new AbortController();
    this.#context.node.network.connect(this.#options.target, attach, { timeoutMs, signal: this.#dialling.signal }).then(
      () => {
        this.#dialling = undefined;
        this.#leaveLine();
        this.#context.enter(() => this.#life.report({ type: 'dial.succeeded' }));
      },
      (thrown: unknown) => this.#context.enter(() => this.#dialFailed(reasonOf(thrown))),
    );
  }

  #dialFailed(reason: ResetReason): void {
    this.#leaveLine();
    this.#life.report({ type: 'dial.failed', reason });
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
