import type { Identifier } from '../../identities/identifier.ts';
import { MemorySubjects, type SubjectFacts, type Subjects } from '../../policies/subjects.ts';
import type { Clock, Timer } from '../../runtime/clock.ts';
import { type Logger, silentLogger } from '../../runtime/logger.ts';
import type { PresentedCredentials } from '../secure-channel/channel.worker.ts';
import type { HeldCredential } from '../secure-channel/local-info.ts';
import type { CredentialFacts, RevocationCheck } from '../secure-channel/revocation-check.ts';

export interface AttestedSubjectsOptions {
  /** The one authority of the node. What others attest is nothing to it. */
  readonly authority: Identifier;
  readonly clock: Clock;
  readonly logger?: Logger;
}

/** Wall time may jump, and a machine may sleep: so often it is looked at. An expiry has to show within 2 s (decisions.md D7). */
const LOOK_MS = 1_000;

/**
 * What policies know of subjects: what the node's authority attests, as channels verify it. Hand `learn` to every channel and
 * listener of the node as `onCredentials`. Facts are there before the first message of a channel, and gone when they expire or are
 * forgotten. Source: routing.md 8.8; reliability.md CR3
 */
export class AttestedSubjects implements Subjects {
  readonly authority: Identifier;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #subjects: MemorySubjects;
  readonly #createdAt = new WeakMap<SubjectFacts, number>();
  readonly #expiries = new Map<string, number>();
  /** What facts stand on, where the channels tell of revocations. */
  readonly #standOn = new Map<string, CredentialFacts>();
  #timer: Timer | undefined;

  constructor({ authority, clock, logger = silentLogger }: AttestedSubjectsOptions) {
    this.authority = authority;
    this.#clock = clock;
    this.#logger = logger;
    this.#subjects = new MemorySubjects(logger);
    this.#subjects.onChanged((identifier) => {
      if (this.#subjects.factsOf(identifier) === undefined) {
        this.#expiries.delete(identifier);
        this.#standOn.delete(identifier);
      }
    });
  }

  /**
   * Takes what a peer was just proved to hold. Of two credentials the one that was issued later counts, whichever came first: an
   * older one that is shown again brings nothing back.
   */
  readonly learn = ({ identifier, credentials, facts: standOn = [] }: PresentedCredentials): void => {
    const newest = this.#newestOf(identifier, credentials);
    if (newest === undefined) return;
    const known = this.#subjects.factsOf(identifier);
    if (known !== undefined && (this.#createdAt.get(known) ?? 0) > newest.createdAt) return;
    const { attributes, expiresAt, createdAt } = newest;
    const facts: SubjectFacts = { attributes, expiresAt };
    this.#createdAt.set(facts, createdAt);
    this.#expiries.set(identifier, expiresAt);
    const credential = standOn.find((each) => each.issuer === this.authority && each.createdAt === createdAt);
    if (credential === undefined) this.#standOn.delete(identifier);
    else this.#standOn.set(identifier, credential);
    this.#subjects.set(identifier, facts);
    this.#timer ??= this.#clock.setTimer(LOOK_MS, this.#look);
  };

  /** As when what attested a subject was revoked: nothing is known of it until it presents a credential again. */
  forget(identifier: Identifier): void {
    this.#subjects.delete(identifier);
  }

  /** Forgets every subject of which nothing is known but by a credential that was revoked: its streams and relays end. Source: decisions.md D6 */
  forgetRevoked({ isRevoked }: { readonly isRevoked: RevocationCheck['isRevoked'] }): void {
    for (const [identifier, credential] of [...this.#standOn]) if (isRevoked(credential)) this.#subjects.delete(identifier);
  }

  factsOf(identifier: string): SubjectFacts | undefined {
    return this.#subjects.factsOf(identifier);
  }

  onChanged(listener: (identifier: string) => void): () => void {
    return this.#subjects.onChanged(listener);
  }

  /** Looks at the clock no more. What it knows stays until then. */
  close(): void {
    this.#timer?.cancel();
  }

  #newestOf(peer: Identifier, credentials: readonly HeldCredential[]): HeldCredential | undefined {
    const nowSeconds = this.#clock.wallSeconds();
    let newest: HeldCredential | undefined;
    for (const held of credentials) {
      if (held.issuer !== this.authority) continue;
      if (held.expiresAt <= nowSeconds) this.#logExpired(peer, nowSeconds - held.expiresAt);
      else if (newest === undefined || held.createdAt > newest.createdAt) newest = held;
    }
    return newest;
  }

  /** It verifies until its last second is over, and attests nothing from that second on. */
  #logExpired(peer: Identifier, seconds: number): void {
    const reason = `The credential expired ${seconds} s ago by the clock of this machine: get a new one, or compare both clocks.`;
    this.#logger.log('warn', 'subject.credential.expired', { peer, code: 'CREDENTIAL_EXPIRED', reason });
  }

  readonly #look = (): void => {
    const nowSeconds = this.#clock.wallSeconds();
    for (const [identifier, expiresAt] of [...this.#expiries]) if (expiresAt <= nowSeconds) this.#subjects.delete(identifier);
    this.#timer = this.#expiries.size === 0 ? undefined : this.#clock.setTimer(LOOK_MS, this.#look);
  };
}
