import type { Context } from '../../runtime/context.ts';
import { freeable } from '../../runtime/loan.ts';
import { errorFields } from '../../runtime/logger.ts';
import { Message } from '../../runtime/message.ts';
import { Route } from '../../runtime/route.ts';
import type { Worker } from '../../runtime/worker.ts';
import { AfterWrites } from './after-writes.ts';
import { encodeClose, encodePayloadHead, PAYLOAD_TAIL } from './channel-message.ts';
import type { FrameSealer } from './frame-sealer.ts';

/** What a frame adds to what is in it, at most: nonce, tag, and the heads around its parts. For the question whether there is room. */
const OVERHEAD_BYTES = 128;

/**
 * The way into a channel: takes what is sent to its address, seals it, and sends it to the other end. Whoever routes through
 * it needs to know nothing else of the channel. Its last word is Close. Source: identity.md 6.7, 6.9
 */
export class Encryptor implements Worker {
  /** To the other end's decryptor. It may change while the channel lives. */
  remoteRoute: Route;
  /** The other end has closed, or nothing can be sealed any more: nothing is sent, Close included. */
  isMute = false;
  /** Told of each message that is sent, or should have been: the other end is expected to say something before long. */
  onTraffic: () => void = () => undefined;
  readonly #sealer: FrameSealer;
  readonly #onFailed: (cause: unknown) => void;
  #context!: Context;
  #preparation!: AfterWrites;

  constructor(sealer: FrameSealer, remoteRoute: Route, onFailed: (cause: unknown) => void) {
    this.#sealer = sealer;
    this.remoteRoute = remoteRoute;
    this.#onFailed = onFailed;
  }

  onStart(context: Context): void {
    this.#context = context;
    this.#preparation = new AfterWrites(context, () => this.#sealer.prepare());
  }

  onMessage(message: Message, context: Context): void {
    if (this.isMute) return context.giveUp(message, 'stopped');
    const onward = message.onward.rest;
    if (onward.isEmpty) return context.giveUp(message, 'empty-route');
    this.onTraffic();
    // A nonce is spent only on what will be sent: more than 32 lost in a row would end the channel.
    const first = this.remoteRoute.next;
    if (!context.hasRoom(first, message.costBytes + this.remoteRoute.encodedBytes + OVERHEAD_BYTES)) {
      return context.giveUp(message, context.node.terminal(first) === undefined ? 'no-transport' : 'overflow');
    }
    const head = encodePayloadHead(onward, message.returnRoute, message.payloadBytes);
    if (this.#seal([head, ...message.payloadChunks, PAYLOAD_TAIL], Route.empty, message.hops + 1)) context.spent(message);
    else context.giveUp(message, 'failed');
  }

  /** Sends what the channel itself has to say. @returns whether it was sent */
  say(plaintext: Uint8Array, returnRoute: Route = Route.empty): boolean {
    const costBytes = plaintext.length + returnRoute.encodedBytes + this.remoteRoute.encodedBytes + OVERHEAD_BYTES;
    if (this.isMute || !this.#context.hasRoom(this.remoteRoute.next, costBytes)) return false;
    return this.#seal([plaintext], returnRoute, 0);
  }

  onStop(context: Context): void {
    this.say(encodeClose(), Route.of([context.address]));
    this.isMute = true;
  }

  /** The way back stays empty for what a responder follows: it takes it for its new way to us. Source: identity.md 6.7 */
  #seal(plaintext: readonly Uint8Array[], returnRoute: Route, hops: number): boolean {
    try {
      const frame = this.#sealer.seal(plaintext);
      const sealed = new Message(this.remoteRoute, returnRoute, frame, undefined, hops);
      sealed.loan = freeable(frame);
      this.#context.forward(sealed);
      this.#preparation.ask();
      return true;
    } catch (thrown) {
      this.isMute = true;
      this.#context.node.logger.log('error', 'channel.seal.failed', errorFields(thrown));
      this.#onFailed(thrown);
      return false;
    }
  }
}
