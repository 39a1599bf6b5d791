import type { AccessControl } from '../../runtime/access-control.ts';
import type { Address, AddressLike } from '../../runtime/address.ts';
import type { Context } from '../../runtime/context.ts';
import { parseHostPort } from '../../runtime/host-port.ts';
import { errorFields } from '../../runtime/logger.ts';
import type { Message } from '../../runtime/message.ts';
import type { HostPort } from '../../runtime/network.ts';
import type { HasFlow, Node } from '../../runtime/node.ts';
import type { Worker } from '../../runtime/worker.ts';
import { peerOf } from '../secure-channel/local-info.ts';
import { DialLine, OutletCount } from './outlet-caps.ts';
import { OutletStream } from './outlet-stream.ts';
import { decodePortalMessage, encodeDisconnect, encodeReset, type PortalMessage, type ResetReason } from './portal-message.ts';

/** How long the target may take to accept: a client behind the inlet hears of a dead one within 5 s. Source: decisions.md B8 */
export const DIAL_TIMEOUT_MS = 4_000;
/** How much one direction of a stream may be ahead of its reader. Source: reliability.md 2.3, portal stream buffer */
export const WINDOW_BYTES = 1024 * 1024;
/** Streams of one inlet or outlet at a time. Our own bound. */
export const STREAMS_MAX = 10_000;
/** Connections to a target that an outlet makes at a time. Our own bound: a target that does not answer costs a descriptor for each. */
export const DIALS_MAX = 256;

export interface OutletOptions {
  /** The worker that inlets send their Ping to. Default: `outlet`. */
  readonly address?: AddressLike;
  /** `host:port` to which every stream is connected: whoever reaches the outlet reaches this, and nothing else. */
  readonly target: string;
  /** By which way inlets come: a listener, a connection, a secure channel's listener …, or several. */
  readonly on: HasFlow | readonly HasFlow[];
  /** Who may open streams, and send on them. Streams end with it, when it can tell: see `AccessControl.watch`. */
  readonly allow: AccessControl;
  /** How long it may take until the target accepts, waiting for a turn included. Default: 4 s. */
  readonly dialTimeoutMs?: number;
  /**
   * Refuses an inlet that does not number its bytes, as that of an original, instead of going on without numbers. Without a
   * secure channel between, whoever can edit messages could otherwise talk both ends out of them. Default: false.
   */
  readonly requireNumbers?: boolean;
  /** How many bytes of a stream may be ahead of the target. Default: 1 MiB. */
  readonly windowBytes?: number;
  /** How many streams there may be at a time. Default: 10,000. */
  readonly streamsMax?: number;
  /**
   * How many of them may be one peer's: that of the secure channel the stream came by; without a channel, one connection's. More
   * are refused as `streamsMax` does it. Default: half of `streamsMax`, so that no peer shuts out the others.
   */
  readonly streamsPerPeerMax?: number;
  /** How many connections to the target may be in the making at a time. More wait for their turn, within their `dialTimeoutMs`. Default: 256. */
  readonly dialsMax?: number;
}

export interface Outlet {
  readonly address: Address;
  /** How many streams there are now. */
  readonly streams: number;
  /** Resets every stream, and takes no more. */
  close(): Promise<void>;
}

/**
 * Opens a TCP connection to a fixed target for each connection that comes in at an inlet.
 * @throws {TransportError} `TARGET_TEXT`
 * @throws {RuntimeError} `ADDRESS_IN_USE`, `NODE_STOPPED`
 * Source: routing.md 4.2, 4.3
 */
export function outlet(node: Node, options: OutletOptions): Outlet {
  const listener = new OutletListener(options, parseHostPort(options.target));
  const address = node.start(options.address ?? 'outlet', listener);
  node.publish(address, { on: options.on, allow: options.allow });
  return {
    address,
    get streams() {
      return listener.streams;
    },
    close: async () => {
      await Promise.all([node.stopWorker(address).catch(() => undefined), ...listener.stopAll(node)]);
    },
  };
}

/** Starts a stream for each Ping; everything else is refused. What its route holds after its own address is ignored, as the original does. */
class OutletListener implements Worker {
  readonly #options: OutletOptions;
  readonly #target: HostPort;
  readonly #streams = new Set<Address>();
  readonly #count: OutletCount;
  readonly #dials: DialLine;

  constructor(options: OutletOptions, target: HostPort) {
    this.#options = options;
    this.#target = target;
    const { streamsMax: streams = STREAMS_MAX, streamsPerPeerMax: streamsPerPeer = Math.ceil(streams / 2) } = options;
    this.#count = new OutletCount({ streams, streamsPerPeer });
    this.#dials = new DialLine(options.dialsMax ?? DIALS_MAX);
  }

  get streams(): number {
    return this.#streams.size;
  }

  stopAll(node: Node): Promise<void>[] {
    return [...this.#streams].map((address) => node.stopWorker(address).catch(() => undefined));
  }

  onMessage(message: Message, context: Context): void {
    const ping = this.#readPing(message, context);
    if (ping === undefined || message.returnRoute.isEmpty) return context.giveUp(message, 'refused');
    const peer = whose(message);
    const cap = this.#count.exceeded(peer);
    if (cap !== undefined) {
      context.node.logger.log('warn', 'outlet.full', { address: context.address.toString(), cap, peer, streams: this.streams });
      return context.reply(message, ping.announcement === undefined ? encodeDisconnect() : encodeReset('limit'));
    }
    if (ping.announcement === undefined && this.#options.requireNumbers === true) {
      const reason: ResetReason = 'unnumbered';
      context.node.logger.log('info', 'portal.stream.reset', { address: context.address.toString(), reason });
      return context.reply(message, encodeDisconnect());
    }
    this.#startStream(message, peer, ping.announcement, context);
  }

  #readPing(message: Message, { node, address }: Context) {
    let incoming: PortalMessage | undefined;
    try {
      incoming = decodePortalMessage(message.payload);
    } catch (thrown) {
      node.logger.log('info', 'portal.message.invalid', { address: address.toString(), ...errorFields(thrown) });
    }
    return incoming?.kind === 'ping' ? incoming : undefined;
  }

  #startStream(ping: Message, peer: string, announcement: OutletAnnouncement, { node }: Context): void {
    const { allow, dialTimeoutMs = DIAL_TIMEOUT_MS, windowBytes = WINDOW_BYTES } = this.#options;
    const address = node.newAddress();
    const onEnded = () => {
      if (this.#streams.delete(address)) this.#count.remove(peer);
    };
    const { ingress } = ping;
    const options = { target: this.#target, dials: this.#dials, dialTimeoutMs, windowBytes, allow, ingress, onEnded };
    const stream = new OutletStream(ping.returnRoute.owned(), announcement, options);
    // What brought the Ping in will bring in the rest.
    for (const flow of new Set([ping.flow?.id, node.flows.ofProducer(ping.source)?.id])) {
      if (flow !== undefined) node.flows.addConsumer(address, flow);
    }
    this.#streams.add(address);
    this.#count.add(peer);
    node.start(address, stream, { ...STREAM_OPTIONS, ...stream.controls });
    stream.watch(ping);
  }
}

/** Who pays with its share for a stream: the peer of a channel, else a connection, else this node. */
function whose(ping: Message): string {
  return peerOf(ping) ?? ping.flow?.id ?? '';
}

type OutletAnnouncement = ConstructorParameters<typeof OutletStream>[1];

/** A stream's worker: what it is sent has its own bound, and a message that is shed would end it. */
export const STREAM_OPTIONS = { urgent: true, onFailure: 'stop' } as const;
