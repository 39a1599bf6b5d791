import type { AccessControl } from './access-control.ts';
import type { Address } from './address.ts';
import type { Message } from './message.ts';

/** By which way messages of other nodes come in: an id, and that of the listener that made it, if one did. */
export interface Flow {
  readonly id: string;
  readonly spawnerId?: string | undefined;
}

interface Producer {
  readonly flow: Flow;
  /** Its own address and the additional ones. */
  readonly keys: readonly string[];
}

/**
 * Who may be reached from outside. What brings in messages of other nodes is a producer of a flow; it may deliver only to
 * the consumers of that flow, or of the flow of the listener (spawner) that made it. Only the first onward hop counts.
 * Source: routing.md 2.2 to 2.4.
 */
export class FlowControls {
  readonly #consumers = new Map<string, Set<string>>();
  readonly #consumed = new Map<string, Set<string>>();
  readonly #producers = new Map<string, Producer>();
  readonly #producerOf = new Map<string, string>();
  readonly #spawners = new Map<string, string>();
  /** How many spawners and producers name a flow id: its consumers go with the last. */
  readonly #users = new Map<string, number>();

  /** Lets producers of that flow reach the address; adding twice does nothing. */
  addConsumer(address: Address, flowId: string): void {
    addTo(this.#consumers, flowId, address.key);
    addTo(this.#consumed, address.key, flowId);
  }

  /** Takes that back; what is no consumer stays none. */
  removeConsumer(address: Address, flowId: string): void {
    removeFrom(this.#consumers, flowId, address.key);
    removeFrom(this.#consumed, address.key, flowId);
  }

  /** @param additional addresses by which the flow can be found too, such as a connection's sender */
  addProducer(address: Address, flow: Flow, additional: readonly Address[] = []): void {
    // Counted before what it replaces is removed: the consumers of a flow that goes on stay.
    this.#use(flow.id);
    if (flow.spawnerId !== undefined) this.#use(flow.spawnerId);
    this.#removeProducer(address.key);
    const keys = [address.key, ...additional.map((other) => other.key)];
    this.#producers.set(address.key, { flow, keys });
    for (const key of keys) this.#producerOf.set(key, address.key);
  }

  /** Makes the address a spawner: its flow id, and the consumers of that, last as long as it does. */
  addSpawner(address: Address, flowId: string): void {
    this.#use(flowId);
    this.#removeSpawner(address.key);
    this.#spawners.set(address.key, flowId);
  }

  /** The flow of exactly this producer. */
  ofProducer(address: Address): Flow | undefined {
    return this.#producers.get(address.key)?.flow;
  }

  /** The flow by which answers to messages sent through this address will come in. */
  ofAnswersThrough(address: Address): Flow | undefined {
    const producer = this.#producerOf.get(address.key);
    return producer === undefined ? undefined : this.#producers.get(producer)?.flow;
  }

  /** Every flow whose producers may reach the address. */
  consumedBy(address: Address): string[] {
    return [...(this.#consumed.get(address.key) ?? [])];
  }

  mayDeliver(flow: Flow, next: Address): boolean {
    if (this.#consumers.get(flow.id)?.has(next.key) === true) return true;
    return flow.spawnerId !== undefined && this.#consumers.get(flow.spawnerId)?.has(next.key) === true;
  }

  /** The outgoing control of a producer's mailbox. */
  controlOf(flow: Flow): AccessControl {
    return { allows: (message: Message) => this.mayDeliver(flow, message.onward.next), deniedAs: 'denied-flow' };
  }

  /** Forgets the address as spawner, producer and consumer, and the consumers of a flow that nobody produces any more. */
  remove(address: Address): void {
    this.#removeSpawner(address.key);
    this.#removeProducer(address.key);
    for (const flowId of this.#consumed.get(address.key) ?? []) {
      const consumers = this.#consumers.get(flowId);
      consumers?.delete(address.key);
      if (consumers?.size === 0) this.#consumers.delete(flowId);
    }
    this.#consumed.delete(address.key);
  }

  /** Nothing is registered any more. */
  get isEmpty(): boolean {
    const maps = [this.#consumers, this.#consumed, this.#producers, this.#producerOf, this.#spawners, this.#users];
    return maps.every((map) => map.size === 0);
  }

  #removeSpawner(key: string): void {
    const flowId = this.#spawners.get(key);
    if (flowId === undefined) return;
    this.#spawners.delete(key);
    this.#unuse(flowId);
  }

  #removeProducer(key: string): void {
    const producer = this.#producers.get(key);
    if (producer === undefined) return;
    this.#producers.delete(key);
    for (const other of producer.keys) if (this.#producerOf.get(other) === key) this.#producerOf.delete(other);
    this.#unuse(producer.flow.id);
    if (producer.flow.spawnerId !== undefined) this.#unuse(producer.flow.spawnerId);
  }

  #use(flowId: string): void {
    this.#users.set(flowId, (this.#users.get(flowId) ?? 0) + 1);
  }

  #unuse(flowId: string): void {
    const left = (this.#users.get(flowId) ?? 0) - 1;
    if (left > 0) {
      this.#users.set(flowId, left);
      return;
    }
    this.#users.delete(flowId);
    for (const key of this.#consumers.get(flowId) ?? []) {
      const flows = this.#consumed.get(key);
      flows?.delete(flowId);
      if (flows?.size === 0) this.#consumed.delete(key);
    }
    this.#consumers.delete(flowId);
  }
}

function addTo(map: Map<string, Set<string>>, key: string, member: string): void {
  const members = map.get(key);
  if (members === undefined) map.set(key, new Set([member]));
  else members.add(member);
}

function removeFrom(map: Map<string, Set<string>>, key: string, member: string): void {
  const members = map.get(key);
  members?.delete(member);
  if (members?.size === 0) map.delete(key);
}
