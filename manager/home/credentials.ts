import { type Credential, decodeCredential, verifyCredential, type VerifiedCredential } from '../../identities/credential.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import type { CachedCredential } from '../../identities/repository.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { StoredIdentities } from '../../storage/identities.ts';

/** A credential that is kept in a home. */
export interface KeptCredential extends Pick<CachedCredential, 'scope'> {
  /** As `encodeCredential` wrote it. */
  readonly bytes: Uint8Array;
  readonly credential: Credential;
  /** Whether it holds now, by what is known of its issuer here. */
  readonly isVerified: boolean;
}

/** The credentials of a home, of its own identities and of others. */
export class HomeCredentials {
  readonly #repository: StoredIdentities;
  readonly #clock: Clock;

  constructor(repository: StoredIdentities, clock: Clock) {
    this.#repository = repository;
    this.#clock = clock;
  }

  /**
   * Believes a credential of that issuer or throws; nothing is kept.
   * @throws {CodecError} for bytes that are none
   * @throws {CredentialError, IdentityError} as `verifyCredential`; `HISTORY_UNKNOWN` when the issuer was never heard of here
   */
  async verify(bytes: Uint8Array, issuer: Identifier): Promise<VerifiedCredential> {
    const credential = decodeCredential(bytes);
    const history = await this.#repository.history(credential.issuerKey.subject);
    return verifyCredential(nodeCrypto, credential, history, [issuer], this.#clock.wallSeconds());
  }

  /** Keeps a credential that holds, in place of the one of its subject, issuer and scope. @throws as `verify` */
  async store(bytes: Uint8Array, { issuer, scope }: { readonly issuer: Identifier; readonly scope: string }): Promise<VerifiedCredential> {
    const credential = await this.verify(bytes, issuer);
    const { subject, expiresAt } = credential;
    await this.#repository.cacheCredential({ subject, issuer, scope, expiresAt, credential: bytes });
    return credential;
  }

  /** All that have not expired: by ascending subject, issuer and scope. */
  async list(): Promise<readonly KeptCredential[]> {
    const rows = await this.#repository.cachedCredentials(this.#clock.wallSeconds());
    return Promise.all(
      rows.map(async ({ issuer, scope, credential: bytes }) => ({
        scope,
        bytes,
        credential: decodeCredential(bytes),
        isVerified: await this.verify(bytes, issuer).then(
          () => true,
          () => false,
        ),
      })),
    );
  }
}
