import { VaultError } from './errors.ts';

export type SecretKind = 'ed25519' | 'p256' | 'x25519';

/** The 32 bytes of a secret key on their way to or from a store. Prints as its kind and nothing more. */
export class Secret {
  readonly kind: SecretKind;
  readonly #bytes: Uint8Array;

  /** Keeps a copy. @throws {VaultError} `INVALID_SECRET` unless there are 32 bytes */
  constructor(kind: SecretKind, bytes: Uint8Array) {
    if (bytes.length !== 32) throw new VaultError('INVALID_SECRET', 'A secret key is 32 bytes.');
    this.kind = kind;
    this.#bytes = bytes.slice();
  }

  /** A copy of the raw bytes: the one place where they come out. */
  reveal(): Uint8Array {
    return this.#bytes.slice();
  }
}
