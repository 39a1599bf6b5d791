import { createActor } from 'xstate';
import { allowNobody } from '../../runtime/access-control.ts';
import type { Address } from '../../runtime/address.ts';
import type { Timer } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';
import { assertNever } from '../../runtime/errors.ts';
import type { Flow } from '../../runtime/flow-control.ts';
import type { Message } from '../../runtime/message.ts';
import type { Node } from '../../runtime/node.ts';
import { Route, route } from '../../runtime/route.ts';
import { type RouteOrWay, toWay, whenThere } from '../../runtime/way.ts';
import type { Worker } from '../../runtime/worker.ts';
import { RelayError } from './errors.ts';
import { confirms, EPHEMERAL_SERVICE, encodeRegistration, NAMED_SERVICE } from './relay-message.ts';
import { type RelayEffect, type RelayEnd, type RelayEvent, relayMachine } from './relay.machine.ts';

/** How long a confirmation may take; a refused registration is never answered. Source: routing.md 5.2 */
export const REGISTER_TIMEOUT_MS = 30_000;

export interface RegisterRelayOptions {
  /** The relay becomes `forward_to_NAME`, or what the service puts before names. Absent: the service chooses a random one. */
  readonly name?: string;
  /** Default: 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A relay of ours at another node. */
export interface RemoteRelay {
  /** The relay's address there, such as `forward_to_n3`: others send to `[…route to that node, address, …]`. */
  readonly address: Address;
  /** The worker on this node that sends relayed messages on to their receivers here. */
  readonly worker: Address;
  /** From here to the relay. */
  readonly route: Route;
  /** By which relayed messages come in: publish on it what they may reach. Absent when the route stays on this node. */
  readonly flow: Flow | undefined;
  /** Resolves when it is gone: with the cause unless we closed it. */
  readonly closed: Promise<RelayError | undefined>;
  /** Ends our side. The service keeps the relay until the way it was registered through ends. */
  close(): Promise<void>;
}

/**
 * Registers a relay at the node at the end of that route. What comes through it reaches what is published on the flow of
 * the first hop. Source: routing.md 5.2
 * @throws {RelayError} `RELAY_TIMEOUT` when nothing confirms it: refused, or no relay service there; `RELAY_UNCONFIRMED` when
 * the answer names another relay; `RELAY_LOST`, `RELAY_STOPPED`
 */
export async function registerRelay(node: Node, via: RouteOrWay, options: RegisterRelayOptions = {}): Promise<RemoteRelay> {
  const { name, signal, timeoutMs = REGISTER_TIMEOUT_MS } = options;
  const toNode = await whenThere(toWay(via), signal);
  const relay = new RemoteRelayWorker(node, toNode, name, timeoutMs);
  relay.begin();
  const abort = () => void relay.close();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  try {
    return await relay.registered;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * The client's end of a relay: one address that the service answers to, and a primary one that sends on what still has hops
 * to go, under the flow control of the connection it came by. Source: routing.md 5.2
 */
class RemoteRelayWorker implements Worker, RemoteRelay {
  readonly flow: Flow | undefined;
  readonly registered: Promise<RemoteRelay>;
  readonly closed: Promise<RelayError | undefined>;
  readonly #node: Node;
  readonly #toService: Route;
  readonly #name: string | undefined;
  readonly #timeoutMs: number;
  readonly #internal: Address;
  readonly #remote: Address;
  readonly #lifecycle = createActor(relayMachine);
  #context!: Context;
  #route = Route.empty;
  #timer: Timer | undefined;
  #unwatch: () => void = () => undefined;
  #settleRegistered!: { resolve: (relay: RemoteRelay) => void; reject: (error: RelayError) => void };
  #settleClosed!: (cause: RelayError | undefined) => void;

  constructor(node: Node, toNode: Route, name: string | undefined, timeoutMs: number) {
    this.#node = node;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
    this.#toService = toNode.concat(route(name === undefined ? EPHEMERAL_SERVICE : NAMED_SERVICE));
    this.#internal = node.newAddress();
    this.#remote = node.newAddress();
    this.flow = node.flows.ofAnswersThrough(this.#toService.next);
    this.registered = new Promise((resolve, reject) => {
      this.#settleRegistered = { resolve, reject };
    });
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  get address(): Address {
    return this.#route.recipient;
  }

  get worker(): Address {
    return this.#internal;
  }

  get route(): Route {
    return this.#route;
  }

  begin(): void {
    const { flow } = this;
    this.#node.start(this.#internal, this, {
      incoming: allowNobody,
      ...(flow && { outgoing: this.#node.flows.controlOf(flow) }),
      also: [{ address: this.#remote, urgent: true }],
    });
  }

  onStart(context: Context): void {
    this.#context = context;
    const { flow } = this;
    if (flow !== undefined) {
      context.node.flows.addProducer(this.#internal, flow);
      context.node.flows.addConsumer(this.#remote, flow.id);
    }
    this.#lifecycle.on('*', (effect) => context.enter(() => this.#perform(effect)));
    this.#lifecycle.start();
    const first = this.#toService.next;
    // A service on this very node has no way that could be lost.
    if (this.#toService.length > 1) this.#unwatch = context.node.watch(first, () => this.#happened('way.lost'));
  }

  onMessage(message: Message, context: Context): void {
    const onward = message.onward.rest;
    if (onward.isEmpty) return this.#onServiceMessage(message);
    if (onward.next.equals(this.#remote)) return context.giveUp(message, 'refused');
    // The service of the original strips our address; others may not. Source: routing.md 5.2
    context.forward(message.rerouted(onward), { from: this.#internal });
  }

  onStop(): void {
    this.#unwatch();
    this.#happened('stop.requested');
  }

  close(): Promise<void> {
    return this.#node.stopWorker(this.#internal).catch(() => undefined);
  }

  #onServiceMessage(message: Message): void {
    const isOurs = !message.returnRoute.isEmpty && message.returnRoute.recipient.isLocal && confirms(message.payload, this.#name);
    if (!isOurs) {
      this.#context.giveUp(message, 'refused');
      this.#happened('confirmation.rejected');
      return;
    }
    if (this.#route.isEmpty) this.#route = message.returnRoute.owned();
    this.#happened('confirmation.received');
  }

  #happened(type: RelayEvent['type']): void {
    if (this.#lifecycle.getSnapshot().status === 'active') this.#lifecycle.send({ type });
  }

  #perform(effect: RelayEffect): void {
    switch (effect.type) {
      case 'sendRegistration':
        return this.#context.send(this.#toService, encodeRegistration(this.#name), { from: this.#remote });
      case 'startTimer':
        this.#timer = this.#context.setTimer(this.#timeoutMs, () => this.#happened('timer.expired'));
        return;
      case 'stopTimer':
        this.#timer?.cancel();
        return;
      case 'announce':
        this.#settleRegistered.resolve(this);
        return;
      case 'end':
        return this.#end(effect.reason);
      default:
        return assertNever(effect);
    }
  }

  #end(reason: RelayEnd): void {
    const error = errorOf(reason);
    this.#settleRegistered.reject(error);
    this.#settleClosed(reason === 'stopped' ? undefined : error);
    this.#context.stop();
  }
}

function errorOf(reason: RelayEnd): RelayError {
  switch (reason) {
    case 'timeout':
      return new RelayError(
        'RELAY_TIMEOUT',
        'No relay service confirmed the registration: there is none at that route, or it refuses us this name. It never says which.',
      );
    case 'unconfirmed':
      return new RelayError('RELAY_UNCONFIRMED', 'The answer to the registration names another relay than the one that was asked for.');
    case 'lost':
      return new RelayError('RELAY_LOST', 'The connection or channel that the relay was registered through has ended.');
    case 'stopped':
      return new RelayError('RELAY_STOPPED', 'The relay was closed before it was confirmed.');
    default:
      return assertNever(reason);
  }
}
