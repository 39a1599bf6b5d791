import { describe, expect, test } from 'vitest';
import { concat } from '../../runtime/codec/bare.ts';
import { decodeEnvelope } from '../../runtime/codec/envelope.ts';
import { hex } from '../../runtime/random.ts';
import {
  decodeChannelMessage,
  decodeIdentityAndCredentials,
  encodeIdentityAndCredentials,
} from '../../workers/secure-channel/channel-message.ts';
import { FrameOpener } from '../../workers/secure-channel/frame-opener.ts';
import { FrameSealer } from '../../workers/secure-channel/frame-sealer.ts';
import { type ChannelKeys, InitiatorHandshake, ResponderHandshake } from '../../workers/secure-channel/handshake.ts';
import { fingerprint, keyPrint, party, PROVIDERS } from './channel-parties.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface Recording {
  static_secret: string;
  ephemeral_secret: string;
  change_history: string;
  payload: string;
  peer_payload: string;
  k1: string;
  k2: string;
  h: string;
  frames: { from: 'us' | 'peer'; frame: string }[];
  plaintexts: { from: 'us' | 'peer'; plaintext: string }[];
}

const asInitiator = readVectors<Recording>('recorded/channel-initiator.json');
const asResponder = readVectors<Recording>('recorded/channel-responder.json');

test('all frames are here', () => {
  expect(asInitiator.frames).toHaveLength(144);
  expect(asInitiator.plaintexts).toHaveLength(141);
  expect(asResponder.frames).toHaveLength(10);
  expect(asResponder.plaintexts).toHaveLength(7);
});

/** What the channel put into each transport frame, which starts with four bytes of length. */
const payloadsOf = ({ frames }: Recording) =>
  frames.map(({ from, frame }) => ({ from, bytes: decodeEnvelope(fromHex(frame).subarray(4)).payload }));

describe.each(PROVIDERS)('$name', (crypto) => {
  test('our initiator and a node of the original', () => {
    const [message1, message2, message3] = payloadsOf(asInitiator);
    const initiator = new InitiatorHandshake(party(crypto, asInitiator.static_secret, asInitiator.ephemeral_secret));
    expect(initiator.writeMessage1()).toEqual(message1!.bytes);
    expect(hex(initiator.readMessage2(message2!.bytes))).toBe(asInitiator.peer_payload);
    expect(initiator.writeMessage3(fromHex(asInitiator.payload))).toEqual(message3!.bytes);
    replay(initiator.finish(), asInitiator, [asInitiator.k2, asInitiator.k1]);
  });

  test('a node of the original and our responder', () => {
    const [message1, message2, message3] = payloadsOf(asResponder);
    const responder = new ResponderHandshake(party(crypto, asResponder.static_secret, asResponder.ephemeral_secret));
    responder.readMessage1(message1!.bytes);
    expect(responder.writeMessage2(fromHex(asResponder.payload))).toEqual(message2!.bytes);
    expect(hex(responder.readMessage3(message3!.bytes))).toBe(asResponder.peer_payload);
    replay(responder.finish(), asResponder, [asResponder.k1, asResponder.k2]);
  });

  function replay(keys: ChannelKeys, recording: Recording, [encryptKey, decryptKey]: [string, string]): void {
    expect(hex(keys.handshakeHash)).toBe(recording.h);
    expect(fingerprint(keys.encryptKey)).toBe(keyPrint(crypto, encryptKey));
    expect(fingerprint(keys.decryptKey)).toBe(keyPrint(crypto, decryptKey));
    const sealer = new FrameSealer(crypto, keys.encryptKey);
    const opener = new FrameOpener(crypto, keys.decryptKey);
    const frames = payloadsOf(recording).slice(3);
    expect(frames).toHaveLength(recording.plaintexts.length);
    frames.forEach(({ from, bytes }, index) => {
      const expected = recording.plaintexts[index]!;
      expect(from).toBe(expected.from);
      if (from === 'us') expect(concat(...sealer.seal([fromHex(expected.plaintext)]))).toEqual(bytes);
      else expect(hex(opener.open(bytes))).toBe(expected.plaintext);
      const isLast = index === frames.length - 1;
      expect(decodeChannelMessage(fromHex(expected.plaintext)).kind).toBe(isLast ? 'close' : 'payload');
    });
  }
});

test('what both presented is cut into its parts and put together again', () => {
  for (const { payload, peer_payload, change_history } of [asInitiator, asResponder]) {
    expect(hex(decodeIdentityAndCredentials(fromHex(payload)).changeHistory)).toBe(change_history);
    for (const text of [payload, peer_payload]) {
      expect(hex(encodeIdentityAndCredentials(decodeIdentityAndCredentials(fromHex(text))))).toBe(text);
    }
  }
});
