import { type AccessControl, allowEveryone } from '../../runtime/access-control.ts';
import type { Address } from '../../runtime/address.ts';
import { formatHostPort, parseHostPort } from '../../runtime/host-port.ts';
import type { ByteStream, HostPort, StreamReader } from '../../runtime/network.ts';
import type { Node } from '../../runtime/node.ts';
import { type RouteOrWay, toWay } from '../../runtime/way.ts';
import { InletStream, type InletStreamOptions } from './inlet-stream.ts';
import { STREAM_OPTIONS, STREAMS_MAX, WINDOW_BYTES } from './outlet.ts';

/** How long the far end may take to answer. Source: decisions.md B8 */
export const PONG_TIMEOUT_MS = 30_000;
/** How long a client waits for a way that is down. Source: decisions.md E7 */
export const LINK_TIMEOUT_MS = 10_000;

export interface InletOptions {
  /** `host:port`; without a host it is loopback, port 0 lets the system choose. */
  readonly listen: string;
  /** The way to the outlet. It is resolved anew for each connection. */
  readonly outlet: RouteOrWay;
  /** Who may answer, and send on the streams. Streams end with it, when it can tell: see `AccessControl.watch`. */
  readonly allow: AccessControl;
  /** To whom streams may lead: asked before anything is sent. Default: to whomever the way to the outlet leads. */
  readonly allowTo?: AccessControl;
  /** How long the far end may take to answer before the client is reset. Default: 30 s. */
  readonly pongTimeoutMs?: number;
  /** How long a client waits while there is no way before it is reset. Default: 10 s. */
  readonly linkTimeoutMs?: number;
  /**
   * Resets a client whose outlet does not number its bytes, as that of an original, instead of going on without numbers.
   * Without a secure channel between, whoever can edit messages could otherwise talk both ends out of them. Default: false.
   */
  readonly requireNumbers?: boolean;
  /** How many bytes of a stream may be ahead of the client. Default: 1 MiB. */
  readonly windowBytes?: number;
  /** How many streams there may be at a time; further connections are reset. Default: 10,000. */
  readonly streamsMax?: number;
}

export interface Inlet {
  /** Where it really listens. */
  readonly local: HostPort;
  /** How many streams there are now. */
  readonly streams: number;
  /** Resets every stream, and takes no more. */
  close(): Promise<void>;
}

/**
 * Accepts TCP connections and carries each to an outlet. It listens on loopback unless told otherwise, and says so then.
 * @throws {TransportError} `TARGET_TEXT`, `LISTEN_FAILED`
 * Source: routing.md 4.2, 4.3
 */
export async function inlet(node: Node, options: InletOptions): Promise<Inlet> {
  const made = new ListeningInlet(node, options);
  await made.begin(parseHostPort(options.listen));
  return made;
}

class ListeningInlet implements Inlet {
  readonly #node: Node;
  readonly #options: InletOptions;
  readonly #streams = new Set<Address>();
  #listening: { readonly local: HostPort; close(): Promise<void> } | undefined;
  #forget: () => void = () => undefined;
  #isClosed = false;

  constructor(node: Node, options: InletOptions) {
    this.#node = node;
    this.#options = options;
  }

  get local(): HostPort {
    return this.#listening?.local ?? parseHostPort(this.#options.listen);
  }

  get streams(): number {
    return this.#streams.size;
  }

  async begin(at: HostPort): Promise<void> {
    if (!isLoopback(at.host)) this.#node.logger.log('warn', 'inlet.beyond.loopback', { listen: formatHostPort(at) });
    const listening = await this.#node.network.listen(at, (socket) => this.#accept(socket));
    this.#listening = listening;
    this.#forget = this.#node.onStop(() => void this.close());
    if (this.#node.isStopped) await this.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#forget();
    const streams = [...this.#streams].map((address) => this.#node.stopWorker(address).catch(() => undefined));
    await Promise.all([this.#listening?.close(), ...streams]);
  }

  #accept(socket: ByteStream): StreamReader | undefined {
    if (this.#isClosed || this.#node.isStopped) return undefined;
    if (this.#streams.size >= (this.#options.streamsMax ?? STREAMS_MAX)) {
      this.#node.logger.log('warn', 'inlet.full', { listen: formatHostPort(this.local), streams: this.#streams.size });
      return undefined;
    }
    const address = this.#node.newAddress();
    const stream = new InletStream(socket, this.#streamOptions(address));
    this.#streams.add(address);
    this.#node.start(address, stream, { ...STREAM_OPTIONS, ...stream.controls });
    return stream.reader;
  }

  #streamOptions(address: Address): InletStreamOptions {
    const { outlet, pongTimeoutMs = PONG_TIMEOUT_MS, linkTimeoutMs = LINK_TIMEOUT_MS, windowBytes = WINDOW_BYTES } = this.#options;
    const { requireNumbers = false, allow, allowTo = allowEveryone } = this.#options;
    const onEnded = () => void this.#streams.delete(address);
    return { outlet: toWay(outlet), pongTimeoutMs, linkTimeoutMs, windowBytes, requireNumbers, allow, allowTo, onEnded };
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
