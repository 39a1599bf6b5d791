import { allowNobody } from '../runtime/access-control.ts';
import type { Address } from '../runtime/address.ts';
import type { Flow } from '../runtime/flow-control.ts';
import type { HostPort, StreamListener } from '../runtime/network.ts';
import type { Node } from '../runtime/node.ts';
import type { Listener } from '../runtime/transport.ts';
import type { Worker } from '../runtime/worker.ts';
import { type ConnectionCaps, StrangerCount } from './caps.ts';
import type { Opening } from './connection.ts';

/**
 * A listener as a worker: its address names the flow of all its connections, and it says how many strangers are let in. All
 * transports share it.
 */
export class ListenerWorker implements Worker, Listener {
  readonly transport: string;
  readonly address: Address;
  readonly flow: Flow;
  readonly #node: Node;
  readonly #strangers: StrangerCount;
  #listening: StreamListener | undefined;
  #isRefusing = false;

  constructor(node: Node, transport: string, caps: Partial<ConnectionCaps> | undefined) {
    this.#node = node;
    this.transport = transport;
    this.#strangers = new StrangerCount(caps);
    this.address = node.newAddress();
    this.flow = node.newFlow();
  }

  get local(): HostPort {
    return this.#listening?.local ?? { host: '', port: 0 };
  }

  /** Puts the listener on the node as soon as it listens. @throws {TransportError} `LISTEN_FAILED` @throws {RuntimeError} `NODE_STOPPED` */
  async begin(listening: Promise<StreamListener>): Promise<this> {
    const made = await listening;
    this.#listening = made;
    try {
      this.#node.start(this.address, this, { incoming: allowNobody, outgoing: allowNobody, cluster: 'transports' });
    } catch (cause) {
      await made.close();
      throw cause;
    }
    this.#node.flows.addSpawner(this.address, this.flow.id);
    this.#node.listeners.add(this);
    // A worker whose node ran out of patience ends without `onStop`: this hears of every end.
    this.#node.watch(this.address, () => {
      this.#node.listeners.delete(this);
      void made.close();
    });
    return this;
  }

  onMessage(): void {
    // Nothing can be sent here: the address only names the flow.
  }

  async onStop(): Promise<void> {
    await this.#listening?.close();
  }

  close(): Promise<void> {
    return this.#node.stopWorker(this.address).catch(() => undefined);
  }

  /** Lets a connection from that host in. @returns undefined when there is no room for another stranger */
  admit(host: string): Opening | undefined {
    const release = this.#node.isStopped ? undefined : this.#strangers.take(host);
    if (release !== undefined) {
      this.#isRefusing = false;
      return { direction: 'incoming', flow: this.#node.newFlow(this.flow), release };
    }
    // One line for a flood of them.
    if (!this.#isRefusing)
      this.#node.logger.log('warn', 'connection.refused', { transport: this.transport, remote: host, reason: 'too many strangers' });
    this.#isRefusing = true;
    return undefined;
  }
}
