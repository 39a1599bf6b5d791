import { type Logger, silentLogger } from '../runtime/logger.ts';
import type { Ingress } from '../runtime/ingress.ts';
import type { Message } from '../runtime/message.ts';
import { Node, type NodeLimits } from '../runtime/node.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { seededRandom } from '../simulation/random.ts';

export interface SmallNodeOptions {
  readonly clock?: SimulatedClock;
  readonly network?: SimulatedNetwork;
  readonly name?: string;
  readonly seed?: number;
  readonly limits?: Partial<NodeLimits>;
  readonly logger?: Logger;
}

export interface SmallNode {
  readonly node: Node;
  readonly clock: SimulatedClock;
  readonly watch: NodeWatch;
}

/** A node on a simulated clock and network, watched from the start. */
export function smallNode(options: SmallNodeOptions = {}): SmallNode {
  const { clock = new SimulatedClock(), name = 'small', limits } = options;
  const network = (options.network ?? new SimulatedNetwork({ clock })).host(name);
  const random = seededRandom(options.seed ?? 1);
  const node = new Node({ clock, random, network, name, logger: options.logger ?? silentLogger, ...(limits && { limits }) });
  return { node, clock, watch: new NodeWatch(node) };
}

/** Keeps the books of a node: every message that was sent ends once, and whoever paid for it gets everything back. */
export class NodeWatch {
  readonly #ends = new Map<Message, number>();
  readonly #ingresses = new Set<Ingress>();
  /** The most that any payer had inside the node. */
  peakMessages = 0;
  handled = 0;

  constructor(node: Node) {
    node.trace(({ kind, message }) => {
      if (kind === 'sent') {
        this.#ends.set(message, 0);
        this.#ingresses.add(message.ingress);
        this.peakMessages = Math.max(this.peakMessages, message.ingress.messages);
        return;
      }
      if (kind === 'handled') this.handled += 1;
      const before = this.#ends.get(message);
      if (before !== undefined) this.#ends.set(message, before + 1);
    });
  }

  get sent(): number {
    return this.#ends.size;
  }

  /** What does not add up; nothing once the node is quiet. */
  get faults(): string[] {
    const faults: string[] = [];
    for (const [message, ends] of this.#ends) if (ends !== 1) faults.push(`${message.onward.toString()} ended ${ends} times`);
    for (const { messages, bytes } of this.#ingresses)
      if (messages !== 0 || bytes !== 0) faults.push(`an ingress holds ${messages}, ${bytes} bytes`);
    return faults;
  }
}
