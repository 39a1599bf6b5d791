import { type AccessControl, allowEveryone } from '../../runtime/access-control.ts';
import { Address } from '../../runtime/address.ts';
import type { Timer } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';
import { errorFields } from '../../runtime/logger.ts';
import { Message } from '../../runtime/message.ts';
import type { HasFlow, Node, PublishOptions } from '../../runtime/node.ts';
import { randomName } from '../../runtime/random.ts';
import { ADDRESS_BYTES_MAX } from '../../runtime/route.ts';
import type { Worker } from '../../runtime/worker.ts';
import { peerOf } from '../secure-channel/local-info.ts';
import { Introductions } from './introductions.ts';
import { rightTo } from './ownership.ts';
import { decodeRegistration, EPHEMERAL_SERVICE, NAMED_SERVICE, RELAY_PREFIX } from './relay-message.ts';
import { RelayWorker } from './relay.worker.ts';

/** How long a holder that is pinged for its name may take to answer. Source: decisions.md B10 */
export const HOLDER_ANSWER_MS = 5_000;
/** How long a relay whose client is gone keeps its address, so that it can be taken up again at once. Our choice. */
export const RELAY_KEPT_MS = 60_000;
/** Source: reliability.md RT10 */
const RELAYS_PER_OWNER_MAX = 100;
/** Identities and connections cost nothing, so all owners together have a bound too. Our choice. */
const RELAYS_MAX = 10_000;

/** Somebody asks for a relay. */
export interface Registration {
  /** Without prefix; whatever text the client sent. */
  readonly name: string;
  /** The identity it comes from, when it came through a secure channel. */
  readonly peer: string | undefined;
  readonly message: Message;
}

export interface RelayServiceOptions {
  /** By which ways it may be reached, and its relays too. */
  readonly on: HasFlow | readonly HasFlow[];
  /** Who may register. A relay ends with it, when it can tell: see `AccessControl.watch`. */
  readonly allow: AccessControl;
  /** Who may send through the relays. Default: everyone; the ends protect themselves. Source: routing.md 5.4 */
  readonly allowTraffic?: AccessControl;
  /** Stands before each name. Default: `forward_to_`. */
  readonly prefix?: string;
  /** Per identity, or per connection for plain registrations. Default: 100. */
  readonly relaysPerOwnerMax?: number;
  /** In all. When there are so many, the one whose client is gone longest makes room. Default: 10,000. */
  readonly relaysMax?: number;
  /** Decides about each registration that `allow` lets in. Default: all may. */
  readonly mayRegister?: (registration: Registration) => boolean;
  /** Watches over the permission of a relay's owner: the relay ends when that does. @returns how to end it. Source: decisions.md B10 */
  readonly watchOwner?: (registration: Registration, onLost: () => void) => () => void;
  /** Who may take any name. Default: nobody. */
  readonly isAdministrator?: (registration: Registration) => boolean;
}

export interface RelayService {
  /** The addresses of its relays, those included whose client is gone. */
  readonly relays: readonly Address[];
  /** Ends the service and its relays. */
  close(): Promise<void>;
}

/**
 * Starts a relay service at `forwarding_service` and `static_forwarding_service`: whoever registers gets an address on this
 * node that leads to its own. What it refuses is not answered; it becomes a dead letter `refused` and a line in the log.
 * @throws {RuntimeError} `ADDRESS_IN_USE`
 * Source: routing.md 5; decisions.md B10
 */
export function relayService(node: Node, options: RelayServiceOptions): RelayService {
  const service = new RelayServiceWorker(node, options);
  node.start(EPHEMERAL_SERVICE, service, { also: [{ address: NAMED_SERVICE }] });
  node.publish(EPHEMERAL_SERVICE, options);
  node.publish(NAMED_SERVICE, options);
  return service;
}

/** Another party asks for a name that is taken, and its holder has to show that it lives. */
interface Challenge {
  registration: Registration;
  readonly call: AbortController;
}

interface Entry {
  readonly worker: RelayWorker;
  peer: string | undefined;
  ownerKey: string;
  hasAnswered: boolean;
  /** Of the client's connection or channel, and of what its owner is permitted. */
  unwatch: () => void;
  challenge: Challenge | undefined;
  /** Runs while the client is gone. */
  removal: Timer | undefined;
  /** Set while its worker ends. */
  ending: Promise<void> | undefined;
  /** Calls off the ping that follows a registration. */
  greeting: AbortController | undefined;
}

class RelayServiceWorker implements Worker, RelayService {
  readonly #node: Node;
  readonly #options: RelayServiceOptions;
  readonly #traffic: PublishOptions;
  readonly #prefix: string;
  readonly #perOwnerMax: number;
  readonly #max: number;
  readonly #introductions: Introductions;
  readonly #entries = new Map<string, Entry>();
  /** Those whose client is gone, the longest first. */
  readonly #clientless = new Set<Entry>();
  readonly #counts = new Map<string, number>();
  #context!: Context;

  constructor(node: Node, options: RelayServiceOptions) {
    this.#node = node;
    this.#options = options;
    this.#introductions = new Introductions(node);
    this.#traffic = { on: options.on, allow: options.allowTraffic ?? allowEveryone };
    this.#prefix = options.prefix ?? RELAY_PREFIX;
    this.#perOwnerMax = options.relaysPerOwnerMax ?? RELAYS_PER_OWNER_MAX;
    this.#max = options.relaysMax ?? RELAYS_MAX;
  }

  get relays(): readonly Address[] {
    return [...this.#entries.values()].map(({ worker }) => worker.address);
  }

  onStart(context: Context): void {
    this.#context = context;
  }

  onMessage(message: Message): void {
    const asked = decodeRegistration(message.payload);
    if (asked === undefined) return this.#refuse(message, 'this is no registration');
    // With nobody behind the connection it came by, its relay would be a hop to wherever a stranger likes.
    const wayBackMin = message.flow === undefined ? 1 : 2;
    if (message.returnRoute.length < wayBackMin) return this.#refuse(message, 'there is no way back');
    const name = asked.name ?? randomName(this.#node.random);
    const registration = { name, peer: peerOf(message), message };
    if (this.#options.mayRegister?.(registration) === false) return this.#refuse(message, 'not permitted');
    this.#register(registration);
  }

  async onStop(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => this.#remove(entry, 'the service ends')));
  }

  close(): Promise<void> {
    return this.#node.stopWorker(EPHEMERAL_SERVICE).catch(() => undefined);
  }

  #register(registration: Registration): void {
    const { message, name, peer } = registration;
    // A name is never parsed: a `#` in it means nothing.
    const address = Address.local(this.#prefix + name);
    if (name === '' || address.value.length > ADDRESS_BYTES_MAX) return this.#refuse(message, 'the name is too short or too long');
    const entry = this.#entries.get(address.key);
    if (entry === undefined) return this.#begin(address, registration);
    if (entry.ending !== undefined) {
      const kept = keptOf(registration);
      void entry.ending.then(() => this.#context.enter(() => this.#register(kept)));
      return;
    }
    const isAdministrator = this.#options.isAdministrator?.(registration) === true;
    const { toNode } = entry.worker;
    const holding = { peer: entry.peer, isConnected: toNode !== undefined, hasAnswered: entry.hasAnswered };
    const isSameWay = toNode?.equals(message.returnRoute.withoutLast) === true;
    switch (rightTo({ peer, isAdministrator }, holding, isSameWay)) {
      case 'replace':
        return this.#hand(entry, registration);
      case 'askHolder':
        return this.#challenge(entry, registration);
      case 'refuse':
        return this.#refuse(message, 'the name is taken');
    }
  }

  #begin(address: Address, registration: Registration): void {
    const ownerKey = ownerOf(registration);
    if (!this.#mayOwnMore(ownerKey) || !this.#hasRoom()) return this.#refuse(registration.message, 'too many relays');
    const worker = new RelayWorker(address, this.#introductions);
    try {
      this.#node.start(address, worker, worker.options);
      this.#node.publish(address, this.#traffic);
    } catch (thrown) {
      this.#node.logger.log('debug', 'relay.start.failed', errorFields(thrown));
      return this.#refuse(registration.message, 'the address is taken');
    }
    const entry: Entry = {
      worker,
      peer: undefined,
      ownerKey,
      hasAnswered: false,
      unwatch: () => undefined,
      challenge: undefined,
      removal: undefined,
      ending: undefined,
      greeting: undefined,
    };
    this.#entries.set(address.key, entry);
    this.#count(ownerKey, 1);
    this.#lead(entry, registration);
  }

  /** Gives a relay that exists to whoever registers now. */
  #hand(entry: Entry, registration: Registration): void {
    const ownerKey = ownerOf(registration);
    if (ownerKey !== entry.ownerKey && !this.#mayOwnMore(ownerKey)) return this.#refuse(registration.message, 'too many relays');
    if (entry.peer !== registration.peer) {
      entry.worker.withdraw();
      this.#log('relay.taken.over', entry, registration);
    }
    this.#count(entry.ownerKey, -1);
    this.#count(ownerKey, 1);
    entry.ownerKey = ownerKey;
    this.#leave(entry);
    this.#lead(entry, registration);
  }

  #lead(entry: Entry, registration: Registration): void {
    const toClient = registration.message.returnRoute.owned();
    entry.peer = registration.peer;
    entry.hasAnswered = false;
    entry.worker.lead(toClient);
    this.#log('relay.registered', entry, registration);
    const unwatchHop = this.#node.watch(toClient.next, () => this.#clientGone(entry));
    const unwatchOwner = this.#watchOwner(entry, registration);
    entry.unwatch = () => {
      unwatchHop();
      unwatchOwner();
    };
    if (entry.ending !== undefined) entry.unwatch(); // It was lost while we asked.
    if (entry.peer !== undefined) this.#greet(entry);
  }

  /** A relay ends when its owner may have it no more, and nothing passes from then on. Source: decisions.md B10 */
  #watchOwner(entry: Entry, registration: Registration): () => void {
    const kept = keptOf(registration);
    const onLost = () => {
      entry.worker.withdraw();
      this.#context.enter(() => void this.#remove(entry, 'its owner may have it no more'));
    };
    const { allow, watchOwner } = this.#options;
    const ends = [allow.watch?.(kept.message, onLost), watchOwner?.(kept, onLost)];
    return () => {
      for (const end of ends) end?.();
    };
  }

  /** Forgets what was under way with the client so far. */
  #leave(entry: Entry): void {
    entry.unwatch();
    this.#clientless.delete(entry);
    entry.removal?.cancel();
    entry.removal = undefined;
    entry.greeting?.abort();
    entry.greeting = undefined;
    const challenge = entry.challenge;
    entry.challenge = undefined;
    challenge?.call.abort();
    if (challenge !== undefined) this.#refuse(challenge.registration.message, 'the holder has registered anew');
  }

  /** The connection or channel of the client has ended: the next one permitted gets the name at once. */
  #clientGone(entry: Entry): void {
    entry.worker.retire();
    this.#clientless.add(entry);
    entry.greeting?.abort();
    entry.removal = this.#context.setTimer(RELAY_KEPT_MS, () => void this.#remove(entry, 'the client is gone'));
    entry.challenge?.call.abort();
  }

  #remove(entry: Entry, reason: string): Promise<void> {
    if (entry.ending !== undefined) return entry.ending;
    this.#leave(entry);
    entry.worker.retire();
    this.#count(entry.ownerKey, -1);
    entry.ending = this.#node
      .stopWorker(entry.worker.address)
      .catch(() => undefined)
      .then(() => {
        const { address } = entry.worker;
        this.#entries.delete(address.key);
        this.#node.logger.log('info', 'relay.removed', { relay: address.toString(), peer: entry.peer, reason });
      });
    return entry.ending;
  }

  /** Only a holder that has answered once is judged by its silence. Source: decisions.md B10 */
  #greet(entry: Entry): void {
    const greeting = new AbortController();
    entry.greeting = greeting;
    void entry.worker.answers({ timeoutMs: HOLDER_ANSWER_MS, signal: greeting.signal }).then((hasAnswered) => {
      if (entry.greeting !== greeting) return;
      entry.greeting = undefined;
      entry.hasAnswered = hasAnswered;
    });
  }

  #challenge(entry: Entry, registration: Registration): void {
    const kept = keptOf(registration);
    if (entry.challenge !== undefined) {
      this.#refuse(entry.challenge.registration.message, 'another one asks for the name');
      entry.challenge.registration = kept;
      return;
    }
    const challenge: Challenge = { registration: kept, call: new AbortController() };
    entry.challenge = challenge;
    void entry.worker.answers({ timeoutMs: HOLDER_ANSWER_MS, signal: challenge.call.signal }).then((hasAnswered) => {
      if (entry.challenge !== challenge) return;
      entry.challenge = undefined;
      this.#context.enter(() => {
        if (hasAnswered) this.#refuse(challenge.registration.message, 'the name is taken');
        else this.#hand(entry, challenge.registration);
      });
    });
  }

  #hasRoom(): boolean {
    if (this.#entries.size < this.#max) return true;
    const [longest] = this.#clientless;
    if (longest !== undefined) void this.#remove(longest, 'others need the room');
    return longest !== undefined;
  }

  #mayOwnMore(ownerKey: string): boolean {
    return (this.#counts.get(ownerKey) ?? 0) < this.#perOwnerMax;
  }

  #count(ownerKey: string, change: number): void {
    const count = (this.#counts.get(ownerKey) ?? 0) + change;
    if (count === 0) this.#counts.delete(ownerKey);
    else this.#counts.set(ownerKey, count);
  }

  #refuse(message: Message, why: string): void {
    this.#node.logger.log('warn', 'relay.refused', { why, peer: peerOf(message) });
    this.#context.giveUp(message, 'refused');
  }

  #log(event: string, { worker }: Entry, { peer }: Registration): void {
    this.#node.logger.log('info', event, { relay: worker.address.toString(), peer });
  }
}

/** A plain registration belongs to the connection it came by. */
function ownerOf({ peer, message }: Registration): string {
  return peer ?? `via ${message.returnRoute.next.key}`;
}

/** A registration that has to wait: it holds on to no bytes of the frame it came in. */
function keptOf({ name, peer, message }: Registration): Registration {
  const { onward, returnRoute, payload, localInfo, hops, flow, source } = message;
  const kept = new Message(onward.owned(), returnRoute.owned(), payload.slice(), localInfo, hops, flow);
  kept.source = source;
  return { name, peer, message: kept };
}
