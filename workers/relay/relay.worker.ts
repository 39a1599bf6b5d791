import type { Address } from '../../runtime/address.ts';
import type { Context } from '../../runtime/context.ts';
import type { Message } from '../../runtime/message.ts';
import type { RequestOptions } from '../../runtime/node.ts';
import { Route, route } from '../../runtime/route.ts';
import type { StartOptions, Worker } from '../../runtime/worker.ts';
import { mayPassOn } from '../hop.ts';
import { pingPayload } from '../session/echo-ping.ts';
import type { Introductions } from './introductions.ts';
import { encodeConfirmation } from './relay-message.ts';

const ECHO = route('echo');

/**
 * Stands for a node that has registered: what is sent to it goes on along the way the registration came, and the return
 * route stays as it is, so that answers do not pass here. Source: routing.md 5.3
 */
export class RelayWorker implements Worker {
  readonly address: Address;
  #context: Context | undefined;
  /** To the client itself, and to its node: all but the last hop. */
  #toClient = Route.empty;
  #toNode: Route | undefined;
  /** The first hop of the last way back that was let in: it saves the look-ups of the next message. */
  #introducedLast: Address | undefined;
  readonly #introductions: Introductions;
  /** Those that stand, by both addresses. */
  readonly #introduced = new Map<string, () => void>();

  constructor(address: Address, introductions: Introductions) {
    this.address = address;
    this.#introductions = introductions;
  }

  /** Nothing leaves but towards the client's node; to a client on this very node, anything does. Source: routing.md 5.3 */
  get options(): StartOptions {
    return { outgoing: { allows: ({ onward }) => this.#toClient.length === 1 || onward.next.equals(this.#toClient.next) } };
  }

  /** The way to the client's node; undefined when it is gone. */
  get toNode(): Route | undefined {
    return this.#toNode;
  }

  onStart(context: Context): void {
    this.#context = context;
  }

  /** From now on leads to that client, and tells it so. @param toClient not empty */
  lead(toClient: Route): void {
    this.#toClient = toClient;
    this.#toNode = toClient.withoutLast;
    this.#introducedLast = undefined;
    this.#context?.send(toClient, encodeConfirmation(this.address.name));
  }

  /** The client is gone: what comes is given up. */
  retire(): void {
    this.#toNode = undefined;
  }

  /** What was opened past the relay, so that answers go straight, is shut again: streams that began here end. */
  withdraw(): void {
    for (const takeBack of [...this.#introduced.values()]) takeBack();
    this.#introducedLast = undefined;
  }

  /**
   * Whether `echo` at the client's node answers in time. The relay pays for the question itself: nobody else's messages can
   * crowd it out, and so make a client that lives look silent.
   */
  async answers(options: RequestOptions): Promise<boolean> {
    if (this.#toNode === undefined || this.#context === undefined) return false;
    try {
      await this.#context.request(this.#toNode.concat(ECHO), pingPayload(this.#context.node.random), options);
      return true;
    } catch {
      return false;
    }
  }

  onMessage(message: Message, context: Context): void {
    const toNode = this.#toNode;
    if (toNode === undefined) return context.giveUp(message, 'stopped');
    const rest = message.onward.rest;
    // Without a way back nothing can be relayed, and an empty onward route would arrive as a heartbeat. Source: routing.md 5.3
    if (rest.isEmpty || message.returnRoute.isEmpty) return context.giveUp(message, 'empty-route');
    const onward = message.rerouted(toNode.concat(rest));
    // To a client on this node the relay is a hop, and no way around what is published.
    if (toNode.isEmpty && !mayPassOn(onward, context.node)) return context.giveUp(onward, 'denied-flow');
    if (!toNode.isEmpty) this.#introduce(onward, context);
    context.forward(onward);
  }

  /** Lets each side's answers reach the other: they go straight from connection to connection. Source: routing.md 5.3 */
  #introduce({ onward, returnRoute }: Message, { node }: Context): void {
    const next = onward.next;
    const previous = returnRoute.next;
    if (this.#introducedLast?.equals(previous) === true) return;
    this.#introducedLast = previous;
    const key = `${next.key} ${previous.key}`;
    if (this.#introduced.has(key)) return;
    const end = this.#introductions.introduce(next, previous);
    const unwatch: (() => void)[] = [];
    const takeBack = () => {
      if (!this.#introduced.delete(key)) return;
      end();
      for (const stop of unwatch) stop();
    };
    this.#introduced.set(key, takeBack);
    for (const hop of [next, previous]) unwatch.push(node.watch(hop, takeBack));
  }
}
