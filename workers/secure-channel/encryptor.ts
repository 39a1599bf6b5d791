import type { Address } from '../../runtime/address.ts';
import type { Context } from '../../runtime/context.ts';
import { errorFields } from '../../runtime/logger.ts';
import { Message } from '../../runtime/message.ts';
import { Route } from '../../runtime/route.ts';
import type { Worker } from '../../runtime/worker.ts';
import { encodeClose, encodePayloadHead, PAYLOAD_TAIL } from './channel-message.ts';
import type { FrameSealer } from './frame-sealer.ts';

/** What a frame adds to what is in it, at most: nonce, tag, and the heads around two routes. For the question whether there is room. */
const OVERHEAD_BYTES = 1_024;

/**
 * The way into a channel: takes what is sent to its address, seals it, and sends it to the other end. Whoever routes through
 * it needs to know nothing else of the channel. Source: identity.md 6.7
 */
export class Encryptor implements Worker {
  /** To the other end's decryptor. It may change while the channel lives. */
  remoteRoute: Route;
  /** Say Close when this ends. */
  saysClose = true;
  readonly #sealer: FrameSealer;
  readonly #onFailed: () => void;
  #context!: Context;

  constructor(sealer: FrameSealer, remoteRoute: Route, onFailed: () => void) {
    this.#sealer = sealer;
    this.remoteRoute = remoteRoute;
    this.#onFailed = onFailed;
  }

  onStart(context: Context): void {
    this.#context = context;
  }

  onMessage(message: Message, context: Context): void {
    // A nonce is spent only on what will be sent: more than 32 lost in a row would end the channel.
    const next = this.remoteRoute.next;
    if (!context.hasRoom(next, message.payloadBytes + OVERHEAD_BYTES)) return context.giveUp(message, 'overflow');
    const onward = message.onward.rest;
    const head = encodePayloadHead(onward, message.returnRoute, message.payloadBytes);
    this.#seal([head, ...message.payloadChunks, PAYLOAD_TAIL], Route.empty, message.hops + 1);
  }

  /** Sends what the channel itself has to say. @returns whether it was sent */
  say(plaintext: Uint8Array, returnRoute: Route = Route.empty): boolean {
    if (!this.#context.hasRoom(this.remoteRoute.next, plaintext.length + OVERHEAD_BYTES)) return false;
    this.#seal([plaintext], returnRoute, 0);
    return true;
  }

  onStop(context: Context): void {
    if (this.saysClose) this.say(encodeClose(), Route.of([context.address]));
  }

  get address(): Address {
    return this.#context.address;
  }

  /** The way back stays empty: the other end takes it for its new way to us. Source: identity.md 6.7 */
  #seal(plaintext: readonly Uint8Array[], returnRoute: Route, hops: number): void {
    try {
      const frame = this.#sealer.seal(plaintext);
      this.#context.forward(new Message(this.remoteRoute, returnRoute, frame, undefined, hops));
    } catch (thrown) {
      this.#context.node.logger.log('error', 'channel.seal.failed', errorFields(thrown));
      this.saysClose = false;
      this.#onFailed();
    }
  }
}
