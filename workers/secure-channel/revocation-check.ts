import type { VerifiedCredential } from '../../identities/credential.ts';
import type { CryptoProvider } from '../../identities/crypto.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { hex } from '../../runtime/random.ts';

/** What decides whether a credential was revoked. */
export interface CredentialFacts {
  readonly issuer: Identifier;
  readonly subject: Identifier;
  /** Seconds since 1970, by the clock of the issuer; no other clock counts. */
  readonly createdAt: number;
  /** The SHA-256 of the signed data, in hex. */
  readonly hash: string;
}

/** What a node has heard of credentials that are void before they expire. Source: decisions.md D6 */
export interface RevocationCheck {
  isRevoked(credential: CredentialFacts): boolean;
  /** Calls back at once when something was revoked. @returns how to unsubscribe */
  onRevoked(listener: () => void): () => void;
  /** Resolves once all is known that was revoked so far, or it is clear that this cannot be known now. Never rejects. */
  whenCurrent(): Promise<void>;
}

export function factsOf(crypto: Pick<CryptoProvider, 'sha256'>, credential: VerifiedCredential): CredentialFacts {
  const { issuer, subject, createdAt, data } = credential;
  return { issuer, subject, createdAt, hash: hex(crypto.sha256(data)) };
}
