import type { AeadKey, CryptoProvider, X25519SecretKey } from '../../identities/crypto.ts';
import type { Random } from '../../runtime/random.ts';
import { ChannelError } from './errors.ts';
import { HandshakeState } from './noise/handshake-state.ts';

/** Exactly 32 bytes, so it is the first chaining key as it stands. Source: identity.md 5.2. */
export const PROTOCOL_NAME = 'OCKAM_XX_25519_AES256_GCM_SHA256';

const EMPTY = new Uint8Array(0);

export interface HandshakeOptions {
  crypto: CryptoProvider;
  /** Gives the ephemeral secret: 32 bytes, once. */
  random: Random;
  /** The secure channel purpose key of the own identity. */
  staticKey: X25519SecretKey;
  /** Only test vectors use another. */
  protocolName?: string;
}

/** What a finished handshake leaves behind. */
export interface ChannelKeys {
  encryptKey: AeadKey;
  decryptKey: AeadKey;
  /** 32 bytes, equal on both sides and in no other session. */
  handshakeHash: Uint8Array;
  /** 32 bytes: what the peer's attestation must name. */
  remoteStaticKey: Uint8Array;
}

/** Who begins: writes message 1, reads 2, writes 3. A refused message changes nothing. Source: identity.md 5.3. */
export class InitiatorHandshake {
  readonly #state: HandshakeState;

  constructor(options: HandshakeOptions) {
    this.#state = begin(options, true);
  }

  /** @returns 32 bytes and the payload, which travels in clear and which a responder ignores */
  writeMessage1(payload: Uint8Array = EMPTY): Uint8Array {
    return this.#state.writeMessage(payload);
  }

  /**
   * @returns the responder's payload: proven to be from the owner of `remoteStaticKey`, whoever that is
   * @throws {ChannelError} `HANDSHAKE_REFUSED`, `HANDSHAKE_ORDER`
   */
  readMessage2(message: Uint8Array): Uint8Array {
    return this.#state.readMessage(message);
  }

  /**
   * @param payload up to 65,471 bytes
   * @throws {ChannelError} `HANDSHAKE_TOO_LONG`, `HANDSHAKE_ORDER`
   */
  writeMessage3(payload: Uint8Array): Uint8Array {
    return this.#state.writeMessage(payload);
  }

  /** Known once message 2 was read. */
  get remoteStaticKey(): Uint8Array | undefined {
    return this.#state.rs;
  }

  get handshakeHash(): Uint8Array {
    return this.#state.handshakeHash;
  }

  /** Ends the handshake. @throws {ChannelError} `HANDSHAKE_ORDER` before message 3, and the second time */
  finish(): ChannelKeys {
    return finish(this.#state, true);
  }
}

/** Who answers: reads message 1, writes 2, reads 3. A refused message changes nothing. Source: identity.md 5.3. */
export class ResponderHandshake {
  readonly #state: HandshakeState;

  constructor(options: HandshakeOptions) {
    this.#state = begin(options, false);
  }

  /** The payload of message 1 is hashed and otherwise ignored. @throws {ChannelError} `HANDSHAKE_REFUSED`, `HANDSHAKE_ORDER` */
  readMessage1(message: Uint8Array): void {
    this.#state.readMessage(message);
  }

  /**
   * @param payload up to 65,439 bytes
   * @throws {ChannelError} `HANDSHAKE_TOO_LONG`, `HANDSHAKE_ORDER`; `HANDSHAKE_REFUSED` when message 1 held a key of small order
   */
  writeMessage2(payload: Uint8Array): Uint8Array {
    return this.#state.writeMessage(payload);
  }

  /**
   * @returns the initiator's payload: proven to be from the owner of `remoteStaticKey`, whoever that is
   * @throws {ChannelError} `HANDSHAKE_REFUSED`, `HANDSHAKE_ORDER`
   */
  readMessage3(message: Uint8Array): Uint8Array {
    return this.#state.readMessage(message);
  }

  /** Known once message 3 was read. */
  get remoteStaticKey(): Uint8Array | undefined {
    return this.#state.rs;
  }

  get handshakeHash(): Uint8Array {
    return this.#state.handshakeHash;
  }

  /** Ends the handshake. @throws {ChannelError} `HANDSHAKE_ORDER` before message 3, and the second time */
  finish(): ChannelKeys {
    return finish(this.#state, false);
  }
}

function begin({ crypto, random, staticKey, protocolName = PROTOCOL_NAME }: HandshakeOptions, initiator: boolean): HandshakeState {
  const e = crypto.importX25519(random.bytes(32));
  return new HandshakeState({ crypto, protocolName, initiator, prologue: EMPTY, s: staticKey, e });
}

/** The reverse of Noise: here the initiator encrypts with the second key. Source: identity.md 5.3. */
function finish(state: HandshakeState, initiator: boolean): ChannelKeys {
  const [first, second] = state.split();
  const remoteStaticKey = state.rs;
  if (first.k === undefined || second.k === undefined || remoteStaticKey === undefined)
    throw new ChannelError('HANDSHAKE_ORDER', 'This handshake is not finished.');
  const [encryptKey, decryptKey] = initiator ? [second.k, first.k] : [first.k, second.k];
  return { encryptKey, decryptKey, handshakeHash: state.handshakeHash, remoteStaticKey };
}
