import { formatHostPort, parseHostPort } from '../runtime/host-port.ts';
import type { Node } from '../runtime/node.ts';
import type { Connection, Listener } from '../runtime/transport.ts';
import { tcp } from '../transports/tcp.ts';
import { ManagerError } from './errors.ts';
import type { Exposure } from './exposure.ts';
import type { TransportStatus } from './status.ts';
import { workerName } from './worker-name.ts';

export interface NodeTcpOptions {
  readonly exposure: Exposure;
  /** Told where the node listens, before anything of it can be reached there. */
  readonly onListening: (listener: Listener) => void;
  /** Awaited before each attempt to connect: HOST:PORT. */
  readonly beforeConnect: (target: string) => Promise<void>;
}

/** Shows and ends what a node has of TCP, whoever made it, and makes more. None of it is there again after a restart. */
export class NodeTcp {
  readonly #node: Node;
  readonly #options: NodeTcpOptions;

  constructor(node: Node, options: NodeTcpOptions) {
    this.#node = node;
    this.#options = options;
  }

  /** @param at HOST:PORT. @throws {TransportError} `TARGET_TEXT`, `LISTEN_FAILED` */
  async listen(at: string): Promise<TransportStatus> {
    const { onListening, exposure } = this.#options;
    const listener = await this.#node.listen(tcp(), at);
    onListening(listener);
    exposure.addWay(listener, 'listener');
    return listenerStatus(listener);
  }

  /** @param to HOST:PORT. @throws {TransportError} */
  async connect(to: string): Promise<TransportStatus> {
    const { beforeConnect, exposure } = this.#options;
    await beforeConnect(to);
    const connection = await this.#node.connect(tcp(), to);
    exposure.addWay(connection, 'opened');
    void connection.closed.then(() => exposure.removeWay(connection));
    return this.#connectionStatus(connection);
  }

  listeners(): TransportStatus[] {
    return this.#listeners().map(listenerStatus);
  }

  connections(): TransportStatus[] {
    const receivers = this.#receivers();
    return this.#connections().map((connection) => this.#connectionStatus(connection, receivers));
  }

  /** @param address HOST:PORT, or that of its worker. @throws {ManagerError} `RESOURCE_UNKNOWN` */
  listener(address: string): TransportStatus {
    return this.#find('TCP listener', this.listeners(), address)[0];
  }

  /** @param address HOST:PORT of the other end, or that of one of its workers. @throws {ManagerError} `RESOURCE_UNKNOWN` */
  connection(address: string): TransportStatus {
    return this.#find('TCP connection', this.connections(), address)[0];
  }

  /** Connections that it accepted stay. @throws {ManagerError} `RESOURCE_UNKNOWN` */
  async closeListener(address: string): Promise<void> {
    const found = this.#find('TCP listener', this.listeners(), address);
    for (const listener of this.#listeners()) {
      if (!found.some((each) => each.flow_control_id === listener.flow.id)) continue;
      this.#options.exposure.removeWay(listener);
      await listener.close();
    }
  }

  /** Of those to the same HOST:PORT, all. What a session needs it connects again. @throws {ManagerError} `RESOURCE_UNKNOWN` */
  async closeConnection(address: string): Promise<void> {
    const found = this.#find('TCP connection', this.connections(), address);
    const named = this.#connections().filter((connection) => found.some((each) => each.worker_addr === connection.address.name));
    await Promise.all(named.map((connection) => connection.close()));
  }

  #listeners(): Listener[] {
    return [...this.#node.listeners].filter(({ transport }) => transport === 'tcp');
  }

  #connections(): Connection[] {
    return [...this.#node.connections].filter(({ transport }) => transport === 'tcp');
  }

  #find(kind: string, all: readonly TransportStatus[], address: string): [TransportStatus, ...TransportStatus[]] {
    const wanted = [workerName(address), hostPortOf(address)];
    const [first, ...rest] = all.filter((each) =>
      [each.socket_addr, each.worker_addr, each.processor_address].some((part) => wanted.includes(part)),
    );
    if (first === undefined)
      throw new ManagerError('RESOURCE_UNKNOWN', `${kind} ${JSON.stringify(address)} was not found on node ${this.#node.name}: list them.`);
    return [first, ...rest];
  }

  #connectionStatus({ address, direction, flow, remote }: Connection, receivers = this.#receivers()): TransportStatus {
    return {
      type: 'Tcp',
      mode: direction === 'incoming' ? 'Incoming' : 'Outgoing',
      socket_addr: formatHostPort(remote),
      worker_addr: address.name,
      processor_address: receivers.get(flow.id) ?? address.name,
      flow_control_id: flow.id,
    };
  }

  /** The worker that brings in what comes by a flow. */
  #receivers(): Map<string, string> {
    const found = new Map<string, string>();
    for (const address of this.#node.addresses) {
      const flow = this.#node.flows.ofProducer(address);
      if (flow !== undefined) found.set(flow.id, address.name);
    }
    return found;
  }
}

function listenerStatus({ local, address, flow }: Listener): TransportStatus {
  return {
    type: 'Tcp',
    mode: 'Listen',
    socket_addr: formatHostPort(local),
    worker_addr: '<none>',
    processor_address: address.name,
    flow_control_id: flow.id,
  };
}

/** As addresses are shown; undefined for what is none. */
function hostPortOf(text: string): string | undefined {
  try {
    return formatHostPort(parseHostPort(text));
  } catch {
    return undefined;
  }
}
