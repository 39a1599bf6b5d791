import type { Address } from '../../runtime/address.ts';
import type { Context } from '../../runtime/context.ts';
import { CodecError } from '../../runtime/errors.ts';
import type { Flow } from '../../runtime/flow-control.ts';
import { freeable } from '../../runtime/loan.ts';
import { errorFields, type LogLevel } from '../../runtime/logger.ts';
import { type LocalInfo, Message } from '../../runtime/message.ts';
import { Route } from '../../runtime/route.ts';
import { AfterWrites } from './after-writes.ts';
import { decodeChannelMessage, type PayloadMessage, type RefreshCredentialsMessage } from './channel-message.ts';
import type { Encryptor } from './encryptor.ts';
import type { FrameOpener } from './frame-opener.ts';
import type { Liveness } from './liveness.ts';
import { answeredProbe, encodeProbeAnswer, isProbe } from './probe.ts';

/** What the decryptor of an open channel works with. */
export interface DecryptorParts {
  readonly context: Context;
  readonly opener: FrameOpener;
  readonly encryptor: Encryptor;
  /** The way in: the return route of everything that comes out. */
  readonly encryptorAddress: Address;
  /** Answers to our own probes come here, inside the channel. */
  readonly remoteAddress: Address;
  /** Where opened messages are sent from, under flow control. */
  readonly internalAddress: Address;
  readonly flow: Flow;
  readonly liveness: Liveness;
  /** A responder follows an initiator that moved. */
  readonly followsPeer: boolean;
  onRefresh(message: RefreshCredentialsMessage): Promise<void>;
  onClose(): void;
}

/**
 * Opens what the other end sealed and passes it on. What cannot be opened changes nothing; what was opened and makes no sense
 * is dropped, and the channel stays open. Source: identity.md 6.4 to 6.6
 */
export class Decryptor {
  /** What is said of every message: who sent it. Replaced when the peer presents a newer credential. */
  info: readonly LocalInfo[];
  readonly #parts: DecryptorParts;
  readonly #from: { readonly from: Address };
  readonly #preparation: AfterWrites;

  constructor(parts: DecryptorParts, info: LocalInfo) {
    this.#parts = parts;
    this.#from = { from: parts.internalAddress };
    this.info = [info];
    this.#preparation = new AfterWrites(parts.context, () => parts.opener.prepare());
  }

  open(message: Message): void | Promise<void> {
    const { opener, liveness, context } = this.#parts;
    let plaintext: Uint8Array;
    try {
      plaintext = opener.open(message.payload);
    } catch (thrown) {
      context.giveUp(message, 'refused', thrown);
      if (opener.outOfWindowRun > 0) liveness.examine();
      return;
    }
    liveness.frameOpened();
    this.#preparation.ask();
    try {
      const inside = decodeChannelMessage(plaintext);
      switch (inside.kind) {
        case 'payload':
          if (this.#parts.followsPeer && opener.lastWasNewest) this.#follow(message.returnRoute);
          return this.#deliver(inside, message, plaintext);
        case 'refreshCredentials':
          return this.#parts.onRefresh(inside);
        case 'close':
          return this.#parts.onClose();
      }
    } catch (thrown) {
      if (!(thrown instanceof CodecError)) throw thrown;
      this.#log('warn', 'channel.message.invalid', thrown);
      context.giveUp(message, 'refused', thrown);
    }
  }

  #deliver(inside: PayloadMessage, message: Message, plaintext: Uint8Array): void {
    const { onward, returnRoute, payload } = inside;
    const { context, liveness, flow } = this.#parts;
    if (onward.isEmpty) return context.giveUp(message, 'empty-route');
    if (inside.padding.length > 0 && isProbe(inside)) {
      liveness.probed();
      this.#parts.encryptor.say(encodeProbeAnswer(inside));
      return;
    }
    if (onward.length === 1 && onward.next.key === this.#parts.remoteAddress.key) return liveness.probeAnswered(answeredProbe(inside));
    const wayBack = returnRoute.prepend(this.#parts.encryptorAddress);
    const opened = new Message(onward, wayBack, payload, this.info, message.hops + 1, flow);
    opened.loan = freeable([plaintext]);
    context.inject(opened, message.ingress, this.#from);
    context.spent(message);
  }

  /** The newest genuine frame tells by which way the initiator is reached. Source: identity.md 6.5 */
  #follow(wayBack: Route): void {
    const { encryptor } = this.#parts;
    const { remoteRoute } = encryptor;
    if (wayBack.isEmpty || isWayOf(remoteRoute, wayBack)) return;
    encryptor.remoteRoute = wayBack.concat(Route.of([remoteRoute.recipient])).owned();
    this.#log('info', 'channel.followed', undefined);
  }

  #log(level: LogLevel, event: string, thrown: unknown): void {
    const { context, remoteAddress } = this.#parts;
    context.node.logger.log(level, event, { address: remoteAddress.toString(), ...(thrown !== undefined && errorFields(thrown)) });
  }
}

/** Whether the route is that way and one address more. Asked at every frame. */
function isWayOf(route: Route, way: Route): boolean {
  if (route.length !== way.length + 1) return false;
  for (let ours = route, theirs = way; !theirs.isEmpty; ours = ours.rest, theirs = theirs.rest) {
    if (ours.next.key !== theirs.next.key) return false;
  }
  return true;
}
