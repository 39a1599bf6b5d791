import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { createIdentity, createNode, onlyPeer, route, secureChannel, secureChannelListener } from 'postern';
import { compare, rateOf, type Subject } from './measure.ts';
import type { Row } from './table.ts';

/** Whole handshakes between two workers of one node, against the key operations alone that two ends cannot do without. */
export async function handshakeBench(): Promise<Row[]> {
  const { ours } = await compare(bareKeyOperations(), { ours: await handshakes() }, { forMs: 500 });
  return [{ name: 'handshake', workload: 'XX, both ends, to open and closed', unit: '/s', target: { atLeast: 0.6 }, ...ours }];
}

async function handshakes(): Promise<Subject> {
  const node = await createNode({ name: 'handshake' });
  const [initiator, responder] = await Promise.all([createIdentity(), createIdentity()]);
  secureChannelListener(node, 'api', { identity: responder, trust: onlyPeer(initiator.identifier), on: [] });
  return rateOf(async () => {
    const channel = await secureChannel(node, route('api'), { identity: initiator, trust: onlyPeer(responder.identifier) });
    await channel.close();
  }, 4);
}

/**
 * Noise XX with two signatures checked at each end: per end one new key, three Diffie-Hellman with a peer's key each, and two
 * verifications; and the hashes between. Keys are imported as JWK, the cheapest way there is.
 */
function bareKeyOperations(): Subject {
  const peer = rawPublicKey(newKey('X25519'));
  const signer = newKey('Ed25519');
  const signerPublic = rawPublicKey(signer);
  const data = randomBytes(200);
  const signature = sign(null, data, signer);
  const end = () => {
    const own = newKey('X25519');
    rawPublicKey(own);
    for (let exchange = 0; exchange < 3; exchange++) diffieHellman({ privateKey: own, publicKey: importPublic('X25519', peer) });
    for (let check = 0; check < 2; check++) verify(null, data, importPublic('Ed25519', signerPublic), signature);
    for (let hash = 0; hash < 10; hash++) createHash('sha256').update(data).digest();
    for (let hash = 0; hash < 12; hash++) createHmac('sha256', data).update(data).digest();
  };
  return rateOf(() => {
    end();
    end();
  }, 4);
}

type Curve = 'X25519' | 'Ed25519';

function newKey(curve: Curve): KeyObject {
  const d = randomBytes(32).toString('base64url');
  return createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: curve, d, x: 'AAAA' } });
}

function rawPublicKey(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x ?? '';
}

function importPublic(curve: Curve, x: string): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: curve, x } });
}
