import { onlyTo } from '../../runtime/access-control.ts';
import type { Address } from '../../runtime/address.ts';
import { encodeCbor } from '../../runtime/codec/cbor.ts';
import type { Context } from '../../runtime/context.ts';
import type { Message } from '../../runtime/message.ts';
import type { Node } from '../../runtime/node.ts';
import { hex, type Random } from '../../runtime/random.ts';
import { type Route, route } from '../../runtime/route.ts';
import type { Worker } from '../../runtime/worker.ts';

/** Source: routing.md 6.5 */
export const PING_INTERVAL_MS = 10_000;
/** Source: routing.md 6.5 */
export const PINGS_MISSED_MAX = 3;

/** A ping as nodes send it: 64 random bits as a CBOR unsigned integer, without a BARE wrapper. Source: routing.md 6.5 */
export function pingPayload(random: Random): Uint8Array {
  return encodeCbor(new DataView(random.bytes(8).buffer).getBigUint64(0));
}

/**
 * Asks an `echo` service every 10 s and tells when it has stopped answering: three pings in a row without a pong. One that
 * never answered is not judged, and after three pings not asked again: it may not be there, or not be for us.
 * Source: routing.md 6.5
 */
export class EchoPing implements Worker {
  readonly #route: Route;
  readonly #onSilent: () => void;
  readonly #returns: boolean;
  readonly #outstanding = new Set<string>();
  #hasAnswered = false;

  private constructor(to: Route, onSilent: () => void, returns: boolean) {
    this.#route = to;
    this.#onSilent = onSilent;
    this.#returns = returns;
  }

  /** @returns the address to stop it by */
  static start(node: Node, to: Route, onSilent: () => void): Address {
    return EchoPing.#start(node, to, onSilent, false);
  }

  /**
   * The same over a way that leads back to this node, as a relay of ours does: the ping itself comes back, and nobody answers.
   * @returns the address to stop it by
   */
  static startRound(node: Node, wayBack: Route, onSilent: () => void): Address {
    return EchoPing.#start(node, wayBack, onSilent, true);
  }

  static #start(node: Node, to: Route, onSilent: () => void, returns: boolean): Address {
    return node.start(node.newAddress(), new EchoPing(to, onSilent, returns), { outgoing: onlyTo(to.next), urgent: true });
  }

  onStart(context: Context): void {
    const { flows } = context.node;
    const flow = flows.ofAnswersThrough(this.#route.next);
    if (flow !== undefined) flows.addConsumer(context.address, flow.id);
    this.#ask(context);
  }

  onMessage(message: Message): void {
    // One pong clears all pings: what matters is that the far end lives.
    if (!this.#outstanding.has(hex(message.payload))) return;
    this.#outstanding.clear();
    this.#hasAnswered = true;
  }

  #ask(context: Context): void {
    if (this.#outstanding.size >= PINGS_MISSED_MAX) {
      if (this.#hasAnswered) this.#onSilent();
      return;
    }
    const payload = pingPayload(context.node.random);
    this.#outstanding.add(hex(payload));
    context.send(this.#returns ? this.#route.concat(route(context.address)) : this.#route, payload);
    context.setTimer(PING_INTERVAL_MS, () => this.#ask(context));
  }
}
