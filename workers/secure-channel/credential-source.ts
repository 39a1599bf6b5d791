/** Where a channel end gets the credential it presents. Source: identity.md 4.5 */
export interface CredentialSource {
  /** The credential to present now, as it was issued; undefined for none. A rejection fails the handshake. */
  retrieve(): Promise<Uint8Array | undefined>;
  /** Calls back when a newer one can be had: live channels present it. @returns how to unsubscribe */
  subscribe(onNewer: () => void): () => void;
}

/** Always the same credential. */
export function fixedCredential(credential: Uint8Array): CredentialSource {
  return { retrieve: () => Promise.resolve(credential), subscribe: () => () => undefined };
}
