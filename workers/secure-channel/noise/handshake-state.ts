import type { CryptoProvider, X25519SecretKey } from '../../../identities/crypto.ts';
import { VaultError } from '../../../identities/errors.ts';
import { concat } from '../../../runtime/codec/bare.ts';
import { ChannelError, handshakeRefused } from '../errors.ts';
import type { CipherState } from './cipher-state.ts';
import { SymmetricState } from './symmetric-state.ts';

/** A Noise message has at most this many bytes. Source: Noise spec rev 34 §3. */
export const MESSAGE_BYTES_MAX = 65_535;

const DHLEN = 32;
const TAGLEN = 16;

type Token = 'e' | 's' | 'ee' | 'es' | 'se';

/** Message patterns of XX. Source: Noise spec rev 34 §7.5. */
const XX: readonly (readonly Token[])[] = [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']];

export interface HandshakeStateOptions {
  crypto: CryptoProvider;
  protocolName: string;
  initiator: boolean;
  prologue: Uint8Array;
  /** The static key. */
  s: X25519SecretKey;
  /** The ephemeral key: used in this handshake only. */
  e: X25519SecretKey;
}

/** What a message moves forward: worked on as a copy, adopted whole when the message is complete. */
interface Progress {
  symmetricState: SymmetricState;
  rs: Uint8Array | undefined;
  re: Uint8Array | undefined;
}

/**
 * One side of an XX handshake. A message that is refused or cannot be written changes nothing, so whoever injects a forged
 * one does not keep the genuine one out. Source: Noise spec rev 34 §5.3; reliability.md CH16.
 */
export class HandshakeState {
  readonly #initiator: boolean;
  readonly #s: X25519SecretKey;
  #e: X25519SecretKey | undefined;
  #progress: Progress;
  #messageIndex = 0;

  constructor(options: HandshakeStateOptions) {
    this.#initiator = options.initiator;
    this.#s = options.s;
    this.#e = options.e;
    const symmetricState = SymmetricState.initialize(options.crypto, options.protocolName);
    symmetricState.mixHash(options.prologue);
    this.#progress = { symmetricState, rs: undefined, re: undefined };
  }

  /** h: after the last message it names this session. */
  get handshakeHash(): Uint8Array {
    return this.#progress.symmetricState.handshakeHash;
  }

  /** The peer's static key, 32 bytes, once a message that carried it was read. */
  get rs(): Uint8Array | undefined {
    return this.#progress.rs;
  }

  /**
   * @returns the message, at most 65,535 bytes
   * @throws {ChannelError} `HANDSHAKE_ORDER`, `HANDSHAKE_TOO_LONG`, or `HANDSHAKE_REFUSED` when the peer's key is of small order
   */
  writeMessage(payload: Uint8Array): Uint8Array {
    const tokens = this.#turn('write');
    const next = this.#draft();
    const { symmetricState } = next;
    const parts: Uint8Array[] = [];
    for (const token of tokens) {
      switch (token) {
        case 'e': {
          const e = this.#ephemeral.publicKey;
          symmetricState.mixHash(e);
          parts.push(e);
          break;
        }
        case 's':
          parts.push(symmetricState.encryptAndHash(this.#s.publicKey));
          break;
        default:
          this.#mixDh(token, next);
      }
    }
    const headBytes = parts.reduce((count, part) => count + part.length, 0);
    const tagBytes = symmetricState.hasKey ? TAGLEN : 0;
    if (headBytes + payload.length + tagBytes > MESSAGE_BYTES_MAX)
      throw new ChannelError(
        'HANDSHAKE_TOO_LONG',
        `A handshake message has at most ${MESSAGE_BYTES_MAX} bytes, this one would have ${headBytes + payload.length + tagBytes}. Present less.`,
      );
    parts.push(symmetricState.encryptAndHash(payload));
    this.#adopt(next);
    return concat(...parts);
  }

  /**
   * @returns the payload, a new array
   * @throws {ChannelError} `HANDSHAKE_ORDER`; `HANDSHAKE_REFUSED` for anything but the genuine next message
   */
  readMessage(message: Uint8Array): Uint8Array {
    const tokens = this.#turn('read');
    if (message.length > MESSAGE_BYTES_MAX) throw handshakeRefused();
    const next = this.#draft();
    let at = 0;
    const take = (count: number) => {
      if (message.length - at < count) throw handshakeRefused();
      at += count;
      return message.subarray(at - count, at);
    };
    try {
      const { symmetricState } = next;
      for (const token of tokens) {
        switch (token) {
          case 'e':
            next.re = take(DHLEN).slice();
            symmetricState.mixHash(next.re);
            break;
          case 's':
            next.rs = symmetricState.decryptAndHash(take(symmetricState.hasKey ? DHLEN + TAGLEN : DHLEN));
            break;
          default:
            this.#mixDh(token, next);
        }
      }
      const payload = symmetricState.decryptAndHash(message.subarray(at));
      this.#adopt(next);
      return payload;
    } catch (cause) {
      // Which check failed is nobody's business: one text, and no cause beside it.
      throw cause instanceof VaultError ? handshakeRefused() : cause;
    }
  }

  /**
   * The two cipher states, in the spec's order; the ephemeral key is let go.
   * @throws {ChannelError} `HANDSHAKE_ORDER` before the last message, and the second time
   */
  split(): [CipherState, CipherState] {
    if (this.#messageIndex < XX.length || this.#e === undefined) throw wrongOrder();
    this.#e = undefined;
    return this.#progress.symmetricState.split();
  }

  get #ephemeral(): X25519SecretKey {
    if (this.#e === undefined) throw wrongOrder();
    return this.#e;
  }

  #turn(action: 'read' | 'write'): readonly Token[] {
    const tokens = XX[this.#messageIndex];
    const ours = (this.#messageIndex % 2 === 0) === this.#initiator;
    if (tokens === undefined || ours !== (action === 'write')) throw wrongOrder();
    return tokens;
  }

  #draft(): Progress {
    return { ...this.#progress, symmetricState: this.#progress.symmetricState.copy() };
  }

  #adopt(next: Progress): void {
    this.#progress = next;
    this.#messageIndex += 1;
  }

  /** The first letter of the token is the initiator's key, the second the responder's. */
  #mixDh(token: 'ee' | 'es' | 'se', next: Progress): void {
    const [initiators, responders] = token;
    const [mine, theirs] = this.#initiator ? [initiators, responders] : [responders, initiators];
    const secret = mine === 'e' ? this.#ephemeral : this.#s;
    const peer = theirs === 'e' ? next.re : next.rs;
    if (peer === undefined) throw wrongOrder();
    try {
      next.symmetricState.mixKey(secret.diffieHellman(peer));
    } catch (cause) {
      throw cause instanceof VaultError ? handshakeRefused() : cause;
    }
  }
}

const wrongOrder = () => new ChannelError('HANDSHAKE_ORDER', 'It is not the turn of this handshake message.');
