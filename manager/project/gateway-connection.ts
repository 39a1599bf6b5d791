import { allowNobody } from '../../runtime/access-control.ts';
import type { Address } from '../../runtime/address.ts';
import type { Context } from '../../runtime/context.ts';
import type { Flow } from '../../runtime/flow-control.ts';
import { Message } from '../../runtime/message.ts';
import type { HostPort } from '../../runtime/network.ts';
import type { Node } from '../../runtime/node.ts';
import { Route } from '../../runtime/route.ts';
import type { Connection, Listener } from '../../runtime/transport.ts';
import type { Worker } from '../../runtime/worker.ts';

const TRANSPORT = 'gateway';
/** Workers of transports stop last. */
const CLUSTER = 'transports';

/** What names the flow of everything that comes in by a gateway, on the node behind it. */
export class GatewayListener implements Worker, Listener {
  readonly transport = TRANSPORT;
  readonly address: Address;
  readonly flow: Flow;
  readonly local: HostPort;
  readonly #node: Node;

  constructor(node: Node, local: HostPort) {
    this.#node = node;
    this.local = local;
    this.address = node.newAddress();
    this.flow = node.newFlow();
  }

  /** Puts it on the node. */
  begin(): void {
    this.#node.start(this.address, this, { incoming: allowNobody, outgoing: allowNobody, cluster: CLUSTER });
    this.#node.flows.addSpawner(this.address, this.flow.id);
    this.#node.listeners.add(this);
    this.#node.watch(this.address, () => this.#node.listeners.delete(this));
  }

  onMessage(): void {
    // Nothing can be sent here: the address only names the flow.
  }

  close(): Promise<void> {
    return this.#node.stopWorker(this.address).catch(() => undefined);
  }
}

/** One connection of the gateway, as the node behind it has it. It holds no message: what it takes is passed on at once. */
export class GatewayConnection implements Worker, Connection {
  readonly transport = TRANSPORT;
  readonly address: Address;
  readonly route: Route;
  readonly flow: Flow;
  readonly remote: HostPort;
  readonly direction = 'incoming';
  readonly closed: Promise<Error | undefined>;
  readonly #node: Node;
  readonly #receiver: Address;
  readonly #letOut: (message: Message) => void;
  #context!: Context;
  #settleClosed!: () => void;

  /** @param letOut takes what leaves the node: this connection's address is still first on the onward route */
  constructor(node: Node, listener: GatewayListener, remote: HostPort, letOut: (message: Message) => void) {
    this.#node = node;
    this.remote = remote;
    this.#letOut = letOut;
    this.address = node.newAddress();
    this.#receiver = node.newAddress();
    this.route = Route.of([this.address]);
    this.flow = node.newFlow(listener.flow);
    this.closed = new Promise((resolve) => {
      this.#settleClosed = () => resolve(undefined);
    });
  }

  /** Puts it on the node. @throws {RuntimeError} `NODE_STOPPED` */
  begin(): void {
    const { flows } = this.#node;
    this.#node.start(this.address, this, {
      outgoing: allowNobody,
      terminal: {},
      cluster: CLUSTER,
      also: [{ address: this.#receiver, incoming: allowNobody, outgoing: flows.controlOf(this.flow) }],
    });
    flows.addProducer(this.#receiver, this.flow, [this.address]);
    this.#node.connections.add(this);
    this.#node.watch(this.address, () => {
      this.#node.connections.delete(this);
      this.#settleClosed();
    });
  }

  onStart(context: Context): void {
    this.#context = context;
  }

  onMessage(message: Message): void {
    this.#letOut(message);
  }

  /** Brings a message in: this connection stands for the one it came by, which goes on paying for it. */
  bring(message: Message, onward: Route): void {
    const brought = crossing(message, onward, message.returnRoute.rest.prepend(this.address), this.flow);
    this.#context.inject(brought, message.ingress, { from: this.#receiver });
  }

  close(): Promise<void> {
    return this.#node.stopWorker(this.address).catch(() => undefined);
  }
}

/** A message on its way to another node of this process. Nothing that was known of it goes along but its hop count and its loan. */
export function crossing(message: Message, onward: Route, returnRoute: Route, flow: Flow | undefined): Message {
  const { payloadChunks, payloadBytes, hops } = message;
  const [only] = payloadChunks;
  const content = payloadChunks.length === 1 && only !== undefined ? only : payloadChunks;
  const made = new Message(onward, returnRoute, content, undefined, hops + 1, flow, payloadBytes);
  made.loan = message.loan;
  message.loan = undefined; // its memory is lent to one message at a time
  return made;
}
