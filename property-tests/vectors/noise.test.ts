import { describe, expect, test } from 'vitest';
import { hex } from '../../runtime/random.ts';
import { InitiatorHandshake, PROTOCOL_NAME, ResponderHandshake } from '../../workers/secure-channel/handshake.ts';
import { HandshakeState } from '../../workers/secure-channel/noise/handshake-state.ts';
import { keyPrint, fingerprint, party, PROVIDERS } from './channel-parties.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface NoiseVector {
  source: string;
  protocol_name: string;
  init_prologue: string;
  init_static: string;
  init_ephemeral: string;
  resp_prologue: string;
  resp_static: string;
  resp_ephemeral: string;
  handshake_hash?: string;
  messages: { payload: string; ciphertext: string; sender?: 'initiator' | 'responder' }[];
  checked: { handshake_hash: string; split_k1_initiator_to_responder: string; split_k2_responder_to_initiator: string };
}

const SUITE = 'Noise_XX_25519_AESGCM_SHA256';
const genuine = readVectors<{ vectors: NoiseVector[] }>('noise/xx_25519_aesgcm_sha256.json').vectors;
const otherSuites = readVectors<{ vectors: NoiseVector[] }>('noise/xx_25519_other_suites.json').vectors;

test('all cases are here', () => {
  expect(genuine).toHaveLength(8);
  expect(genuine.every((vector) => vector.protocol_name === SUITE)).toBe(true);
  expect(otherSuites).toHaveLength(56);
  expect(new Set(otherSuites.map((vector) => vector.protocol_name)).size).toBe(7);
});

describe.each(PROVIDERS)('$name', (crypto) => {
  const side = (vector: NoiseVector, initiator: boolean, protocolName = vector.protocol_name) =>
    new HandshakeState({
      crypto,
      protocolName,
      initiator,
      prologue: fromHex(initiator ? vector.init_prologue : vector.resp_prologue),
      s: crypto.importX25519(fromHex(initiator ? vector.init_static : vector.resp_static)),
      e: crypto.importX25519(fromHex(initiator ? vector.init_ephemeral : vector.resp_ephemeral)),
    });

  test.each(genuine.map((vector, index) => ({ vector, name: `${vector.source} ${index}` })))('$name', ({ vector }) => {
    const initiator = side(vector, true);
    const responder = side(vector, false);
    vector.messages.slice(0, 3).forEach(({ payload, ciphertext }, index) => {
      const [writer, reader] = index % 2 === 0 ? [initiator, responder] : [responder, initiator];
      expect(hex(writer.writeMessage(fromHex(payload)))).toBe(ciphertext);
      expect(hex(reader.readMessage(fromHex(ciphertext)))).toBe(payload);
    });
    expect(hex(initiator.handshakeHash)).toBe(vector.checked.handshake_hash);
    expect(hex(responder.handshakeHash)).toBe(vector.handshake_hash ?? vector.checked.handshake_hash);
    const [fromInitiator, fromResponder] = initiator.split();
    const [ofInitiator, ofResponder] = responder.split();
    expect(fingerprint(fromInitiator.k!)).toBe(keyPrint(crypto, vector.checked.split_k1_initiator_to_responder));
    expect(fingerprint(fromResponder.k!)).toBe(keyPrint(crypto, vector.checked.split_k2_responder_to_initiator));
    const none = new Uint8Array(0);
    for (const { payload, ciphertext, sender } of vector.messages.slice(3)) {
      const [seal, open] = sender === 'initiator' ? [fromInitiator, ofInitiator] : [fromResponder, ofResponder];
      expect(hex(seal.encryptWithAd(none, fromHex(payload)))).toBe(ciphertext);
      expect(hex(open.decryptWithAd(none, fromHex(ciphertext)))).toBe(payload);
    }
  });

  test('REKEY on both ends goes on together', () => {
    const vector = genuine[0]!;
    const initiator = side(vector, true);
    const responder = side(vector, false);
    const none = new Uint8Array(0);
    responder.readMessage(initiator.writeMessage(none));
    initiator.readMessage(responder.writeMessage(none));
    responder.readMessage(initiator.writeMessage(none));
    const [seal] = initiator.split();
    const [open] = responder.split();
    const stale = seal.copy();
    seal.rekey();
    open.rekey();
    expect(() => open.decryptWithAd(none, stale.encryptWithAd(none, fromHex('01')))).toThrow();
    expect(hex(open.decryptWithAd(none, seal.encryptWithAd(none, fromHex('01'))))).toBe('01');
  });

  // Source: reliability.md CH22
  test.each([SUITE, PROTOCOL_NAME])('no session with a peer of another suite: we speak %s', (protocolName) => {
    const strangers = protocolName === PROTOCOL_NAME ? [...otherSuites, ...genuine] : otherSuites;
    let refused = 0;
    for (const vector of strangers) {
      const [message1, message2, message3] = vector.messages.map(({ ciphertext }) => fromHex(ciphertext));
      const initiator = side(vector, true, protocolName);
      initiator.writeMessage(fromHex(vector.messages[0]!.payload));
      expect(() => initiator.readMessage(message2!)).toThrow(expect.objectContaining({ code: 'HANDSHAKE_REFUSED' }));
      expect(() => initiator.split()).toThrow(expect.objectContaining({ code: 'HANDSHAKE_ORDER' }));
      const responder = side(vector, false, protocolName);
      responder.readMessage(message1!);
      responder.writeMessage(fromHex(vector.messages[1]!.payload));
      expect(() => responder.readMessage(message3!)).toThrow(expect.objectContaining({ code: 'HANDSHAKE_REFUSED' }));
      expect(() => responder.split()).toThrow(expect.objectContaining({ code: 'HANDSHAKE_ORDER' }));
      refused += 2;
    }
    expect(refused).toBe(2 * strangers.length);
  });

  test('no session between this protocol and plain Noise of the same suite', () => {
    const { init_static, init_ephemeral, resp_static, resp_ephemeral } = genuine[0]!;
    for (const [ours, theirs] of [
      [PROTOCOL_NAME, SUITE],
      [SUITE, PROTOCOL_NAME],
    ]) {
      const initiator = new InitiatorHandshake(party(crypto, init_static, init_ephemeral, ours));
      const responder = new ResponderHandshake(party(crypto, resp_static, resp_ephemeral, theirs));
      responder.readMessage1(initiator.writeMessage1());
      const message2 = responder.writeMessage2(new Uint8Array(0));
      expect(() => initiator.readMessage2(message2)).toThrow(expect.objectContaining({ code: 'HANDSHAKE_REFUSED' }));
    }
  });
});
