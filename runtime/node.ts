import type { AccessControl } from './access-control.ts';
import { Address, type AddressLike, toAddress } from './address.ts';
import { Cell } from './cell.ts';
import type { Clock } from './clock.ts';
import type { DeadLetters } from './dead-letter.ts';
import { Detached, type ReceiveOptions } from './detached.ts';
import { RuntimeError } from './errors.ts';
import type { Flow, FlowControls } from './flow-control.ts';
import { Ingress, INGRESS_LIMITS, type IngressLimits } from './ingress.ts';
import { Listeners } from './listeners.ts';
import { errorFields, type Logger } from './logger.ts';
import { type Mailbox, Queue } from './mailbox.ts';
import { Message } from './message.ts';
import type { Network } from './network.ts';
import { type Destination, encodeFor, isDestination } from './protocol.ts';
import { Published } from './published.ts';
import { type Random, randomName } from './random.ts';
import { ROUTE_ADDRESSES_MAX, Route, type RouteLike } from './route.ts';
import { Router, type TraceEvent } from './router.ts';
import type { Connection, Listener, Transport } from './transport.ts';
import type { MailboxOptions, StartOptions, Terminal, WorkerSource } from './worker.ts';

/** How long `stop` waits for workers to finish before it ends them. Source: routing.md 1.7. */
export const STOP_DEADLINE_MS = 1_000;

/** A node's ports: all it knows of time, chance, the network and output. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly logger: Logger;
}

export interface NodeLimits {
  /** How often one message may be forwarded inside this node. */
  readonly hops: number;
  /** How many addresses a route that comes from outside may hold. */
  readonly routeAddresses: number;
  /** Per connection, portal socket or local caller. */
  readonly ingress: IngressLimits;
}

export interface NodeOptions extends Ports {
  /** For logs and errors. */
  readonly name?: string;
  readonly limits?: Partial<NodeLimits>;
}

export type RequestOptions = ReceiveOptions;

/** Told when a worker that is watched has ended: with what it threw, if that ended it. */
export type WatchListener = (ended: { readonly address: Address; readonly cause: unknown }) => void;

export interface PublishOptions {
  /** By which way it may be reached: a listener, a connection, a secure channel's listener …, or several. */
  readonly on: HasFlow | readonly HasFlow[];
  /** Who may reach it by that way: `everyone`, or a control that looks at the message and at who sent it. */
  readonly allow: AccessControl;
}

/** Anything by which messages of other nodes come in. */
export interface HasFlow {
  readonly flow: Flow;
}

/**
 * One process's worth of workers and the routes between them. Everything else (connections, channels, relays, portals) is
 * a worker started on it. Make one with `createNode`.
 */
export class Node {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly logger: Logger;
  readonly limits: NodeLimits;
  readonly connections = new Set<Connection>();
  readonly listeners = new Set<Listener>();
  readonly #router: Router;
  readonly #cells = new Set<Cell>();
  /** In the order in which they first had a worker. Their names are few and fixed. */
  readonly #clusters = new Set<string>();
  readonly #detached = new Set<Detached>();
  readonly #onStop: Listeners<void>;
  /** Who pays for what `send` sends, and for what `request` does: requests go on while a flood is held up. */
  readonly #sends: Ingress;
  readonly #requests: Ingress;
  /** Where `send` sends from: nobody receives there. */
  readonly #nowhere: Mailbox;
  #stopping: Promise<void> | undefined;

  constructor(options: NodeOptions) {
    this.name = options.name ?? randomName(options.random).slice(0, 8);
    this.clock = options.clock;
    this.random = options.random;
    this.network = options.network;
    this.logger = options.logger;
    this.limits = { hops: ROUTE_ADDRESSES_MAX, routeAddresses: ROUTE_ADDRESSES_MAX, ingress: INGRESS_LIMITS, ...options.limits };
    this.#sends = new Ingress({ clock: this.clock, limits: this.limits.ingress });
    this.#requests = new Ingress({ clock: this.clock, limits: this.limits.ingress });
    this.#router = new Router(this.clock, this.logger, this.limits.hops);
    this.#onStop = new Listeners((thrown) => this.logger.log('warn', 'listener.failed', errorFields(thrown)));
    this.#nowhere = {
      address: this.newAddress(),
      incoming: undefined,
      outgoing: undefined,
      urgent: false,
      published: undefined,
      terminal: undefined,
      queue: new Queue(),
      owner: { isClosing: true, wake: () => undefined },
    };
  }

  /** Messages that reached nobody. */
  get deadLetters(): DeadLetters {
    return this.#router.deadLetters;
  }

  get flows(): FlowControls {
    return this.#router.flows;
  }

  /** Every live address, those of detached mailboxes included. */
  get addresses(): Address[] {
    return this.#router.addresses;
  }

  /**
   * Starts a worker. Messages to it wait until its `onStart` is done.
   * @returns its address
   * @throws {RuntimeError} `ADDRESS_IN_USE`, `NODE_STOPPED`; and what a synchronous `onStart` throws. Nothing is left then.
   */
  start(address: AddressLike, worker: WorkerSource, options: StartOptions = {}): Address {
    this.#mustRun();
    const cell = new Cell(this, this.#router, toAddress(address), worker, options);
    this.#cells.add(cell);
    if (options.cluster !== undefined) this.#clusters.add(options.cluster);
    try {
      cell.begin();
    } catch (thrown) {
      this.#cells.delete(cell);
      throw thrown;
    }
    return cell.address;
  }

  /**
   * Stops the worker at any of its addresses: it takes no further message, handles those that wait, then says goodbye.
   * @throws {RuntimeError} `ADDRESS_UNKNOWN`
   */
  stopWorker(address: AddressLike): Promise<void> {
    const owner = this.#router.get(toAddress(address))?.owner;
    if (owner instanceof Cell) return owner.close();
    return Promise.reject(new RuntimeError('ADDRESS_UNKNOWN', `No worker has the address ${toAddress(address).toString()} on this node.`));
  }

  /** Tells once when the worker there ends; at once when there is none. @returns how to stop watching */
  watch(address: AddressLike, listener: WatchListener): () => void {
    const watched = toAddress(address);
    const owner = this.#router.get(watched)?.owner;
    if (owner instanceof Cell) return owner.watch(listener);
    listener({ address: watched, cause: undefined });
    return () => undefined;
  }

  /**
   * Makes a worker reachable from outside by that way, for those whom `allow` lets in. Nothing else is reachable. Its
   * incoming control is replaced; when it is published by several ways, each has its own `allow`.
   * @throws {RuntimeError} `ADDRESS_UNKNOWN`
   */
  publish(address: AddressLike, options: PublishOptions): void {
    const mailbox = this.#router.get(toAddress(address));
    if (mailbox === undefined) {
      throw new RuntimeError('ADDRESS_UNKNOWN', `Start a worker at ${toAddress(address).toString()} before it is published.`);
    }
    const ways = Array.isArray(options.on) ? (options.on as readonly HasFlow[]) : [options.on as HasFlow];
    const published = (mailbox.published ??= new Published());
    published.set(ways, options.allow);
    mailbox.incoming = published.isEveryone ? undefined : published;
    for (const way of ways) this.flows.addConsumer(mailbox.address, way.flow.id);
  }

  /**
   * Sends from outside a worker, with no way back. Wait for it, and pressure reaches the caller; who does not wait and sends
   * on and on loses messages to the bound.
   * @throws {RuntimeError} `NODE_STOPPED`
   */
  send(to: RouteLike, payload: Uint8Array): Promise<void>;
  send<Request>(to: Destination<Request, unknown>, value: NoInfer<Request>): Promise<void>;
  async send(to: RouteLike | Destination<never, unknown>, value: unknown): Promise<void> {
    this.#mustRun();
    const { onward, content } = encodeFor(to, value);
    this.#router.inject(new Message(onward, Route.empty.prepend(this.#nowhere.address), content), this.#nowhere, this.#sends);
    await this.#sends.room();
  }

  /**
   * Sends a message and waits for one answer. The answer is whatever comes first to the private mailbox it was sent from.
   * Hops of this node before a connection have to be published on it, or the answer does not get back through them.
   * @throws {RuntimeError} `REQUEST_TIMEOUT` (after 30 s by default), `REQUEST_ABORTED`, `NODE_STOPPED`, `ROUTE_EMPTY`
   * Source: routing.md 1.6
   */
  request(to: RouteLike, payload: Uint8Array, options?: RequestOptions): Promise<Message>;
  request<Request, Reply>(to: Destination<Request, Reply>, value: NoInfer<Request>, options?: RequestOptions): Promise<Reply>;
  request(to: RouteLike | Destination<never, unknown>, value: unknown, options: RequestOptions = {}): Promise<unknown> {
    return this.requestFor({ ingress: this.#requests, outgoing: undefined }, to, value, options);
  }

  /** @internal a request on behalf of a worker: it pays, and its outgoing control applies */
  async requestFor(
    on: { readonly ingress: Ingress; readonly outgoing: AccessControl | undefined },
    to: RouteLike | Destination<never, unknown>,
    value: unknown,
    options: RequestOptions,
  ): Promise<unknown> {
    const { onward, content } = encodeFor(to, value);
    if (onward.isEmpty) throw new RuntimeError('ROUTE_EMPTY', 'A request needs somebody to ask: this route is empty.');
    using from = this.#detach(on.ingress, { urgent: true, ...(on.outgoing && { outgoing: on.outgoing }) });
    // The answer must get past the flow control of whatever brings it in, and past hops of ours on the way there.
    const flow = this.#flowOfAnswers(onward);
    if (flow !== undefined) this.flows.addConsumer(from.address, flow.id);
    from.post(onward, content);
    const answer = await from.receive(options);
    return isDestination(to) ? to.decodeReply(answer.payload) : answer;
  }

  /** A mailbox without a worker, under a random name. Close it when done. */
  detached(options: MailboxOptions = {}): Detached {
    return this.#detach(undefined, options);
  }

  /** A local address nobody can guess: 128 random bits. */
  newAddress(): Address {
    return Address.local(randomName(this.random));
  }

  /** A flow nobody else is in. */
  newFlow(spawner?: Flow): Flow {
    return { id: randomName(this.random), spawnerId: spawner?.id };
  }

  /** Connects to another node. @throws {TransportError} */
  connect<Options>(transport: Transport<Options>, target: string, options?: Options): Promise<Connection> {
    this.#mustRun();
    return transport.connect(this, target, options);
  }

  /** Listens for other nodes. Nothing of this node is reachable by it until it is published. @throws {TransportError} */
  listen<Options>(transport: Transport<Options>, at: string, options?: Options): Promise<Listener> {
    this.#mustRun();
    return transport.listen(this, at, options);
  }

  /** What is known of the node behind an address: undefined for one that leads nowhere else. */
  terminal(address: Address): Terminal | undefined {
    return this.#router.get(address)?.terminal;
  }

  /** Shows every hop of every message to a subscriber; it costs time while it is there. @returns how to end it */
  trace(listener: (event: TraceEvent) => void): () => void {
    return this.#router.trace(listener);
  }

  /** Calls back when the node begins to stop: for what is no worker. @returns how to call it off */
  onStop(callback: () => void): () => void {
    return this.#onStop.add(callback);
  }

  /**
   * Stops everything: workers of no cluster in reverse order of their start, then clusters in reverse order of their first
   * worker (transports last), each after it handled what waited. What has not ended by the deadline is ended.
   */
  stop(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    return (this.#stopping ??= this.#stop(options.deadlineMs ?? STOP_DEADLINE_MS));
  }

  get isStopped(): boolean {
    return this.#stopping !== undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** @internal a worker has ended */
  ended(cell: Cell): void {
    this.#cells.delete(cell);
  }

  /** @internal */
  closed(detached: Detached): void {
    this.#detached.delete(detached);
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#onStop.tell();
    let pass: (passed: true) => void = () => undefined;
    const deadline = new Promise<true>((resolve) => {
      pass = resolve;
    });
    const timer = this.clock.setTimer(deadlineMs, () => pass(true));
    for (const group of this.#stopOrder()) {
      this.#router.run(); // What waits is handled while all are there: then they end in order.
      const ends = group.map((cell) => cell.close());
      this.#router.run();
      if ((await Promise.race([Promise.all(ends), deadline])) === true) break;
    }
    timer.cancel();
    for (const cell of [...this.#cells].reverse()) {
      this.logger.log('warn', 'node.stop.deadline', { address: cell.address.toString() });
      cell.abort();
    }
    for (const detached of [...this.#detached]) detached.close();
    this.#sends.close();
    this.#requests.close();
  }

  #flowOfAnswers(onward: Route): Flow | undefined {
    for (const hop of onward) {
      const flow = this.flows.ofAnswersThrough(hop);
      if (flow !== undefined) return flow;
      if (this.#router.get(hop) === undefined) return undefined; // From here on it is another node's.
    }
    return undefined;
  }

  #stopOrder(): Cell[][] {
    const cells = [...this.#cells].reverse();
    const clusters = [undefined, ...[...this.#clusters].reverse()];
    return clusters.map((cluster) => cells.filter((cell) => cell.cluster === cluster));
  }

  #detach(payer: Ingress | undefined, options: MailboxOptions): Detached {
    this.#mustRun();
    const made = new Detached(this, this.#router, payer, options);
    this.#detached.add(made);
    return made;
  }

  #mustRun(): void {
    if (this.isStopped) throw new RuntimeError('NODE_STOPPED', `The node ${this.name} was stopped. Make another one.`);
  }
}

export type { Mailbox };
