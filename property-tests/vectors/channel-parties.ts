import type { AeadKey, CryptoProvider, X25519SecretKey } from '../../identities/crypto.ts';
import { nobleCrypto } from '../../identities/noble.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { hex, type Random } from '../../runtime/random.ts';
import type { HandshakeOptions } from '../../workers/secure-channel/handshake.ts';
import { fromHex } from './read-vectors.ts';

export const PROVIDERS: readonly CryptoProvider[] = [nodeCrypto, nobleCrypto];

/** Chance that was written down: gives the secret once, then nothing more. */
export function scripted(secret: Uint8Array): Random {
  const left = [secret];
  return {
    bytes: (count) => {
      const next = left.pop();
      if (next?.length !== count) throw new Error('The script has no such bytes.');
      return next;
    },
  };
}

export function party(crypto: CryptoProvider, staticSecret: string, ephemeralSecret: string, protocolName?: string): HandshakeOptions {
  const staticKey: X25519SecretKey = crypto.importX25519(fromHex(staticSecret));
  const options: HandshakeOptions = { crypto, staticKey, random: scripted(fromHex(ephemeralSecret)) };
  return protocolName === undefined ? options : { ...options, protocolName };
}

const NONCE = new Uint8Array(12).fill(0x5a);

/** Keys are opaque: two are equal when they seal alike. */
export function fingerprint(key: AeadKey): string {
  return hex(concat(...key.seal(NONCE, [new Uint8Array(32)])));
}

export function keyPrint(crypto: CryptoProvider, key: string): string {
  return fingerprint(crypto.importAes256Gcm(fromHex(key)));
}
