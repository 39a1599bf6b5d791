import type { Attributes } from './attributes.ts';
import { compareHistories, type ChangeHistory } from './change-history.ts';
import { IdentityError } from './errors.ts';
import type { Identifier } from './identifier.ts';
import type { Purpose, PurposeKeyAttestation } from './purpose-key.ts';

/** What an authority says of a subject, as far as it was presented here. */
export interface SubjectAttributes {
  readonly subject: Identifier;
  readonly attributes: Attributes;
  /** The issuer of the credential. */
  readonly attestedBy: Identifier;
  /** Seconds since 1970. */
  readonly storedAt: number;
  /** Seconds since 1970; from this second on the attributes are gone. */
  readonly expiresAt: number;
}

/** A credential that was issued to one of our own identities, for use until it expires. */
export interface CachedCredential {
  readonly subject: Identifier;
  readonly issuer: Identifier;
  /** What it is for, as in `project-member-<id>`. */
  readonly scope: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** As `encodeCredential` wrote it. */
  readonly credential: Uint8Array;
}

/**
 * `strict`: what a peer presents, imports and rotations. `ignore-older`: identities of projects and authorities out of tickets,
 * which may be older than what is known by now. Source: identity.md 2.6
 */
export type HistoryRule = 'strict' | 'ignore-older';

/** Where a node remembers identities: in memory, or later in a database. */
export interface IdentityRepository {
  history(identifier: Identifier): Promise<ChangeHistory | undefined>;
  /**
   * Compares with the stored history and stores, in one transaction: of two forks offered at once one wins for good.
   * @param keep never forget it to make room: one's own identity, authorities
   * @throws {IdentityError} `HISTORY_OLDER`, `HISTORY_CONFLICT`; what is stored stays as it is
   */
  storeHistory(received: ChangeHistory, rule: HistoryRule, keep?: boolean): Promise<'stored' | 'updated' | 'unchanged'>;

  /** The attestation of one's own key, one for each identity and purpose. */
  attestation(subject: Identifier, purpose: Purpose): Promise<PurposeKeyAttestation | undefined>;
  /**
   * Replaces the one before.
   * @param found what was read before this one was made, as `attestation` gave it: when another one stands there by now, as of another
   * process with the same store, that one stays
   * @returns the one that stands
   */
  storeAttestation(
    attestation: PurposeKeyAttestation,
    found?: { readonly before: PurposeKeyAttestation | undefined },
  ): Promise<PurposeKeyAttestation>;

  /** Undefined when nothing is stored, someone else attested it, or `expiresAt <= nowSeconds`. Source: identity.md 4.4 */
  attributes(subject: Identifier, attestedBy: Identifier, nowSeconds: number): Promise<SubjectAttributes | undefined>;
  /** One entry is kept for a subject: whoever attested the one before, it is replaced. */
  storeAttributes(entry: SubjectAttributes): Promise<void>;

  /** Undefined when there is none or it has expired. */
  cachedCredential(subject: Identifier, issuer: Identifier, scope: string, nowSeconds: number): Promise<CachedCredential | undefined>;
  cacheCredential(entry: CachedCredential): Promise<void>;
}

/**
 * What the compare-and-store rule makes of a received history. Source: identity.md 2.6
 * @throws {IdentityError} `HISTORY_OLDER`, `HISTORY_CONFLICT`
 */
export function applyHistoryRule(
  received: ChangeHistory,
  known: ChangeHistory | undefined,
  rule: HistoryRule,
): 'stored' | 'updated' | 'unchanged' {
  if (known === undefined) return 'stored';
  const relation = compareHistories(received, known);
  switch (relation) {
    case 'equal':
      return 'unchanged';
    case 'newer':
      return 'updated';
    case 'older':
      if (rule === 'ignore-older') return 'unchanged';
      throw new IdentityError('HISTORY_OLDER', `A newer history of ${received.identifier} is known: someone presents an old copy.`);
    case 'conflict':
      throw new IdentityError('HISTORY_CONFLICT', `Another history of ${received.identifier} is known: its key was handed over twice.`);
  }
}

/** Strangers may present identities without end; beyond these numbers the least recently used entry is forgotten. */
export interface MemoryRepositoryLimits {
  /** Histories that are not kept for good; each has at most 64 changes. */
  readonly historiesMax?: number;
  readonly attributesMax?: number;
  readonly credentialsMax?: number;
}

export class MemoryIdentityRepository implements IdentityRepository {
  readonly #kept = new Map<Identifier, ChangeHistory>();
  readonly #histories: BoundedMap<Identifier, ChangeHistory>;
  readonly #attestations = new Map<string, PurposeKeyAttestation>();
  readonly #attributes: BoundedMap<Identifier, SubjectAttributes>;
  readonly #credentials: BoundedMap<string, CachedCredential>;

  constructor({ historiesMax = 4096, attributesMax = 4096, credentialsMax = 1024 }: MemoryRepositoryLimits = {}) {
    this.#histories = new BoundedMap(historiesMax);
    this.#attributes = new BoundedMap(attributesMax);
    this.#credentials = new BoundedMap(credentialsMax);
  }

  history(identifier: Identifier): Promise<ChangeHistory | undefined> {
    return Promise.resolve(this.#known(identifier));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what is thrown becomes a rejection
  async storeHistory(received: ChangeHistory, rule: HistoryRule, keep = false): Promise<'stored' | 'updated' | 'unchanged'> {
    const { identifier } = received;
    const known = this.#known(identifier);
    const outcome = applyHistoryRule(received, known, rule);
    const history = outcome === 'unchanged' ? (known ?? received) : received;
    if (keep || this.#kept.has(identifier)) {
      this.#kept.set(identifier, history);
      this.#histories.delete(identifier);
    } else {
      this.#histories.set(identifier, history);
    }
    return outcome;
  }

  attestation(subject: Identifier, purpose: Purpose): Promise<PurposeKeyAttestation | undefined> {
    return Promise.resolve(this.#attestations.get(`${subject} ${purpose}`));
  }

  storeAttestation(
    attestation: PurposeKeyAttestation,
    found?: { readonly before: PurposeKeyAttestation | undefined },
  ): Promise<PurposeKeyAttestation> {
    const key = `${attestation.subject} ${attestation.key.purpose}`;
    const standing = this.#attestations.get(key);
    if (found !== undefined && standing !== undefined && standing !== found.before) return Promise.resolve(standing);
    this.#attestations.set(key, attestation);
    return Promise.resolve(attestation);
  }

  attributes(subject: Identifier, attestedBy: Identifier, nowSeconds: number): Promise<SubjectAttributes | undefined> {
    const entry = this.#attributes.get(subject);
    if (entry !== undefined && entry.expiresAt <= nowSeconds) this.#attributes.delete(subject);
    else if (entry?.attestedBy === attestedBy) return Promise.resolve(entry);
    return Promise.resolve(undefined);
  }

  storeAttributes(entry: SubjectAttributes): Promise<void> {
    this.#attributes.set(entry.subject, entry);
    return Promise.resolve();
  }

  cachedCredential(subject: Identifier, issuer: Identifier, scope: string, nowSeconds: number): Promise<CachedCredential | undefined> {
    const key = cacheKey(subject, issuer, scope);
    const entry = this.#credentials.get(key);
    if (entry === undefined || entry.expiresAt > nowSeconds) return Promise.resolve(entry);
    this.#credentials.delete(key);
    return Promise.resolve(undefined);
  }

  cacheCredential(entry: CachedCredential): Promise<void> {
    this.#credentials.set(cacheKey(entry.subject, entry.issuer, entry.scope), entry);
    return Promise.resolve();
  }

  #known(identifier: Identifier): ChangeHistory | undefined {
    return this.#kept.get(identifier) ?? this.#histories.get(identifier);
  }
}

/** Identifiers have one length, so the scope cannot run into them. */
const cacheKey = (subject: Identifier, issuer: Identifier, scope: string) => `${subject} ${issuer} ${scope}`;

/** A Map that forgets the entry that was not used for the longest time. */
class BoundedMap<Key, Value> {
  readonly #entries = new Map<Key, Value>();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.#touch(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    this.#touch(key, value);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#entriesMax) return;
      this.#entries.delete(oldest);
    }
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  #touch(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
  }
}
