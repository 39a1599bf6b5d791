import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { hex } from '../../runtime/random.ts';
import { InitiatorHandshake, ResponderHandshake } from './handshake.ts';

const PAYLOAD = new Uint8Array(100).fill(0x70);

function ends() {
  const options = (seed: number) => ({
    crypto: nodeCrypto,
    staticKey: nodeCrypto.importX25519(new Uint8Array(32).fill(seed)),
    random: { bytes: (count: number) => new Uint8Array(count).fill(seed + 1) },
  });
  return { initiator: new InitiatorHandshake(options(0x31)), responder: new ResponderHandshake(options(0x41)) };
}

const refused = /^This handshake message was refused; nothing was changed\.$/;
const wrongOrder = /^It is not the turn of this handshake message\.$/;

test('both ends hold the same session, each with the key that the other opens with', () => {
  const { initiator, responder } = ends();
  responder.readMessage1(initiator.writeMessage1());
  expect(initiator.readMessage2(responder.writeMessage2(PAYLOAD))).toEqual(PAYLOAD);
  expect(responder.readMessage3(initiator.writeMessage3(PAYLOAD))).toEqual(PAYLOAD);
  const ours = initiator.finish();
  const theirs = responder.finish();
  expect(ours.handshakeHash).toEqual(theirs.handshakeHash);
  const nonce = new Uint8Array(12);
  const [ciphertext, tag] = ours.encryptKey.seal(nonce, [PAYLOAD]);
  expect(theirs.decryptKey.open(nonce, Uint8Array.of(...ciphertext!, ...tag!))).toEqual(PAYLOAD);
  expect(() => ours.decryptKey.open(nonce, Uint8Array.of(...ciphertext!, ...tag!))).toThrow();
});

test('the payload of message 1 is part of what both ends agree on', () => {
  const { initiator, responder } = ends();
  const message1 = initiator.writeMessage1(PAYLOAD);
  expect(message1.subarray(32)).toEqual(PAYLOAD);
  responder.readMessage1(message1.subarray(0, 60));
  const message2 = responder.writeMessage2(PAYLOAD);
  expect(() => initiator.readMessage2(message2)).toThrow(refused);
});

test('a step out of turn changes nothing', () => {
  const { initiator, responder } = ends();
  expect(() => initiator.readMessage2(PAYLOAD)).toThrow(wrongOrder);
  expect(() => responder.writeMessage2(PAYLOAD)).toThrow(wrongOrder);
  const message1 = initiator.writeMessage1();
  expect(() => initiator.writeMessage1()).toThrow(wrongOrder);
  expect(() => initiator.writeMessage3(PAYLOAD)).toThrow(wrongOrder);
  responder.readMessage1(message1);
  expect(() => responder.readMessage1(message1)).toThrow(wrongOrder);
  initiator.readMessage2(responder.writeMessage2(PAYLOAD));
  expect(() => initiator.finish()).toThrow(wrongOrder);
  responder.readMessage3(initiator.writeMessage3(PAYLOAD));
  responder.finish();
  expect(() => responder.finish()).toThrow(wrongOrder);
  expect(() => responder.writeMessage2(PAYLOAD)).toThrow(wrongOrder);
});

describe('a forged message first, 200 times', () => {
  // Source: reliability.md CH16
  const damaged = (message: Uint8Array, at: number) => {
    const forged = message.slice();
    forged[at % forged.length]! ^= 0xff;
    return forged;
  };

  test('message 2', () => {
    const { initiator, responder } = ends();
    responder.readMessage1(initiator.writeMessage1());
    const message2 = responder.writeMessage2(PAYLOAD);
    for (let forgery = 0; forgery < 200; forgery++) {
      expect(() => initiator.readMessage2(damaged(message2, forgery))).toThrow(refused);
      expect(initiator.remoteStaticKey).toBeUndefined();
    }
    expect(initiator.readMessage2(message2)).toEqual(PAYLOAD);
  });

  test('message 3 of garbage, and with a genuine head and a damaged tail', () => {
    const { initiator, responder } = ends();
    responder.readMessage1(initiator.writeMessage1());
    initiator.readMessage2(responder.writeMessage2(PAYLOAD));
    const message3 = initiator.writeMessage3(PAYLOAD);
    for (let forgery = 0; forgery < 200; forgery++) {
      expect(() => responder.readMessage3(new Uint8Array(164).fill(forgery))).toThrow(refused);
      expect(() => responder.readMessage3(damaged(message3, message3.length - 1 - (forgery % 100)))).toThrow(refused);
      expect(responder.remoteStaticKey).toBeUndefined();
    }
    expect(responder.readMessage3(message3)).toEqual(PAYLOAD);
  });
});

test('one’s own messages come back refused', () => {
  const { initiator, responder } = ends();
  const message1 = initiator.writeMessage1();
  expect(() => initiator.readMessage2(message1)).toThrow(refused);
  responder.readMessage1(message1);
  const message2 = responder.writeMessage2(PAYLOAD);
  expect(() => responder.readMessage3(message2)).toThrow(refused);
});

test('no secret shows, whoever looks', () => {
  const { initiator, responder } = ends();
  responder.readMessage1(initiator.writeMessage1());
  initiator.readMessage2(responder.writeMessage2(PAYLOAD));
  responder.readMessage3(initiator.writeMessage3(PAYLOAD));
  const { encryptKey, decryptKey } = initiator.finish();
  const looks = [initiator, responder, encryptKey, decryptKey].flatMap((value) => [inspect(value, { depth: 9 }), JSON.stringify(value)]);
  for (const seed of [0x31, 0x32, 0x41, 0x42]) {
    for (const look of looks) expect(look).not.toContain(hex(new Uint8Array(4).fill(seed)));
  }
  expect(JSON.stringify([initiator, encryptKey])).toBe('[{},{}]');
});
