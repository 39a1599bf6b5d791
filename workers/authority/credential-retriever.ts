import type { VerifiedCredential } from '../../identities/credential.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import type { IdentityRepository } from '../../identities/repository.ts';
import type { Timer } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/logger.ts';
import type { Node } from '../../runtime/node.ts';
import type { RouteOrWay } from '../../runtime/way.ts';
import type { CredentialSource } from '../secure-channel/credential-source.ts';
import { type CredentialFacts, factsOf, type RevocationCheck } from '../secure-channel/revocation-check.ts';
import { withAuthority } from './authority-client.ts';

/** No wait is longer: a machine that slept finds out soon. Source: decisions.md D7 */
const WAIT_MS_MAX = 60_000;
/** Or than this part of the life. */
const WAITS_PER_LIFE = 4;
/** A failure is never followed by another attempt at once. Our choice. */
const RETRY_MS_MIN = 1_000;
/** How often the wall clock is looked at, as it goes on while a machine sleeps and timers do not. Our choice. */
const LOOK_MS_MAX = 5_000;

export interface RetrieverOptions {
  readonly identity: Identity;
  readonly authority: Identifier;
  /** To the listener of the authority, last on the route or way. */
  readonly to: RouteOrWay;
  /** What it is for, as in `project-member-<id>`. */
  readonly scope: string;
  /** Where it is kept beyond this run. */
  readonly cache: IdentityRepository;
  /** What is known of credentials that were revoked: one's own that was is replaced at once. */
  readonly revocations?: RevocationCheck;
  /** For the channel, and for the answer. Default: 120 s. */
  readonly timeoutMs?: number;
}

/** Keeps a credential fresh for as long as it is not closed. */
export interface CredentialRetriever extends CredentialSource {
  /** Fetches a newer one now, as after a change of the own attributes. @throws what a failed fetch throws */
  refresh(): Promise<void>;
  close(): void;
}

interface Held {
  readonly bytes: Uint8Array;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly facts: CredentialFacts;
}

/**
 * Fetches the credential of an identity from its authority when it is first needed, and anew at half of its life; after a sleep
 * that outlasted it, at once. Whoever subscribed is told of each new one: live channels present it. A credential is presented
 * until it expires, whatever becomes of attempts to renew it.
 * @throws {ApiError, ChannelError, CredentialError} from `retrieve`, when there is none that holds and none can be fetched
 * Source: identity.md 4.5; decisions.md D7
 */
export function credentialRetriever(node: Node, options: RetrieverOptions): CredentialRetriever {
  return new Retriever(node, options);
}

class Retriever implements CredentialRetriever {
  readonly #node: Node;
  readonly #options: RetrieverOptions;
  readonly #subscribers = new Set<() => void>();
  readonly #closing = new AbortController();
  #held: Held | undefined;
  readonly #unsubscribe: (() => void) | undefined;
  #hasLookedInCache = false;
  #fetching: Promise<Held> | undefined;
  #timer: Timer | undefined;
  /** After a failure, no attempt in the background before this. */
  #notBeforeMs = 0;

  constructor(node: Node, options: RetrieverOptions) {
    this.#node = node;
    this.#options = options;
    this.#unsubscribe = options.revocations?.onRevoked(() => this.#replaceIfRevoked());
  }

  async retrieve(): Promise<Uint8Array> {
    const held = (await this.#current()) ?? (await this.#fetch());
    this.#look();
    return held.bytes;
  }

  subscribe(onNewer: () => void): () => void {
    this.#subscribers.add(onNewer);
    return () => this.#subscribers.delete(onNewer);
  }

  async refresh(): Promise<void> {
    await this.#fetch();
  }

  close(): void {
    this.#unsubscribe?.();
    this.#timer?.cancel();
    this.#closing.abort(new Error('The credential is not needed any more.'));
  }

  async #current(): Promise<Held | undefined> {
    if (!this.#hasLookedInCache) await this.#lookInCache();
    if (this.#held === undefined || this.#isRevoked(this.#held)) return undefined;
    return this.#nowSeconds < this.#held.expiresAt ? this.#held : undefined;
  }

  async #lookInCache(): Promise<void> {
    const { identity, authority, scope, cache } = this.#options;
    const cached = await cache.cachedCredential(identity.identifier, authority, scope, this.#nowSeconds);
    this.#hasLookedInCache = true;
    if (cached === undefined || this.#held !== undefined) return;
    try {
      this.#held = heldOf(
        identity,
        cached.credential,
        await identity.verifyCredential(cached.credential, [authority], identity.identifier),
      );
    } catch (thrown) {
      this.#node.logger.log('warn', 'credential.cached.refused', errorFields(thrown)); // The authority may have changed its key.
    }
  }

  #fetch(): Promise<Held> {
    this.#fetching ??= this.#fetchNow().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetchNow(): Promise<Held> {
    const { identity, authority, to, scope, cache, timeoutMs } = this.#options;
    const client = { identity, authority, to, signal: this.#closing.signal, ...(timeoutMs !== undefined && { timeoutMs }) };
    const bytes = await withAuthority(this.#node, client, (service) => service.credential());
    const held = heldOf(identity, bytes, await identity.verifyCredential(bytes, [authority], identity.identifier));
    this.#held = held;
    this.#hasLookedInCache = true;
    await cache.cacheCredential({ subject: identity.identifier, issuer: authority, scope, expiresAt: held.expiresAt, credential: bytes });
    this.#look();
    for (const tell of [...this.#subscribers]) tell();
    return held;
  }

  #isRevoked({ facts }: Held): boolean {
    return this.#options.revocations?.isRevoked(facts) === true;
  }

  /** Whoever is a member still gets another one: it is stamped later than what was revoked. */
  #replaceIfRevoked(): void {
    if (this.#held === undefined || !this.#isRevoked(this.#held)) return;
    this.#held = undefined;
    this.#fetch().catch((thrown: unknown) => this.#node.logger.log('warn', 'credential.revoked', errorFields(thrown)));
  }

  /** Renews when half of the life is over; else looks again later. */
  #look(): void {
    this.#timer?.cancel();
    const held = this.#held;
    if (held === undefined || this.#closing.signal.aborted) return;
    const { createdAt, expiresAt } = held;
    const waitMs = Math.min(WAIT_MS_MAX, Math.max(RETRY_MS_MIN, ((expiresAt - createdAt) * 1_000) / WAITS_PER_LIFE));
    const nowMs = this.#node.clock.monotonicMs();
    if (this.#nowSeconds >= createdAt + (expiresAt - createdAt) / 2 && nowMs >= this.#notBeforeMs && this.#fetching === undefined) {
      this.#notBeforeMs = nowMs + waitMs;
      this.#fetch().catch((thrown: unknown) => this.#node.logger.log('warn', 'credential.renewal.failed', errorFields(thrown)));
    }
    this.#timer = this.#node.clock.setTimer(Math.min(waitMs, LOOK_MS_MAX), () => this.#look());
  }

  get #nowSeconds(): number {
    return this.#node.clock.wallSeconds();
  }
}

function heldOf({ crypto }: Identity, bytes: Uint8Array, credential: VerifiedCredential): Held {
  const { createdAt, expiresAt } = credential;
  return { bytes, createdAt, expiresAt, facts: factsOf(crypto, credential) };
}
