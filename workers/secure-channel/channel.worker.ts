import { decodeCredential, type VerifiedCredential } from '../../identities/credential.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Identity, Presentation } from '../../identities/identity.ts';
import type { TrustPolicy } from '../../identities/trust.ts';
import { allowNobody } from '../../runtime/access-control.ts';
import type { Address } from '../../runtime/address.ts';
import type { Timer } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';
import type { Flow } from '../../runtime/flow-control.ts';
import { errorFields, type LogLevel } from '../../runtime/logger.ts';
import { Message } from '../../runtime/message.ts';
import type { Node } from '../../runtime/node.ts';
import { Route } from '../../runtime/route.ts';
import type { Worker } from '../../runtime/worker.ts';
import {
  decodeIdentityAndCredentials,
  encodeIdentityAndCredentials,
  encodeRefreshCredentials,
  type RefreshCredentialsMessage,
} from './channel-message.ts';
import type { CredentialSource } from './credential-source.ts';
import { Decryptor } from './decryptor.ts';
import { Encryptor } from './encryptor.ts';
import { ChannelError } from './errors.ts';
import { FrameOpener } from './frame-opener.ts';
import { FrameSealer } from './frame-sealer.ts';
import type { ChannelKeys, HandshakeOptions } from './handshake.ts';
import type { ChannelEnd, HandshakeFailure } from './initiator.machine.ts';
import { Liveness } from './liveness.ts';
import { type HeldCredential, peerInfo } from './local-info.ts';
import { encodeProbe } from './probe.ts';
import { type CredentialFacts, factsOf, type RevocationCheck } from './revocation-check.ts';

/** Both ends give a handshake so long, from before the own credential is fetched until the peer is verified. Source: reliability.md 2.3 */
export const HANDSHAKE_MS = 10_000;
/** The last message of a handshake is repeated after so long, then after twice as long, within the deadline of the other end. Our own choice. */
const LAST_AGAIN_MS = 1_000;
const LAST_AGAIN_MS_MAX = 4_000;
/** How often it is asked whether a key was revoked: soon enough for the 60 s of decisions.md B13. */
const REVOCATION_MS = 30_000;

/** Who is at the other end of a channel, and what it was proved to hold by then. */
export interface PresentedCredentials {
  readonly identifier: Identifier;
  readonly credentials: readonly HeldCredential[];
  /** What those stand on, where the channel was given `revocations`. */
  readonly facts?: readonly CredentialFacts[];
}

/** What both ends of a channel are made with. */
export interface ChannelSetup {
  readonly identity: Identity;
  /** Who may be at the other end. */
  readonly trust: TrustPolicy;
  /** Issuers whose credentials count besides those that `trust` names. */
  readonly authorities?: readonly Identifier[];
  /** The credential to present, and when there is a newer one. A listener shows it to whoever asks: see docs/protocol.md, Channels. */
  readonly credential?: CredentialSource;
  /** Told what the other end holds: before the first of its messages is let out, and whenever it has presented a newer credential. */
  readonly onCredentials?: (presented: PresentedCredentials) => void;
  /**
   * What is known of credentials that were revoked. One that was counts for nothing when it is presented, and ends a channel whose
   * other end holds nothing newer of the same issuer.
   */
  readonly revocations?: RevocationCheck;
  /** Let a channel lead to one's own identity. Refused by default. */
  readonly allowSelf?: boolean;
  /** 10 s by default. */
  readonly handshakeTimeoutMs?: number;
}

export type EndReason = HandshakeFailure | ChannelEnd | 'message1Rejected';

export interface ChannelEvents {
  onOpen(channel: ChannelWorker): void;
  /** Called once; `cause` says more where something was thrown. */
  onEnd(reason: EndReason, cause: unknown): void;
}

interface Peer {
  readonly identifier: Identifier;
  /** Of the change under which its channel key was attested. */
  readonly changeHash: Uint8Array;
  credentials: readonly HeldCredential[];
  /** What those stand on. */
  facts: readonly CredentialFacts[];
}

/** What the handshakes of both ends have in common. */
interface HandshakeSide {
  readonly remoteStaticKey: Uint8Array | undefined;
  finish(): ChannelKeys;
}

/**
 * One end of a secure channel: makes the handshake, then opens what the other end sealed. Its remote address takes handshake
 * messages and frames; its internal address sends what was inside, under flow control. The encryptor is a worker of its own.
 * The machines decide on the life of the channel; frames take the short way past them. Source: identity.md 5.6, 6, 7
 */
export abstract class ChannelWorker<Side extends HandshakeSide = HandshakeSide> implements Worker {
  readonly remoteAddress: Address;
  readonly encryptorAddress: Address;
  readonly flow: Flow;
  /** Resolves with the reason when it is over. */
  readonly closed: Promise<EndReason>;
  protected readonly node: Node;
  /** Where handshake messages go: to the other end's remote address, once that is known. */
  protected remoteRoute: Route;
  readonly #setup: ChannelSetup;
  readonly #internalAddress: Address;
  readonly #events: ChannelEvents;
  #settleClosed!: (reason: EndReason) => void;
  #context!: Context;
  #timer: Timer | undefined;
  /** Ends the preparations early. */
  #callOff: ((reason: EndReason) => void) | undefined;
  #presentation: Presentation | undefined;
  #received: Message | undefined;
  #payloadOfPeer: Uint8Array | undefined;
  #verdict: Promise<void> | undefined;
  #isEnded = false;
  #cause: unknown;
  #handshake: Side | undefined;
  #peer: Peer | undefined;
  #ownHash: Uint8Array | undefined;
  #decryptor: Decryptor | undefined;
  #encryptor: Encryptor | undefined;
  #liveness: Liveness | undefined;
  #unwatchEncryptor: (() => void) | undefined;
  #unsubscribe: (() => void) | undefined;
  #unsubscribeRevocations: (() => void) | undefined;
  #presented: Uint8Array | undefined;
  #revocationAskedAtMs = 0;
  #encryptorEnded: Promise<void> | undefined;

  protected constructor(node: Node, setup: ChannelSetup, flow: Flow, remoteRoute: Route, events: ChannelEvents) {
    this.node = node;
    this.#setup = setup;
    this.flow = flow;
    this.remoteRoute = remoteRoute;
    this.#events = events;
    this.remoteAddress = node.newAddress();
    this.#internalAddress = node.newAddress();
    this.encryptorAddress = node.newAddress();
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  /** Puts it on the node. @throws {RuntimeError} `NODE_STOPPED` */
  begin(): void {
    const { flows } = this.node;
    this.node.start(this.remoteAddress, this, {
      cluster: this.#cluster,
      urgent: true, // what is inside is shed or not: a frame lost here would be missing in the channel
      also: [{ address: this.#internalAddress, incoming: allowNobody, outgoing: flows.controlOf(this.flow) }],
    });
    flows.addProducer(this.#internalAddress, this.flow, [this.encryptorAddress]);
  }

  /** Who is at the other end. @throws {ChannelError} `HANDSHAKE_ORDER` before that is known */
  get peer(): Identifier {
    return this.#known(this.#peer).identifier;
  }

  get hasHeard(): boolean {
    return this.#liveness?.hasHeard === true;
  }

  get unansweredMs(): number | undefined {
    return this.#liveness?.unansweredMs;
  }

  async onStart(context: Context): Promise<void> {
    this.#context = context;
    const calledOff = await this.#prepared();
    if (calledOff === undefined) this.startLifecycle();
    else this.#end(calledOff);
  }

  onMessage(message: Message, context: Context): void | Promise<void> {
    if (this.#isEnded) return context.giveUp(message, 'stopped');
    if (message.onward.length !== 1) return context.giveUp(message, 'refused');
    if (this.#decryptor !== undefined) return this.#decryptor.open(message);
    this.#received = message;
    this.tell('message.received');
    this.#received = undefined;
    const verdict = this.#verdict;
    this.#verdict = undefined;
    return verdict;
  }

  /** Waits until the encryptor has said Close. */
  onStop(): Promise<void> | undefined {
    this.tell('stop.requested');
    this.#end('stopped'); // of what had not begun
    return this.#encryptorEnded;
  }

  /** Ends it: what waits is sent first, then Close. Resolves when it is gone; at once when it is gone already. */
  stop(): Promise<void> {
    this.#callOff?.('stopped');
    return this.node.stopWorker(this.remoteAddress).catch(() => undefined);
  }

  /** Sends from now on by another way. @returns whether the other end answered by it within the time */
  reroute(toNode: Route, timeoutMs: number): Promise<boolean> {
    const encryptor = this.#encryptor;
    if (encryptor === undefined || this.#liveness === undefined || this.#isEnded) return Promise.resolve(false);
    encryptor.remoteRoute = toNode.concat(Route.of([encryptor.remoteRoute.recipient])).owned();
    this.admitAnswers(encryptor.remoteRoute);
    return this.#liveness.answersWithin(timeoutMs);
  }

  /** There is reason to doubt that the other end is still there: it has a few seconds to show itself. */
  examine(): void {
    this.#liveness?.examine();
  }

  /** Tells the machine of this end. Before its start and after its final state nothing is listened to. */
  protected abstract tell(fact: Fact): void;
  protected abstract startLifecycle(): void;
  protected abstract newHandshake(options: HandshakeOptions): Side;
  /** It knows the way to the other end; the other end learns its way from what it sends. */
  protected abstract readonly isInitiator: boolean;

  /** The handshake that is going on. */
  protected get handshake(): Side {
    return this.#known(this.#handshake);
  }

  protected ownPayload(): Uint8Array {
    return encodeIdentityAndCredentials(this.#known(this.#presentation));
  }

  protected sendHandshake(bytes: Uint8Array): void {
    this.#context.forward(new Message(this.remoteRoute, Route.of([this.remoteAddress]), bytes));
  }

  /**
   * Sends the last message of a handshake, and again while nothing comes back: it is never acknowledged, so if it were lost
   * this end would count as open, and the other never open. A repeated one is no frame, and changes nothing.
   */
  protected sendLast(bytes: Uint8Array): void {
    const send = (againInMs: number): void => {
      if (this.#isEnded || this.hasHeard) return;
      this.sendHandshake(bytes);
      if (againInMs <= LAST_AGAIN_MS_MAX) this.#context.setTimer(againInMs, () => send(2 * againInMs));
    };
    send(LAST_AGAIN_MS);
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
      this.#fail(thrown);
    }
  }

  /**
   * Reads the handshake message that was received. One that is refused changes nothing: the genuine one is still awaited.
   * @param reading gives the peer's payload, if the message has one
   */
  protected read(reading: (message: Message) => Uint8Array | undefined, accepted: Fact, rejected: Fact): void {
    const message = this.#known(this.#received);
    try {
      this.#payloadOfPeer = reading(message);
    } catch (thrown) {
      this.#log('warn', 'channel.handshake.message.refused', errorFields(thrown));
      this.#context.giveUp(message, 'refused', thrown);
      return this.tell(rejected);
    }
    this.tell(accepted);
  }

  /** Performs what both machines order alike. */
  protected perform(effect: SharedEffect): void {
    switch (effect.type) {
      case 'startTimer':
        return; // it runs since the preparations began
      case 'stopTimer':
        return this.#timer?.cancel();
      case 'verifyPeer':
        this.#verdict = this.#verifyPeer();
        return;
      case 'openChannel':
        return this.#openChannel();
      case 'sendClose':
        return; // it is the last word of the encryptor, unless that was muted
      case 'abandonHandshake':
        return this.#end(effect.reason);
      case 'closeChannel':
        this.#stopEncryptor(effect.reason);
        return this.#end(effect.reason);
    }
  }

  /** A channel through another channel stops before it, so that its Close still gets through. */
  get #cluster(): string {
    for (const hop of this.remoteRoute) if (this.node.terminal(hop)?.peer !== undefined) return 'tunnels';
    return 'channels';
  }

  /** Gets ready what the handshake shows, within the time of the handshake. @returns why it was called off; undefined when all is there */
  #prepared(): Promise<EndReason | undefined> {
    return new Promise((resolve) => {
      this.#callOff = (reason) => {
        this.#callOff = undefined;
        resolve(reason);
      };
      this.#timer = this.#context.setTimer(this.#setup.handshakeTimeoutMs ?? HANDSHAKE_MS, () => {
        if (this.#callOff !== undefined) this.#callOff('timeout');
        else this.tell('timer.expired');
      });
      this.#prepare().then(
        () => {
          this.#callOff = undefined;
          resolve(undefined);
        },
        (thrown: unknown) => {
          this.#cause = thrown;
          this.#log('warn', 'channel.failed', errorFields(thrown));
          resolve('failed');
        },
      );
    });
  }

  async #prepare(): Promise<void> {
    const { identity, credential } = this.#setup;
    await this.#turn();
    if (this.#callOff === undefined) return; // given up meanwhile: a flood costs no keys
    const { latest } = await identity.history();
    this.#presented = await credential?.retrieve();
    const { key, ...presentation } = await identity.present(this.#presented === undefined ? [] : [this.#presented]);
    this.#ownHash = latest.hash.slice();
    this.#presentation = presentation;
    this.#handshake = this.newHandshake({ crypto: identity.crypto, random: this.node.random, staticKey: key });
  }

  async #verifyPeer(): Promise<void> {
    const { identity, trust, authorities = [], allowSelf = false, revocations } = this.#setup;
    await this.#turn();
    try {
      const presented = decodeIdentityAndCredentials(this.#known(this.#payloadOfPeer));
      if (presented.credentials.length > 0) await revocations?.whenCurrent();
      const staticKey = this.#known(this.#handshake?.remoteStaticKey);
      const peer = await identity.verifyPeer(presented, staticKey, { trust, authorities, isRevoked: this.#isRevoked });
      if (peer.identifier === identity.identifier && !allowSelf) {
        throw new ChannelError('PEER_REFUSED', 'The other end has our own identity. Say allowSelf if that is meant.');
      }
      for (const refusal of peer.refusals) this.#log('warn', 'channel.credential.refused', errorFields(refusal));
      const { identifier, history, credentials } = peer;
      const facts = this.#factsOf(credentials);
      // It may have been revoked while it was remembered.
      if (facts.some((each) => revocations?.isRevoked(each))) throw new ChannelError('PEER_REFUSED', 'The credential was just revoked.');
      this.#peer = { identifier, changeHash: history.latest.hash.slice(), credentials: credentials.map(held), facts };
    } catch (thrown) {
      this.#cause = thrown;
      this.#log('warn', 'channel.peer.refused', errorFields(thrown));
      this.tell('peer.refused');
      return;
    }
    this.tell('peer.accepted');
  }

  #openChannel(): void {
    const { crypto } = this.#setup.identity;
    const keys = this.handshake.finish();
    this.#handshake = undefined; // its secrets are let go
    const opener = new FrameOpener(crypto, keys.decryptKey);
    const encryptor = new Encryptor(new FrameSealer(crypto, keys.encryptKey), this.remoteRoute.owned(), (thrown) => this.#fail(thrown));
    this.node.start(this.encryptorAddress, encryptor, { cluster: this.#cluster, terminal: { peer: this.peer } });
    this.#encryptor = encryptor;
    this.#unwatchEncryptor = this.node.watch(this.encryptorAddress, () => this.tell('stop.requested'));
    const actions = {
      probe: (id: number) => encryptor.say(encodeProbe(this.remoteAddress, id)),
      outOfWindowRun: () => opener.outOfWindowRun,
      onLost: () => this.tell('peer.lost'),
      onTick: () => this.#askForRevocation(),
    };
    const liveness = new Liveness(this.#context, actions, this.isInitiator);
    encryptor.onTraffic = () => liveness.frameSent();
    this.#liveness = liveness;
    this.#decryptor = new Decryptor(
      {
        context: this.#context,
        opener,
        encryptor,
        encryptorAddress: this.encryptorAddress,
        remoteAddress: this.remoteAddress,
        internalAddress: this.#internalAddress,
        flow: this.flow,
        liveness,
        followsPeer: !this.isInitiator,
        onRefresh: (message) => this.#refreshPeer(message),
        onClose: () => this.tell('close.received'),
      },
      this.#infoOfPeer(),
    );
    this.#presentation = undefined;
    this.#payloadOfPeer = undefined;
    this.#unsubscribe = this.#setup.credential?.subscribe(() => void this.#presentNewer());
    this.#unsubscribeRevocations = this.#setup.revocations?.onRevoked(() => this.#endIfRevoked());
    this.#log('info', 'channel.open');
    this.#tellCredentials();
    this.#events.onOpen(this);
  }

  #infoOfPeer() {
    const { identifier, credentials } = this.#known(this.#peer);
    return peerInfo({ identifier, credentials, clock: this.node.clock });
  }

  #tellCredentials(): void {
    const { identifier, credentials, facts } = this.#known(this.#peer);
    this.#setup.onCredentials?.({ identifier, credentials, facts });
  }

  /** The peer has a newer history or credential. What does not hold changes nothing. Source: identity.md 6.5 */
  async #refreshPeer(presented: RefreshCredentialsMessage): Promise<void> {
    const { identity, trust, authorities = [] } = this.#setup;
    const peer = this.#known(this.#peer);
    await this.#turn();
    try {
      const { credentials, refusals } = await identity.refreshPeer(
        peer.identifier,
        presented,
        [...trust.authorities, ...authorities],
        this.#isRevoked,
      );
      for (const refusal of refusals) this.#log('warn', 'channel.credential.refused', errorFields(refusal));
      if (credentials.length === 0 || this.#decryptor === undefined) return;
      const issuers = new Set(credentials.map(({ issuer }) => issuer));
      peer.credentials = [...peer.credentials.filter(({ issuer }) => !issuers.has(issuer)), ...credentials.map(held)];
      peer.facts = [...peer.facts.filter(({ issuer }) => !issuers.has(issuer)), ...this.#factsOf(credentials)];
      if (this.#endIfRevoked()) return;
      this.#decryptor.info = [this.#infoOfPeer()];
      this.#tellCredentials();
    } catch (thrown) {
      this.#log('warn', 'channel.refresh.refused', errorFields(thrown));
    }
  }

  readonly #isRevoked = (credential: VerifiedCredential): boolean =>
    this.#setup.revocations?.isRevoked(factsOf(this.#setup.identity.crypto, credential)) === true;

  #factsOf(credentials: readonly VerifiedCredential[]): readonly CredentialFacts[] {
    return this.#setup.revocations === undefined ? [] : credentials.map((each) => factsOf(this.#setup.identity.crypto, each));
  }

  #ownFacts(): readonly CredentialFacts[] {
    if (this.#presented === undefined) return [];
    const credential = decodeCredential(this.#presented);
    const subject = this.#setup.identity.identifier;
    return [factsOf(this.#setup.identity.crypto, { ...credential, subject, issuer: credential.issuerKey.subject })];
  }

  /**
   * What either end was let in with, or uses by now, is void: it comes again with another credential, or not at all. Our own counts,
   * too, since what the other end says of it may not reach us any more. Source: decisions.md D6
   */
  #endIfRevoked(): boolean {
    const { revocations } = this.#setup;
    const facts = [...(this.#peer?.facts ?? []), ...this.#ownFacts()];
    if (this.#isEnded || revocations === undefined || !facts.some((each) => revocations.isRevoked(each))) return false;
    this.#log('warn', 'channel.credential.revoked');
    this.tell('peer.lost');
    return true;
  }

  /** Presents a credential that is newer than the one shown last. Source: identity.md 6.8 */
  async #presentNewer(): Promise<void> {
    try {
      const credential = await this.#setup.credential?.retrieve();
      const history = await this.#setup.identity.exportHistory();
      if (credential === undefined || this.#isEnded || sameBytes(credential, this.#presented)) return;
      const isSent = this.#encryptor?.say(encodeRefreshCredentials(history, [credential]), Route.of([this.encryptorAddress]));
      if (isSent === true) this.#presented = credential;
      else this.#log('warn', 'channel.credential.unsent');
    } catch (thrown) {
      this.#log('warn', 'channel.credential.missing', errorFields(thrown));
    }
  }

  /** A key that was revoked since the handshake ends the channel. Source: decisions.md B13 */
  #askForRevocation(): void {
    const nowMs = this.node.clock.monotonicMs();
    if (nowMs - this.#revocationAskedAtMs < REVOCATION_MS) return;
    this.#revocationAskedAtMs = nowMs;
    this.#hasRevokedKey().then(
      (isRevoked) => {
        if (!isRevoked || this.#isEnded) return;
        this.#log('warn', 'channel.key.revoked');
        this.tell('peer.lost');
      },
      (thrown: unknown) => this.#log('warn', 'channel.revocation.unknown', errorFields(thrown)),
    );
  }

  async #hasRevokedKey(): Promise<boolean> {
    const { identity } = this.#setup;
    const peer = this.#known(this.#peer);
    if (await identity.hasRevoked(peer.identifier, peer.changeHash)) return true;
    return identity.hasRevoked(identity.identifier, this.#known(this.#ownHash));
  }

  /** Our own failure. */
  #fail(thrown: unknown): void {
    this.#cause = thrown;
    this.#log('warn', 'channel.failed', errorFields(thrown));
    this.tell('channel.failed');
  }

  #stopEncryptor(reason: EndReason): void {
    this.#unwatchEncryptor?.();
    if (this.#encryptor !== undefined && (reason === 'peerClosed' || reason === 'failed')) this.#encryptor.isMute = true;
    this.#encryptorEnded = this.node.stopWorker(this.encryptorAddress).catch(() => undefined); // It may have been the first to go.
  }

  #end(reason: EndReason): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#timer?.cancel();
    this.#liveness?.stop();
    this.#unsubscribe?.();
    this.#unsubscribeRevocations?.();
    this.#decryptor = undefined;
    this.#presentation = undefined;
    this.#payloadOfPeer = undefined;
    this.#log('info', 'channel.ended', { reason });
    this.#settleClosed(reason);
    this.#events.onEnd(reason, this.#cause);
    this.#context.stop();
  }

  /** Gives the event loop a turn before what takes milliseconds, so that however many of those come they stop nobody else. */
  #turn(): Promise<void> {
    return new Promise((resolve) => this.node.clock.yield(resolve));
  }

  #known<Value>(value: Value | undefined): Value {
    if (value === undefined) throw new ChannelError('HANDSHAKE_ORDER', 'The handshake has not come so far.');
    return value;
  }

  #log(level: LogLevel, event: string, fields: Parameters<Node['logger']['log']>[2] = {}): void {
    this.node.logger.log(level, event, { address: this.remoteAddress.toString(), peer: this.#peer?.identifier, ...fields });
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

function held({ issuer, attributes, createdAt, expiresAt }: VerifiedCredential): HeldCredential {
  return { issuer, attributes, createdAt, expiresAt };
}

function sameBytes(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other?.length === one.length && one.every((byte, index) => byte === other[index]);
}
