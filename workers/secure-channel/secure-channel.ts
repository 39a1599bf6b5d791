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
  /** Whether anything of the other end was ever opened. */
  readonly hasHeard: boolean;
  /** For how long nothing came of an end that has never answered a probe; undefined once it has: then the channel judges by itself. */
  readonly unansweredMs: number | undefined;
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
/** So many first messages are answered before the event loop gets a turn: a flood of them stops nobody else. Our own bound. */
const FIRST_MESSAGES_PER_TURN = 16;
/** An ephemeral key and nothing else. Source: identity.md 5.3 */
const MESSAGE_1_BYTES_MIN = 32;

/**
 * Opens an end-to-end encrypted channel with whoever listens at the end of the route, however many hops are between. It is
 * open once we trust the other end; whether that trusts us shows when it answers.
 * @throws {ChannelError} `HANDSHAKE_TIMEOUT` (nobody answered: a refusal is silent), `PEER_REFUSED`, `HANDSHAKE_STOPPED`
 * @throws {RuntimeError} `NODE_STOPPED`, `ROUTE_EMPTY`
 * Source: identity.md 5 to 7
 */
export function secureChannel(node: Node, to: RouteLike, options: SecureChannelOptions): Promise<SecureChannel> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(notOpened('stopped', 0, signal.reason));
    const worker = new InitiatorWorker(node, options, options.flow ?? node.newFlow(), toRoute(to), {
      onOpen: () => {
        signal?.removeEventListener('abort', abort);
        resolve(channelOf(worker));
      },
      onEnd: (reason, cause) => {
        signal?.removeEventListener('abort', abort);
        reject(notOpened(reason, options.handshakeTimeoutMs ?? HANDSHAKE_MS, cause)); // After `resolve` it says nothing.
      },
    });
    const abort = () => void worker.stop();
    worker.begin();
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Answers handshakes at an address, with one channel for each. Channels that are open outlive it. Source: identity.md 5.7 */
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
  readonly #open = new Set<ChannelWorker>();
  readonly #node: Node;
  readonly #options: ChannelListenerOptions;
  #answered = 0;

  constructor(node: Node, address: Address, options: ChannelListenerOptions) {
    this.#node = node;
    this.#options = options;
    this.address = address;
    this.flow = node.newFlow();
  }

  onMessage(message: Message, context: Context): void | Promise<void> {
    if (message.returnRoute.isEmpty || message.payloadBytes < MESSAGE_1_BYTES_MIN) return context.giveUp(message, 'refused');
    this.#answer(message, context);
    this.#answered += 1;
    if (this.#answered % FIRST_MESSAGES_PER_TURN === 0) return new Promise((resolve) => context.clock.yield(resolve));
  }

  #answer(message: Message, context: Context): void {
    const node = this.#node;
    const responder = new ResponderWorker(node, this.#options, node.newFlow(this.flow), message.returnRoute, {
      onOpen: () => {
        leave();
        const channel = channelOf(responder);
        // A peer that opens another channel may have lost those before, and with them the way to say Close.
        for (const other of this.#open) if (other.peer === responder.peer) other.examine();
        this.#open.add(responder);
        this.channels.add(channel);
        void channel.closed.then(() => {
          this.#open.delete(responder);
          this.channels.delete(channel);
        });
        this.#options.onChannel?.(channel);
      },
      onEnd: () => leave(),
    });
    responder.begin();
    const leave = HandshakeTable.of(node).enter(message.returnRoute, () => void responder.stop());
    for (const flowId of node.flows.consumedBy(this.address)) node.flows.addConsumer(responder.remoteAddress, flowId);
    context.forward(message.rerouted(Route.of([responder.remoteAddress])));
  }

  close(): Promise<void> {
    return this.#node.stopWorker(this.address).catch(() => undefined);
  }
}

function channelOf(worker: ChannelWorker): SecureChannel {
  return {
    address: worker.encryptorAddress,
    route: Route.of([worker.encryptorAddress]),
    flow: worker.flow,
    peer: worker.peer,
    get unansweredMs() {
      return worker.unansweredMs;
    },
    get hasHeard() {
      return worker.hasHeard;
    },
    closed: worker.closed,
    close: () => worker.stop(),
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
