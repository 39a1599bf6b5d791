import type { Clock } from '../runtime/clock.ts';
import { PosternError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import type { Attributes } from './attributes.ts';
import { equalBytes } from './bytes.ts';
import {
  createChangeHistory,
  exportChangeHistory,
  IDENTITY_LIFE_SECONDS,
  importChangeHistory,
  revokesKeysMadeUnder,
  rotateChangeHistory,
  type ChangeHistory,
} from './change-history.ts';
import { decodeCredential, encodeCredential, signCredential, verifyCredential, type VerifiedCredential } from './credential.ts';
import type { CryptoProvider, X25519SecretKey } from './crypto.ts';
import { CredentialError, IdentityError } from './errors.ts';
import type { Identifier } from './identifier.ts';
import { nodeCrypto } from './node-crypto.ts';
import {
  attestPurposeKey,
  decodePurposeKeyAttestation,
  encodePurposeKeyAttestation,
  verifyPurposeKeyAttestation,
  type PurposeKeyAttestation,
} from './purpose-key.ts';
import { applyHistoryRule, MemoryIdentityRepository, type HistoryRule, type IdentityRepository } from './repository.ts';
import type { SigningKeyKind } from './signature.ts';
import { CLOCK_DRIFT_SECONDS_MAX } from './signed-data.ts';
import { decodeStatement, signStatement, type StatementType, verifyStatement } from './statement.ts';
import type { TrustPolicy } from './trust.ts';
import { SoftwareVault, type Vault } from './vault.ts';

export interface IdentityOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** In memory by default. */
  readonly vault?: Vault;
  /** In memory by default. */
  readonly repository?: IdentityRepository;
  /** OpenSSL by default. */
  readonly crypto?: CryptoProvider;
}

/** How a key of an identity is made. */
export interface KeyOptions {
  /** Ed25519 by default. */
  readonly keyKind?: SigningKeyKind;
  /** For how long the key vouches for purpose keys; 10 times 365 days by default. */
  readonly lifeSeconds?: number;
}

/** What a channel end shows of itself; each part is one CBOR item. Source: identity.md 5.4 */
export interface Presentation {
  readonly changeHistory: Uint8Array;
  readonly purposeKeyAttestation: Uint8Array;
  readonly credentials: readonly Uint8Array[];
}

/** Whether a credential that holds otherwise is void by what its authority said later. */
export type IsRevoked = (credential: VerifiedCredential) => boolean;

/** A peer that was verified and trusted. */
export interface VerifiedPeer {
  readonly identifier: Identifier;
  readonly history: ChangeHistory;
  readonly credentials: readonly VerifiedCredential[];
  /** Why other credentials it presented do not count, for the log: they do not fail the handshake. */
  readonly refusals: readonly PosternError[];
}

/**
 * Makes a new identity with a key of its own.
 * @throws {IdentityError} `HISTORY_INVALID` for a negative life
 */
export async function createIdentity(options: IdentityOptions & KeyOptions): Promise<Identity> {
  const parts = withDefaults(options);
  const key = await parts.vault.generateSigningKey(options.keyKind ?? 'ed25519');
  const history = await createChangeHistory(parts.crypto, parts.vault, key, window(parts.clock.wallSeconds(), options.lifeSeconds));
  await parts.repository.storeHistory(history, 'strict', true);
  return new Identity(history.identifier, parts);
}

/**
 * Takes up an identity whose present key is in the vault.
 * @param history as `exportHistory` gave it
 * @throws {IdentityError} as `importChangeHistory`; `HISTORY_OLDER`, `HISTORY_CONFLICT`; `SECRET_MISMATCH` when the vault lacks its key
 * Source: identity.md 2.4
 */
export async function openIdentity(history: Uint8Array, options: IdentityOptions): Promise<Identity> {
  const parts = withDefaults(options);
  const own = importChangeHistory(parts.crypto, history);
  const { identifier, latest } = own;
  if (!(await parts.vault.hasSigningKey(latest.primaryKey)))
    throw new IdentityError('SECRET_MISMATCH', `The vault does not hold the present key of ${identifier}.`);
  await parts.repository.storeHistory(own, 'strict', true);
  return new Identity(identifier, parts);
}

type Parts = Required<IdentityOptions>;

/** One's own identity: proves who we are, vouches for keys and subjects, and checks others against what is known of them. */
export class Identity {
  readonly identifier: Identifier;
  readonly #parts: Parts;
  /** The channel key in use; checked against clock and history each time. */
  #channelKey: { attestation: PurposeKeyAttestation; key: X25519SecretKey } | undefined;

  /** Use `createIdentity` or `openIdentity`. */
  constructor(identifier: Identifier, parts: Parts) {
    this.identifier = identifier;
    this.#parts = parts;
  }

  /** The primitives this identity uses; its channels use the same. */
  get crypto(): CryptoProvider {
    return this.#parts.crypto;
  }

  /** The changes of this identity's key up to now. */
  history(): Promise<ChangeHistory> {
    return this.#knownHistory(this.identifier);
  }

  /** The public proof of this identity, to give to anyone: 128 bytes before the first rotation of an Ed25519 key. */
  async exportHistory(): Promise<Uint8Array> {
    return exportChangeHistory(await this.history());
  }

  /**
   * Hands the identity over to a new key and forgets the old one. Purpose keys and the credentials signed with them are void
   * from here on for everyone who sees the new history; with `revokePurposeKeys`, live channels on older keys close too.
   * @returns whether the old key is gone from the vault: the rotation stands even when it could not be deleted
   * @throws {IdentityError} `HISTORY_TOO_LONG` after 63 rotations; `HISTORY_CONFLICT` when it was rotated elsewhere meanwhile
   */
  async rotate({ revokePurposeKeys = false, ...options }: KeyOptions & { readonly revokePurposeKeys?: boolean } = {}): Promise<boolean> {
    const { crypto, vault, repository, clock } = this.#parts;
    const history = await this.history();
    const { latest } = history;
    const key = await vault.generateSigningKey(options.keyKind ?? latest.primaryKey.kind);
    // A clock that went back must not make the window go back: nobody would take the new history.
    const from = Math.max(clock.wallSeconds(), latest.attestationsValidFrom);
    try {
      const terms = { ...window(from, options.lifeSeconds), revokesPurposeKeys: revokePurposeKeys };
      await repository.storeHistory(await rotateChangeHistory(crypto, vault, history, key, terms), 'strict', true);
    } catch (cause) {
      await vault.deleteSigningKey(key);
      throw cause;
    }
    return vault.deleteSigningKey(latest.primaryKey).catch(() => false);
  }

  /**
   * The static key of this identity's channels with the attestation that it is ours; both are made anew when the ones before
   * have expired or the identity was rotated.
   * @throws {IdentityError} `PURPOSE_KEY_EXPIRED` when the window of the identity is over: rotate it
   */
  async secureChannelKey(): Promise<{ attestation: Uint8Array; key: X25519SecretKey }> {
    const { attestation, key } = await this.#currentChannelKey(await this.history());
    return { attestation: encodePurposeKeyAttestation(attestation), key };
  }

  /** What to show a peer in a handshake. @param credentials as `issueCredential` gave them; one at most, of an authority the peer knows */
  async present(credentials: readonly Uint8Array[] = []): Promise<Presentation & { readonly key: X25519SecretKey }> {
    const history = await this.history();
    const { attestation, key } = await this.#currentChannelKey(history);
    const purposeKeyAttestation = encodePurposeKeyAttestation(attestation);
    return { changeHistory: exportChangeHistory(history), purposeKeyAttestation, credentials, key };
  }

  /**
   * Vouches for attributes of a subject whose history is known here, as it is after a channel with it.
   * @param lifeSeconds cut at the end of this identity's window
   * @param needsHistory false lets the subject be one that is known by its identifier alone, as of somebody far away
   * @param createdAt seconds since 1970; now by default. An authority that revoked earlier ones stamps it later
   * @returns the credential with its purpose key, for the subject to present
   * @throws {IdentityError} `HISTORY_UNKNOWN`; `PURPOSE_KEY_EXPIRED` when the window of this identity is over
   * @throws {CredentialError} `ATTRIBUTE_RESERVED`, `ATTRIBUTE_LIMIT`
   * Source: identity.md 4.2
   */
  async issueCredential(
    subject: Identifier,
    attributes: Readonly<Record<string, string>>,
    {
      lifeSeconds,
      schema,
      createdAt = this.#parts.clock.wallSeconds(),
      needsHistory = true,
    }: { readonly lifeSeconds: number; readonly schema?: number; readonly createdAt?: number; readonly needsHistory?: boolean },
  ): Promise<Uint8Array> {
    const { crypto, vault, clock, repository } = this.#parts;
    const known = needsHistory ? await this.#knownHistory(subject) : await repository.history(subject);
    const issuerKey = await this.#credentialsKey(Math.min(createdAt, clock.wallSeconds()), createdAt + lifeSeconds);
    const terms = {
      attributes: new Map(Object.entries(attributes)),
      createdAt,
      expiresAt: Math.min(createdAt + lifeSeconds, issuerKey.expiresAt),
      ...(schema === undefined ? {} : { schema }),
    };
    return encodeCredential(await signCredential(crypto, vault, issuerKey, known ?? { identifier: subject }, terms));
  }

  /**
   * Signs a record with the key that signs credentials, so that whoever knows this identity's history can verify it.
   * @param until seconds since 1970: the key is one that lives as long, or as long as this identity lets it
   * @returns the statement with its purpose key
   * @throws {IdentityError} `PURPOSE_KEY_EXPIRED` when the window of this identity is over
   */
  async signStatement(type: StatementType, record: Uint8Array, until: number): Promise<Uint8Array> {
    const { crypto, vault, clock } = this.#parts;
    const now = clock.wallSeconds();
    return signStatement(crypto, vault, await this.#credentialsKey(now, until), type, record);
  }

  /** Believes a statement of a known identity or throws, as `verifyStatement`. @returns the record that was signed */
  async verifyStatement(type: StatementType, bytes: Uint8Array, issuer: Identifier): Promise<Uint8Array> {
    const { crypto, repository, clock } = this.#parts;
    const statement = decodeStatement(bytes);
    return verifyStatement(crypto, statement, type, issuer, await repository.history(issuer), clock.wallSeconds());
  }

  /** Whose history this is; nothing is remembered. @throws {IdentityError} as `importChangeHistory` */
  identifierIn(history: Uint8Array): Identifier {
    return importChangeHistory(this.#parts.crypto, history).identifier;
  }

  /** What that authority says of a subject, as far as it was presented here and has not expired. Source: identity.md 4.4 */
  async attributesOf(subject: Identifier, attestedBy: Identifier): Promise<Attributes | undefined> {
    const { repository, clock } = this.#parts;
    return (await repository.attributes(subject, attestedBy, clock.wallSeconds()))?.attributes;
  }

  /**
   * Remembers an identity: an authority, a subject of credentials.
   * @param expected refuse any other identity
   * @param rule `strict` by default
   * @param keep never forget it to make room, as for an authority
   * @throws {IdentityError} as `importChangeHistory`; `HISTORY_OLDER`, `HISTORY_CONFLICT`
   */
  async importHistory(
    history: Uint8Array,
    {
      expected,
      rule = 'strict',
      keep = false,
    }: { readonly expected?: Identifier; readonly rule?: HistoryRule; readonly keep?: boolean } = {},
  ): Promise<Identifier> {
    const received = importChangeHistory(this.#parts.crypto, history, expected);
    await this.#parts.repository.storeHistory(received, rule, keep);
    return received.identifier;
  }

  /** Believes an attestation of a known identity or throws, as `verifyPurposeKeyAttestation`. */
  async verifyAttestation(bytes: Uint8Array, expectedSubject?: Identifier): Promise<PurposeKeyAttestation> {
    const { crypto, repository, clock } = this.#parts;
    const attestation = decodePurposeKeyAttestation(bytes);
    const subject = await repository.history(attestation.subject);
    verifyPurposeKeyAttestation(crypto, attestation, subject, clock.wallSeconds(), expectedSubject);
    return attestation;
  }

  /** Believes a credential of a known authority or throws, as `verifyCredential`. */
  async verifyCredential(bytes: Uint8Array, authorities: readonly Identifier[], expectedSubject?: Identifier): Promise<VerifiedCredential> {
    const { crypto, repository, clock } = this.#parts;
    const credential = decodeCredential(bytes);
    const issuer = await repository.history(credential.issuerKey.subject);
    return verifyCredential(crypto, credential, issuer, authorities, clock.wallSeconds(), expectedSubject);
  }

  /**
   * Decides on the peer of a handshake. Nothing of it is remembered unless it is trusted; then its history and the attributes
   * of its credentials are. A credential that does not hold is reported and otherwise ignored.
   * @param staticKey the key that the handshake proved, 32 bytes
   * @param authorities issuers whose credentials count besides those that `trust` names
   * @param isRevoked whether a credential that holds otherwise is void
   * @throws {IdentityError} `TRUST_REFUSED`; `PURPOSE_KEY_PURPOSE`, `PURPOSE_KEY_MISMATCH`; as `importChangeHistory` and `verifyPurposeKeyAttestation`; `HISTORY_OLDER`, `HISTORY_CONFLICT`
   * Source: identity.md 5.5; the original stores the history first, so that strangers it refuses still fill its store
   */
  async verifyPeer(
    presented: Presentation,
    staticKey: Uint8Array,
    {
      trust,
      authorities = [],
      isRevoked,
    }: { readonly trust: TrustPolicy; readonly authorities?: readonly Identifier[]; readonly isRevoked?: IsRevoked | undefined },
  ): Promise<VerifiedPeer> {
    const { crypto, repository, clock } = this.#parts;
    const history = importChangeHistory(crypto, presented.changeHistory);
    const { identifier } = history;
    applyHistoryRule(history, await repository.history(identifier), 'strict');

    const attestation = decodePurposeKeyAttestation(presented.purposeKeyAttestation);
    verifyPurposeKeyAttestation(crypto, attestation, history, clock.wallSeconds(), identifier);
    const { key } = attestation;
    if (key.purpose !== 'secure-channel') throw new IdentityError('PURPOSE_KEY_PURPOSE', 'A credentials key does not open channels.');
    if (!equalBytes(key.publicKey, staticKey))
      throw new IdentityError('PURPOSE_KEY_MISMATCH', `${identifier} did not attest the key of this channel.`);

    const issuers = [...trust.authorities, ...authorities];
    const { credentials, refusals } = await this.#verifyCredentials(presented.credentials, issuers, identifier, isRevoked);
    if (!trust.accepts({ identifier, credentials })) {
      const cause = refusals[0];
      throw new IdentityError('TRUST_REFUSED', `The trust policy refuses ${identifier}.`, cause === undefined ? {} : { cause });
    }
    await this.#remember(history, credentials);
    return { identifier, history, credentials, refusals };
  }

  /**
   * Takes the newer history and credentials that the peer of a live channel sends. Source: identity.md 6.5
   * @param identifier the peer as the handshake proved it
   * @param isRevoked as in `verifyPeer`
   * @throws {IdentityError} as `importChangeHistory`; `HISTORY_OLDER`, `HISTORY_CONFLICT`
   */
  async refreshPeer(
    identifier: Identifier,
    presented: Pick<Presentation, 'changeHistory' | 'credentials'>,
    authorities: readonly Identifier[],
    isRevoked?: IsRevoked,
  ): Promise<VerifiedPeer> {
    const history = importChangeHistory(this.#parts.crypto, presented.changeHistory, identifier);
    const { credentials, refusals } = await this.#verifyCredentials(presented.credentials, authorities, identifier, isRevoked);
    await this.#remember(history, credentials);
    return { identifier, history, credentials, refusals };
  }

  /**
   * True when a key that was attested under change `hash` of a peer's history has been revoked since, as far as is known here.
   * To be asked at least every 60 s for each live channel.
   */
  async hasRevoked(peer: Identifier, hash: Uint8Array): Promise<boolean> {
    const history = await this.#parts.repository.history(peer);
    return history !== undefined && revokesKeysMadeUnder(history, hash);
  }

  async #knownHistory(identifier: Identifier): Promise<ChangeHistory> {
    const history = await this.#parts.repository.history(identifier);
    if (history === undefined)
      throw new IdentityError('HISTORY_UNKNOWN', `The history of ${identifier} is not known here: import it first.`);
    return history;
  }

  async #verifyCredentials(
    presented: readonly Uint8Array[],
    authorities: readonly Identifier[],
    subject: Identifier,
    isRevoked: IsRevoked = () => false,
  ) {
    const credentials: VerifiedCredential[] = [];
    const refusals: PosternError[] = [];
    if (authorities.length === 0) return { credentials, refusals };
    for (const bytes of presented) {
      try {
        const credential = await this.verifyCredential(bytes, authorities, subject);
        if (isRevoked(credential))
          throw new CredentialError('CREDENTIAL_REVOKED', `The credential of ${subject} was revoked by its authority: get a new one.`);
        credentials.push(credential);
      } catch (cause) {
        if (!(cause instanceof PosternError)) throw cause;
        refusals.push(cause as PosternError);
      }
    }
    return { credentials, refusals };
  }

  async #remember(history: ChangeHistory, credentials: readonly VerifiedCredential[]): Promise<void> {
    const { repository, clock } = this.#parts;
    await repository.storeHistory(history, 'strict');
    for (const { subject, attributes, issuer, expiresAt } of credentials)
      await repository.storeAttributes({ subject, attributes, attestedBy: issuer, storedAt: clock.wallSeconds(), expiresAt });
  }

  /** A stored attestation if it still holds; whatever is wrong with it, a new key is the remedy. Source: identity.md 3.2 */
  #ifItHolds(attestation: PurposeKeyAttestation | undefined, history: ChangeHistory, now: number): PurposeKeyAttestation | undefined {
    if (attestation === undefined) return undefined;
    try {
      verifyPurposeKeyAttestation(this.#parts.crypto, attestation, history, now, this.identifier);
    } catch (cause) {
      if (!(cause instanceof PosternError)) throw cause;
      return undefined;
    }
    return attestation;
  }

  async #currentChannelKey(history: ChangeHistory) {
    const now = this.#parts.clock.wallSeconds();
    let held = this.#channelKey;
    if (held === undefined || !isCurrent(held.attestation, history, now))
      held = (await this.#storedChannelKey(history, now)) ?? (await this.#newChannelKey(history, now));
    this.#channelKey = held;
    return held;
  }

  async #storedChannelKey(history: ChangeHistory, now: number) {
    const attestation = this.#ifItHolds(await this.#parts.repository.attestation(this.identifier, 'secure-channel'), history, now);
    if (attestation?.key.purpose !== 'secure-channel') return undefined;
    const key = await this.#parts.vault.x25519(attestation.key.publicKey);
    return key === undefined ? undefined : { attestation, key };
  }

  async #newChannelKey(history: ChangeHistory, now: number) {
    const key = await this.#parts.vault.generateX25519();
    const attestation = await this.#attest({ purpose: 'secure-channel', publicKey: key.publicKey }, history, now);
    return { attestation, key };
  }

  /** A credentials key that lives as long as the credential to sign, or as long as this identity lets it. */
  async #credentialsKey(now: number, until: number): Promise<PurposeKeyAttestation> {
    const { vault, repository } = this.#parts;
    const history = await this.history();
    const before = await repository.attestation(this.identifier, 'credentials');
    const stored = this.#ifItHolds(before, history, now);
    const enough = Math.min(until, history.latest.attestationsValidUntil);
    if (stored?.key.purpose === 'credentials' && stored.expiresAt >= enough && (await vault.hasSigningKey(stored.key.publicKey)))
      return stored;
    const publicKey = await vault.generateSigningKey('ed25519');
    const standing = await this.#attest({ purpose: 'credentials', publicKey }, history, now, { before });
    // Another process that is this identity too was faster: all sign with its key.
    if (standing.key.purpose === 'credentials' && !equalBytes(standing.key.publicKey.bytes, publicKey.bytes))
      await vault.deleteSigningKey(publicKey);
    return standing;
  }

  /** Attests a key and stores that, once it is sure that others will believe it. */
  async #attest(
    key: PurposeKeyAttestation['key'],
    history: ChangeHistory,
    now: number,
    found?: { readonly before: PurposeKeyAttestation | undefined },
  ): Promise<PurposeKeyAttestation> {
    const { crypto, vault, repository } = this.#parts;
    const attestation = await attestPurposeKey(crypto, vault, history, key, now);
    verifyPurposeKeyAttestation(crypto, attestation, history, now, this.identifier);
    return repository.storeAttestation(attestation, found);
  }
}

/** It speaks for the present key, now. One that a wrong clock dated ahead would be refused until then by everyone else. */
function isCurrent({ createdAt, expiresAt, latestChangeHash }: PurposeKeyAttestation, { latest }: ChangeHistory, now: number): boolean {
  return createdAt <= now + CLOCK_DRIFT_SECONDS_MAX && expiresAt >= now && equalBytes(latestChangeHash, latest.hash);
}

function withDefaults(options: IdentityOptions): Parts {
  const crypto = options.crypto ?? nodeCrypto;
  return {
    clock: options.clock,
    random: options.random,
    crypto,
    vault: options.vault ?? new SoftwareVault(crypto, options.random),
    repository: options.repository ?? new MemoryIdentityRepository(),
  };
}

function window(from: number, lifeSeconds = IDENTITY_LIFE_SECONDS) {
  return { attestationsValidFrom: from, attestationsValidUntil: from + lifeSeconds };
}
