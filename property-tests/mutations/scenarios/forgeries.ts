// What an impostor shows: histories, attestations and credentials made by hand, out of genuine ones.
import type { Identity } from 'postern';
import { decodeCbor, encodeCbor, nodeCrypto } from 'postern/wire';
import type { Presentation } from '../../../identities/identity.ts';
import { identifierBytes } from '../../../identities/identifier.ts';
import type { X25519SecretKey } from '../../../identities/crypto.ts';

/** A presentation with the key that goes with it. */
export type Papers = Presentation & { readonly key: X25519SecretKey };

/** An identity that shows those papers instead of its own. */
export function showing(own: Identity, papers: Papers): Identity {
  return new Proxy(own, {
    get: (of, name) => {
      if (name === 'present') return () => Promise.resolve(papers);
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? (value.bind(of) as unknown) : value;
    },
  });
}

/** The bytes with some of them replaced by as many others. @throws {Error} when they do not stand there */
export function replaced(bytes: Uint8Array, old: Uint8Array, by: Uint8Array): Uint8Array {
  const at = Buffer.from(bytes).indexOf(old);
  if (at < 0 || old.length !== by.length) throw new Error('What should be forged is not there.');
  const forged = bytes.slice();
  forged.set(by, at);
  return forged;
}

const CHANGE = 1;
const ATTESTATION = 2;
const signingKey = nodeCrypto.importEd25519(new Uint8Array(32).fill(7));
const channelKey = nodeCrypto.importX25519(new Uint8Array(32).fill(9));
const signed = (type: number, record: unknown) => encodeCbor([1, type, encodeCbor(record)]);
const signature = (data: Uint8Array) => [0, [signingKey.sign(nodeCrypto.sha256(data))]];

/** Papers that say that the victim handed its identity over to the forger's key, as only the victim's own key could say. */
export async function handedOver(victim: Identity, nowSeconds: number): Promise<Papers> {
  const { latest } = await victim.history();
  const until = nowSeconds + 1_000_000;
  const change = signed(CHANGE, [latest.hash, [0, [signingKey.publicKey]], false, nowSeconds, until]);
  const history = decodeCbor(await victim.exportHistory()) as unknown[];
  const subject = identifierBytes(victim.identifier);
  const attestation = signed(ATTESTATION, [subject, nodeCrypto.sha256(change), [0, [channelKey.publicKey]], nowSeconds, until]);
  return {
    changeHistory: encodeCbor([...history, [change, signature(change), signature(change)]]),
    purposeKeyAttestation: encodeCbor([attestation, signature(attestation)]),
    credentials: [],
    key: channelKey,
  };
}

/** A history that hands an identity over to a key whose owner never signed that. */
export async function imposedOn(owner: Identity, own: Identity, sign: (data: Uint8Array) => Promise<Uint8Array>): Promise<Uint8Array> {
  const { latest } = await own.history();
  const { latest: theirs } = await owner.history();
  const from = latest.attestationsValidFrom;
  const change = signed(CHANGE, [latest.hash, [0, [theirs.primaryKey.bytes]], false, from, from + 1_000]);
  const bySelf = [0, [await sign(nodeCrypto.sha256(change))]];
  return encodeCbor([...(decodeCbor(await own.exportHistory()) as unknown[]), [change, signature(change), bySelf]]);
}
