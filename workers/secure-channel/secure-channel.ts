import type { Identifier } from '../../identities/identifier.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { type Address, type AddressLike, toAddress } from '../../runtime/address.ts';
import type { Context } from '../../runtime/context.ts';
import type { Flow } from '../../runtime/flow-control.ts';
import type { Message } from '../../runtime/message.ts';
import type { HasFlow, Node } from '../../runtime/node.ts';
import { Route, type RouteLike, toRoute } from '../../runtime/route.ts';
import type { Worker } from '../../runtime/worker.ts';
import { type ChannelSetup, type ChannelWorker, type EndReason, HANDSHAKE_MS } from './channel.worker.ts';
import { ChannelError } from './errors.ts';
import { HandshakeTable } from './handshake-table.ts';
import { InitiatorWorker } from './initiator.worker.ts';
import { ResponderWorker } from './responder.worker.ts';

export interface SecureChannelOptions extends ChannelSetup {
  /** The flow by which its messages come in; a new one by default. A session gives its own. */
  readonly flow?: Flow;
  readonly signal?: AbortSignal;
}

/** An open channel, seen from the end that made it. It has an address, so it can stand in a route. */
export interface SecureChannel {
  /** The encryptor: the first hop of routes through the channel. */
  readonly address: Address;
  readonly route: Route;
  readonly flow: Flow;
  /** Who is proved to be at the other end. */
  readonly peer: Identifier;
  /** Resolves with the reason when it is over. */
  readonly closed: Promise<EndReason>;
  close(): Promise<void>;
  /**
   * Sends from now on by another way to the node of the other end.
   * @returns whether the other end answered by it within the time (5 s by default)
   */
  reroute(toNode: Route, timeoutMs?: number): Promise<boolean>;
}

export interface ChannelListenerOptions extends ChannelSetup {
  /** By which ways it may be reached. */
  readonly on: HasFlow | readonly HasFlow[];
  /** Told of every channel that was opened. */
  readonly onChannel?: (channel: SecureChannel) => void;
}

/** What answers handshakes. Publish on it what its channels may reach. */
export interface ChannelListener extends HasFlow {
  readonly address: Address;
  /** Its open channels. */
  readonly channels: ReadonlySet<SecureChannel>;
  close(): Promise<void>;
}

const REROUTE_MS = 5_000;

/**
 * Opens an end-to-end encrypted channel with whoever listens at the end of the route, however many hops are between.
 * @throws {ChannelError} `HANDSHAKE_TIMEOUT` (nobody answered: a refusal is silent), `PEER_REFUSED`, `HANDSHAKE_STOPPED`
 * Source: identity.md 5 to 7
 */
export function secureChannel(node: Node, to: RouteLike, options: SecureChannelOptions): Promise<SecureChannel> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    let isOpen = false;
    let settleClosed: (reason: EndReason) => void = () => undefined;
    const closed = new Promise<EndReason>((settle) => {
      settleClosed = settle;
    });
    const abort = () => void node.stopWorker(worker.remoteAddress).catch(() => undefined);
    const worker = new InitiatorWorker(node, options, options.flow ?? node.newFlow(), toRoute(to), {
      onOpen: () => {
        isOpen = true;
        signal?.removeEventListener('abort', abort);
        resolve(channelOf(node, worker, closed));
      },
      onEnd: (reason, cause) => {
        signal?.removeEventListener('abort', abort);
        settleClosed(reason);
        if (!isOpen) reject(notOpened(reason, options.handshakeTimeoutMs ?? HANDSHAKE_MS, cause));
      },
    });
    if (signal?.aborted === true) return reject(notOpened('stopped', 0, signal.reason));
    signal?.addEventListener('abort', abort, { once: true });
    worker.begin();
    // A worker that ends without a word (its start failed) must not leave the caller waiting.
    node.watch(worker.remoteAddress, ({ cause }) => {
      if (!isOpen) reject(notOpened('failed', 0, cause));
    });
  });
}

/** Answers handshakes at an address, with one channel for each. Source: identity.md 5.7 */
export function secureChannelListener(node: Node, address: AddressLike, options: ChannelListenerOptions): ChannelListener {
  const listener = new ListenerWorker(node, toAddress(address), options);
  node.start(listener.address, listener, { cluster: 'channels' });
  node.publish(listener.address, { on: options.on, allow: allowEveryone });
  node.flows.addSpawner(listener.address, listener.flow.id);
  return listener;
}

class ListenerWorker implements Worker, ChannelListener {
  readonly address: Address;
  readonly flow: Flow;
  readonly channels = new Set<SecureChannel>();
  readonly #node: Node;
  readonly #options: ChannelListenerOptions;

  constructor(node: Node, address: Address, options: ChannelListenerOptions) {
    this.#node = node;
    this.#options = options;
    this.address = address;
    this.flow = node.newFlow();
  }

  onMessage(message: Message, context: Context): void {
    if (message.returnRoute.isEmpty) return context.giveUp(message, 'refused');
    const table = HandshakeTable.of(this.#node);
    let open: SecureChannel | undefined;
    let settleClosed: (reason: EndReason) => void = () => undefined;
    const closed = new Promise<EndReason>((settle) => {
      settleClosed = settle;
    });
    const responder = new ResponderWorker(this.#node, this.#options, this.#node.newFlow(this.flow), {
      onOpen: () => {
        leave();
        open = channelOf(this.#node, responder, closed);
        this.channels.add(open);
        this.#options.onChannel?.(open);
      },
      onEnd: (reason) => {
        leave();
        if (open !== undefined) this.channels.delete(open);
        settleClosed(reason);
      },
    });
    const leave = table.enter(message.returnRoute.next, () => void this.#node.stopWorker(responder.remoteAddress).catch(() => undefined));
    responder.begin();
    for (const flowId of this.#node.flows.consumedBy(this.address)) this.#node.flows.addConsumer(responder.remoteAddress, flowId);
    context.forward(message.rerouted(Route.of([responder.remoteAddress])));
  }

  close(): Promise<void> {
    return this.#node.stopWorker(this.address).catch(() => undefined);
  }
}

function channelOf(node: Node, worker: ChannelWorker, closed: Promise<EndReason>): SecureChannel {
  return {
    address: worker.encryptorAddress,
    route: Route.of([worker.encryptorAddress]),
    flow: worker.flow,
    peer: worker.peer,
    closed,
    close: () => node.stopWorker(worker.remoteAddress).catch(() => undefined),
    reroute: (toNode, timeoutMs = REROUTE_MS) => worker.reroute(toNode, timeoutMs),
  };
}

function notOpened(reason: EndReason, timeoutMs: number, cause: unknown): ChannelError {
  const options = cause === undefined ? {} : { cause };
  switch (reason) {
    case 'timeout':
      return new ChannelError(
        'HANDSHAKE_TIMEOUT',
        `No channel was opened within ${timeoutMs} ms. A listener that is not there, not published, or that refuses us says nothing: check the route, and whom the other end trusts.`,
        options,
      );
    case 'peerRefused':
      return new ChannelError('PEER_REFUSED', `The other end answered but is not to be trusted: ${reasonOf(cause)}`, options);
    default:
      return new ChannelError('HANDSHAKE_STOPPED', `The handshake was given up (${reason}).`, options);
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'see the log.';
}
