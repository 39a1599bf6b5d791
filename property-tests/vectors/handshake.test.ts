import { describe, expect, test } from 'vitest';
import type { CryptoProvider } from '../../identities/crypto.ts';
import { hex } from '../../runtime/random.ts';
import { type ChannelKeys, InitiatorHandshake, ResponderHandshake } from '../../workers/secure-channel/handshake.ts';
import { MESSAGE_BYTES_MAX } from '../../workers/secure-channel/noise/handshake-state.ts';
import { keyPrint, fingerprint, party, PROVIDERS } from './channel-parties.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface HandshakeVector {
  name: string;
  init_static: string;
  init_ephemeral: string;
  resp_static: string;
  resp_ephemeral: string;
  init_static_public: string;
  resp_static_public: string;
  messages: { payload: string; bytes: string }[];
  h_after_message1: string;
  h_after_message2: string;
  h_final: string;
  k1: string;
  k2: string;
}

interface HandshakeFile {
  size_limits: { message: 1 | 2 | 3; fixed: number; max_payload: number }[];
  vectors: HandshakeVector[];
}

const file = readVectors<HandshakeFile>('ockam/handshake.json');

test('all cases are here', () => {
  expect(file.vectors).toHaveLength(5);
  expect(file.size_limits).toHaveLength(3);
});

/** Source: identity.md 5.3: the initiator encrypts with the second key. */
function expectKeys(crypto: CryptoProvider, initiator: ChannelKeys, responder: ChannelKeys, k1: string, k2: string): void {
  expect(fingerprint(initiator.encryptKey)).toBe(keyPrint(crypto, k2));
  expect(fingerprint(initiator.decryptKey)).toBe(keyPrint(crypto, k1));
  expect(fingerprint(responder.encryptKey)).toBe(keyPrint(crypto, k1));
  expect(fingerprint(responder.decryptKey)).toBe(keyPrint(crypto, k2));
}

describe.each(PROVIDERS)('$name', (crypto) => {
  const pair = (vector: HandshakeVector) => ({
    initiator: new InitiatorHandshake(party(crypto, vector.init_static, vector.init_ephemeral)),
    responder: new ResponderHandshake(party(crypto, vector.resp_static, vector.resp_ephemeral)),
  });

  test.each(file.vectors)('$name', (vector) => {
    const { initiator, responder } = pair(vector);
    const [first, second, third] = vector.messages.map(({ payload, bytes }) => ({ payload: fromHex(payload), bytes }));
    const message1 = initiator.writeMessage1(first!.payload);
    expect(hex(message1)).toBe(first!.bytes);
    responder.readMessage1(message1);
    expect(hex(initiator.handshakeHash)).toBe(vector.h_after_message1);
    expect(hex(responder.handshakeHash)).toBe(vector.h_after_message1);
    const message2 = responder.writeMessage2(second!.payload);
    expect(hex(message2)).toBe(second!.bytes);
    expect(initiator.readMessage2(message2)).toEqual(second!.payload);
    expect(hex(initiator.remoteStaticKey!)).toBe(vector.resp_static_public);
    expect(hex(initiator.handshakeHash)).toBe(vector.h_after_message2);
    const message3 = initiator.writeMessage3(third!.payload);
    expect(hex(message3)).toBe(third!.bytes);
    expect(responder.readMessage3(message3)).toEqual(third!.payload);
    const ofInitiator = initiator.finish();
    const ofResponder = responder.finish();
    expect(hex(ofInitiator.handshakeHash)).toBe(vector.h_final);
    expect(hex(ofResponder.handshakeHash)).toBe(vector.h_final);
    expect(hex(ofResponder.remoteStaticKey)).toBe(vector.init_static_public);
    expectKeys(crypto, ofInitiator, ofResponder, vector.k1, vector.k2);
  });

  test.each(file.size_limits)('message $message holds $max_payload bytes and not one more', ({ message, fixed, max_payload }) => {
    const { initiator, responder } = pair(file.vectors[0]!);
    const none = new Uint8Array(0);
    const write = {
      1: (payload: Uint8Array) => initiator.writeMessage1(payload),
      2: (payload: Uint8Array) => responder.writeMessage2(payload),
      3: (payload: Uint8Array) => initiator.writeMessage3(payload),
    };
    const read = {
      1: (bytes: Uint8Array) => responder.readMessage1(bytes),
      2: (bytes: Uint8Array) => initiator.readMessage2(bytes),
      3: (bytes: Uint8Array) => responder.readMessage3(bytes),
    };
    for (const index of [1, 2, 3] as const) {
      if (index === message) {
        expect(fixed + max_payload).toBe(MESSAGE_BYTES_MAX);
        expect(() => write[index](new Uint8Array(max_payload + 1))).toThrow(expect.objectContaining({ code: 'HANDSHAKE_TOO_LONG' }));
        const largest = write[index](new Uint8Array(max_payload)); // the one too long changed nothing
        expect(largest).toHaveLength(MESSAGE_BYTES_MAX);
        const longer = new Uint8Array(MESSAGE_BYTES_MAX + 1);
        longer.set(largest);
        expect(() => read[index](longer)).toThrow(expect.objectContaining({ code: 'HANDSHAKE_REFUSED' }));
        expect(() => read[index](largest.subarray(0, fixed - 1))).toThrow(expect.objectContaining({ code: 'HANDSHAKE_REFUSED' }));
        read[index](largest);
      } else {
        read[index](write[index](none));
      }
    }
    expect(hex(initiator.finish().handshakeHash)).toBe(hex(responder.finish().handshakeHash));
  });
});
