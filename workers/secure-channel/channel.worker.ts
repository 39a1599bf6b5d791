import type { Identifier } from '../../identities/identifier.ts';
import type { Identity, Presentation, VerifiedPeer } from '../../identities/identity.ts';
import type { TrustPolicy } from '../../identities/trust.ts';
import { allowNobody } from '../../runtime/access-control.ts';
import type { Address } from '../../runtime/address.ts';
import type { Timer } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';
import { CodecError } from '../../runtime/errors.ts';
import type { Flow } from '../../runtime/flow-control.ts';
import { errorFields } from '../../runtime/logger.ts';
import { type LocalInfo, Message } from '../../runtime/message.ts';
import type { Node } from '../../runtime/node.ts';
import { Route } from '../../runtime/route.ts';
import type { Worker } from '../../runtime/worker.ts';
import {
  decodeChannelMessage,
  decodeIdentityAndCredentials,
  encodeIdentityAndCredentials,
  encodePadded,
  encodeRefreshCredentials,
  type PayloadMessage,
} from './channel-message.ts';
import type { CredentialSource } from './credential-source.ts';
import { Encryptor } from './encryptor.ts';
import { ChannelError } from './errors.ts';
import { FrameOpener } from './frame-opener.ts';
import { FrameSealer } from './frame-sealer.ts';
import type { ChannelKeys, HandshakeOptions } from './handshake.ts';
import type { ChannelEnd, HandshakeFailure } from './initiator.machine.ts';
import { Liveness } from './liveness.ts';
import { peerInfo } from './local-info.ts';
import { encodeProbe, isProbe } from './probe.ts';

/** Both ends give a handshake so long. Source: reliability.md 2.3. */
export const HANDSHAKE_MS = 10_000;

/** What both ends of a channel are made with. */
export interface ChannelSetup {
  readonly identity: Identity;
  readonly trust: TrustPolicy;
  /** Issuers whose credentials count besides those that `trust` names. */
  readonly authorities?: readonly Identifier[];
  /** The credential to present, and when there is a newer one. */
  readonly credential?: CredentialSource;
  /** Let a channel lead to one's own identity. Refused by default. */
  readonly allowSelf?: boolean;
  readonly handshakeTimeoutMs?: number;
}

export type EndReason = HandshakeFailure | ChannelEnd | 'message1Rejected';

export interface ChannelEvents {
  onOpen(channel: ChannelWorker): void;
  /** Called once; `cause` says more where something was thrown. */
  onEnd(reason: EndReason, cause: unknown): void;
}

const NO_PEER = 'the channel is not open yet';

/**
 * One end of a secure channel: makes the handshake, then opens what the other end sealed. Its remote address takes handshake
 * messages and frames; its internal address sends what was inside, under flow control. The encryptor is a worker of its own.
 * The machines decide on the life of the channel; frames take the short way past them. Source: identity.md 5.6, 6, 7
 */
export abstract class ChannelWorker implements Worker {
  readonly remoteAddress: Address;
  readonly encryptorAddress: Address;
  readonly flow: Flow;
  protected readonly node: Node;
  protected readonly setup: ChannelSetup;
  protected context!: Context;
  protected received!: Message;
  /** Where handshake messages go: to the other end's remote address. */
  protected remoteRoute: Route;
  protected payloadOfPeer: Uint8Array = new Uint8Array(0);
  protected presentation!: Presentation;
  readonly #internalAddress: Address;
  readonly #probeAddress: Address;
  readonly #events: ChannelEvents;
  #timer: Timer | undefined;
  #verdict: Promise<void> | undefined;
  #cause: unknown;
  #isEnded = false;
  #peer: VerifiedPeer | undefined;
  #peerHash: Uint8Array = new Uint8Array(0);
  #ownHash: Uint8Array = new Uint8Array(0);
  #info: readonly LocalInfo[] = [];
  #opener: FrameOpener | undefined;
  #encryptor: Encryptor | undefined;
  #liveness: Liveness | undefined;
  #unwatchEncryptor: (() => void) | undefined;
  #unsubscribe: (() => void) | undefined;
  #presented: Uint8Array | undefined;

  protected constructor(node: Node, setup: ChannelSetup, flow: Flow, remoteRoute: Route, events: ChannelEvents) {
    this.node = node;
    this.setup = setup;
    this.flow = flow;
    this.remoteRoute = remoteRoute;
    this.#events = events;
    this.remoteAddress = node.newAddress();
    this.#internalAddress = node.newAddress();
    this.#probeAddress = node.newAddress();
    this.encryptorAddress = node.newAddress();
  }

  /** Puts it on the node. */
  begin(): void {
    this.node.start(this.remoteAddress, this, {
      cluster: 'channels',
      urgent: true, // what is inside is shed or not: a frame lost here would be missing in the channel
      also: [{ address: this.#internalAddress, incoming: allowNobody, outgoing: this.node.flows.controlOf(this.flow) }],
    });
    this.node.flows.addProducer(this.#internalAddress, this.flow, [this.encryptorAddress]);
  }

  /** Who is at the other end. @throws {ChannelError} `HANDSHAKE_ORDER` before the channel is open */
  get peer(): Identifier {
    if (this.#peer === undefined) throw new ChannelError('HANDSHAKE_ORDER', `Nobody is known: ${NO_PEER}.`);
    return this.#peer.identifier;
  }

  async onStart(context: Context): Promise<void> {
    this.context = context;
    const history = await this.setup.identity.history();
    this.#ownHash = history.latest.hash.slice();
    this.#presented = await this.setup.credential?.retrieve();
    const shown = await this.setup.identity.present(this.#presented === undefined ? [] : [this.#presented]);
    this.presentation = shown;
    this.prepare({ crypto: this.setup.identity.crypto, random: context.node.random, staticKey: shown.key });
    this.startLifecycle();
  }

  onMessage(message: Message): void | Promise<void> {
    if (message.onward.length !== 1 || message.destination.key !== this.remoteAddress.key) {
      return this.context.giveUp(message, 'refused');
    }
    if (this.#opener !== undefined) return this.#open(message, this.#opener);
    this.received = message;
    this.tell('message.received');
    const verdict = this.#verdict;
    this.#verdict = undefined;
    return verdict;
  }

  onStop(): void {
    this.tell('stop.requested');
    this.#end('failed'); // it never began
  }

  /** Asks the other end for a sign of life; it also tells a responder our way, when that has changed. */
  probe(): boolean {
    return this.#encryptor?.say(encodeProbe(this.#probeAddress, this.node.random.bytes(8))) ?? false;
  }

  /** Sends from now on by another way. @returns whether the other end answered by it within the time */
  reroute(toNode: Route, timeoutMs: number): Promise<boolean> {
    const encryptor = this.#encryptor;
    const liveness = this.#liveness;
    if (encryptor === undefined || liveness === undefined) return Promise.resolve(false);
    encryptor.remoteRoute = toNode.concat(Route.of([encryptor.remoteRoute.recipient])).owned();
    this.admitAnswers(encryptor.remoteRoute);
    return liveness.answersWithin(timeoutMs);
  }

  /** Tells the machine of this end. After its final state nothing is listened to. */
  protected abstract tell(fact: Fact): void;
  protected abstract startLifecycle(): void;
  protected abstract prepare(options: HandshakeOptions): void;
  protected abstract finish(): ChannelKeys;
  protected abstract get staticKeyOfPeer(): Uint8Array | undefined;
  /** A responder follows an initiator that moved. */
  protected abstract readonly followsPeer: boolean;

  protected ownPayload(): Uint8Array {
    return encodeIdentityAndCredentials(this.presentation);
  }

  protected sendHandshake(bytes: Uint8Array): void {
    this.context.forward(new Message(this.remoteRoute, Route.of([this.remoteAddress]), bytes));
  }

  /** What answers by that way may reach this end. Source: identity.md 7.3 */
  protected admitAnswers(by: Route): void {
    const flow = this.node.flows.ofAnswersThrough(by.next);
    if (flow !== undefined) this.node.flows.addConsumer(this.remoteAddress, flow.id);
  }

  /** An order that fails would surface later and end the process: it ends the channel instead. */
  protected attempt(order: () => void): void {
    try {
      order();
    } catch (thrown) {
      this.#cause = thrown;
      this.#log('warn', 'channel.failed', thrown);
      this.tell('channel.failed');
    }
  }

  /** Reads a handshake message. One that is refused changes nothing: the genuine one is still awaited. */
  protected read(reading: () => void, accepted: Fact, rejected: Fact): void {
    try {
      reading();
    } catch (thrown) {
      this.#log('warn', 'channel.handshake.message.refused', thrown);
      this.context.giveUp(this.received, 'refused');
      return this.tell(rejected);
    }
    this.tell(accepted);
  }

  /** Performs what both machines order alike. */
  protected perform(effect: SharedEffect): void {
    switch (effect.type) {
      case 'startTimer':
        this.#timer = this.context.setTimer(this.setup.handshakeTimeoutMs ?? HANDSHAKE_MS, () => this.tell('timer.expired'));
        return;
      case 'stopTimer':
        return this.#timer?.cancel();
      case 'verifyPeer':
        this.#verdict = this.#verifyPeer();
        return;
      case 'openChannel':
        return this.#openChannel();
      case 'sendClose':
        return; // the encryptor says it as its last word: see closeChannel
      case 'abandonHandshake':
        return this.#end(effect.reason);
      case 'closeChannel':
        if (this.#encryptor !== undefined) {
          this.#encryptor.saysClose &&= effect.reason !== 'peerClosed' && effect.reason !== 'failed';
          this.#unwatchEncryptor?.();
          void this.node.stopWorker(this.encryptorAddress).catch(() => undefined);
        }
        return this.#end(effect.reason);
    }
  }

  async #verifyPeer(): Promise<void> {
    const { identity, trust, authorities = [], allowSelf = false } = this.setup;
    try {
      const presented = decodeIdentityAndCredentials(this.payloadOfPeer);
      const peer = await identity.verifyPeer(presented, this.staticKeyOfPeer ?? new Uint8Array(0), { trust, authorities });
      if (peer.identifier === identity.identifier && !allowSelf) {
        throw new ChannelError('PEER_REFUSED', 'The other end has our own identity. Say allowSelf if that is meant.');
      }
      for (const refusal of peer.refusals) this.#log('warn', 'channel.credential.refused', refusal);
      this.#peer = peer;
      this.#peerHash = peer.history.latest.hash.slice();
    } catch (thrown) {
      this.#cause = thrown;
      this.#log('warn', 'channel.peer.refused', thrown);
      this.tell('peer.refused');
      return;
    }
    this.tell('peer.accepted');
  }

  #openChannel(): void {
    const { crypto } = this.setup.identity;
    const keys = this.finish();
    this.#opener = new FrameOpener(crypto, keys.decryptKey);
    this.#info = [peerInfo(this.peer)];
    this.#encryptor = new Encryptor(new FrameSealer(crypto, keys.encryptKey), this.remoteRoute.owned(), () => this.tell('channel.failed'));
    this.node.start(this.encryptorAddress, this.#encryptor, { cluster: 'channels', terminal: { peer: this.peer } });
    this.#unwatchEncryptor = this.node.watch(this.encryptorAddress, () => this.tell('stop.requested'));
    this.#liveness = new Liveness(this.context, {
      probe: () => this.probe(),
      onLost: () => this.tell('peer.lost'),
      onTick: () => void this.#checkRevocation(),
    });
    this.#unsubscribe = this.setup.credential?.subscribe(() => void this.#refreshCredential());
    this.#events.onOpen(this);
  }

  /** Opens one frame and passes on what was inside. What cannot be opened changes nothing. */
  #open(message: Message, opener: FrameOpener): void | Promise<void> {
    let plaintext: Uint8Array;
    try {
      plaintext = opener.open(message.payload);
    } catch (thrown) {
      this.#log('debug', 'channel.frame.refused', thrown);
      this.context.giveUp(message, 'refused');
      if (opener.outOfWindowRun > 0) this.#liveness?.frameOutOfWindow(opener.outOfWindowRun);
      return;
    }
    this.#liveness?.frameOpened();
    try {
      const inside = decodeChannelMessage(plaintext);
      switch (inside.kind) {
        case 'payload':
          if (this.followsPeer && opener.lastWasNewest) this.#follow(message.returnRoute);
          return this.#deliver(inside, message);
        case 'refreshCredentials':
          return this.#refreshPeer(inside);
        case 'close':
          return this.tell('close.received');
      }
    } catch (thrown) {
      if (!(thrown instanceof CodecError)) throw thrown;
      this.#log('warn', 'channel.message.invalid', thrown);
      this.context.giveUp(message, 'refused');
    }
  }

  #deliver(inside: PayloadMessage, message: Message): void {
    const { onward, returnRoute, payload } = inside;
    if (inside.padding.length > 0 && isProbe(inside)) {
      this.#encryptor?.say(encodePadded(returnRoute, Route.of([this.remoteAddress]), payload, new Uint8Array(0)));
      return;
    }
    if (onward.length === 1 && onward.next.key === this.#probeAddress.key) return this.#liveness?.probeAnswered();
    if (onward.isEmpty) return;
    const opened = new Message(onward, returnRoute.prepend(this.encryptorAddress), payload, this.#info, message.hops + 1, this.flow);
    this.context.inject(opened, message.ingress, { from: this.#internalAddress });
  }

  /** The newest genuine frame tells by which way the initiator is reached. Source: identity.md 6.5 */
  #follow(wayBack: Route): void {
    const encryptor = this.#encryptor;
    if (encryptor === undefined || wayBack.isEmpty) return;
    const { remoteRoute } = encryptor;
    if (remoteRoute.length === wayBack.length + 1 && remoteRoute.next.key === wayBack.next.key && startsWith(remoteRoute, wayBack)) return;
    encryptor.remoteRoute = wayBack.concat(Route.of([remoteRoute.recipient])).owned();
  }

  async #refreshPeer(presented: { readonly changeHistory: Uint8Array; readonly credentials: readonly Uint8Array[] }): Promise<void> {
    const authorities = [...this.setup.trust.authorities, ...(this.setup.authorities ?? [])];
    try {
      const { refusals } = await this.setup.identity.refreshPeer(this.peer, presented, authorities);
      for (const refusal of refusals) this.#log('warn', 'channel.credential.refused', refusal);
    } catch (thrown) {
      this.#log('warn', 'channel.refresh.refused', thrown);
    }
  }

  /** Presents a credential that is newer than the one shown last. Source: identity.md 6.8 */
  async #refreshCredential(): Promise<void> {
    try {
      const credential = await this.setup.credential?.retrieve();
      if (credential === undefined || this.#opener === undefined || sameBytes(credential, this.#presented)) return;
      this.#presented = credential;
      const history = await this.setup.identity.exportHistory();
      this.#encryptor?.say(encodeRefreshCredentials(history, [credential]), Route.of([this.encryptorAddress]));
    } catch (thrown) {
      this.#log('warn', 'channel.credential.missing', thrown);
    }
  }

  /** A key that was revoked since the handshake ends the channel. Source: decisions.md B13 */
  async #checkRevocation(): Promise<void> {
    const { identity } = this.setup;
    const isRevoked =
      (await identity.hasRevoked(this.peer, this.#peerHash)) || (await identity.hasRevoked(identity.identifier, this.#ownHash));
    if (isRevoked) this.tell('peer.lost');
  }

  #end(reason: EndReason): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#opener = undefined;
    this.#liveness?.stop();
    this.#unsubscribe?.();
    this.#log('info', 'channel.ended', undefined, reason);
    this.#events.onEnd(reason, this.#cause);
    this.context.stop();
  }

  #log(level: 'debug' | 'info' | 'warn', event: string, thrown: unknown, reason?: string): void {
    const peer = this.#peer?.identifier;
    const fields = thrown === undefined ? { reason } : errorFields(thrown);
    this.node.logger.log(level, event, { address: this.remoteAddress.toString(), peer, ...fields });
  }
}

/** What either machine may be told. */
export type Fact =
  | 'message.received'
  | 'stop.requested'
  | 'message1.accepted'
  | 'message1.rejected'
  | 'message2.accepted'
  | 'message2.rejected'
  | 'message3.accepted'
  | 'message3.rejected'
  | 'peer.accepted'
  | 'peer.refused'
  | 'peer.lost'
  | 'close.received'
  | 'channel.failed'
  | 'timer.expired';

export type SharedEffect =
  | { type: 'startTimer' | 'stopTimer' | 'verifyPeer' | 'openChannel' | 'sendClose' }
  | { type: 'abandonHandshake' | 'closeChannel'; reason: EndReason };

function startsWith(route: Route, start: Route): boolean {
  const hops = route[Symbol.iterator]();
  for (const hop of start) if (hop.key !== (hops.next().value as Address | undefined)?.key) return false;
  return true;
}

function sameBytes(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other?.length === one.length && one.every((byte, index) => byte === other[index]);
}
