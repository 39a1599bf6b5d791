import { describe, expect, test } from 'vitest';
import type { CryptoProvider } from '../../identities/crypto.ts';
import { BareReader, bareData, bareString, concat } from '../../runtime/codec/bare.ts';
import { hex } from '../../runtime/random.ts';
import {
  type ChannelMessage,
  decodeChannelMessage,
  decodeIdentityAndCredentials,
  encodeClose,
  encodeIdentityAndCredentials,
  encodePayloadHead,
  encodeRefreshCredentials,
  PAYLOAD_TAIL,
} from '../../workers/secure-channel/channel-message.ts';
import { ChannelError } from '../../workers/secure-channel/errors.ts';
import { nonceDistance, nonceHalves } from '../../workers/secure-channel/frame-nonce.ts';
import { FrameOpener } from '../../workers/secure-channel/frame-opener.ts';
import { FrameSealer } from '../../workers/secure-channel/frame-sealer.ts';
import { InitiatorHandshake, ResponderHandshake } from '../../workers/secure-channel/handshake.ts';
import { keyFor } from '../../workers/secure-channel/key-schedule.ts';
import { rekey } from '../../workers/secure-channel/noise/cipher-state.ts';
import { SymmetricState } from '../../workers/secure-channel/noise/symmetric-state.ts';
import { NonceWindow } from '../../workers/secure-channel/nonce-window.ts';
import { fingerprint, keyPrint, party, PROVIDERS } from './channel-parties.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface Final {
  h: string;
  ck: string;
  k1: string;
  k2: string;
}
interface OriginalHandshake {
  id: string;
  initiator_static_secret: string;
  initiator_ephemeral_secret: string;
  responder_static_secret: string;
  responder_ephemeral_secret: string;
  payloads: [string, string, string];
  messages: [string, string, string];
  derived_final: Final;
}
interface Side {
  static_secret: string;
  static_public: string;
  ephemeral_secret: string;
  payload: string;
}
type State = Partial<Record<'h' | 'ck' | 'k', string>>;
interface DerivedHandshake {
  id: string;
  protocol_name: string;
  initiator: Side;
  responder: Side;
  message1: string;
  message2: string;
  message3: string;
  responder_states: Record<string, State>;
  initiator_states: Record<string, State>;
  final: Final;
}
interface Operations {
  operations: { nonce: number | string; accepted: boolean }[];
}
interface File {
  initial_state: { protocol_name_bytes: string; h: string; ck: string }[];
  handshakes: (OriginalHandshake | DerivedHandshake)[];
  plaintext_messages: { id: string; plaintext: string }[];
  data_phase: {
    handshake: string;
    messages: { from: 'initiator' | 'responder'; nonce: number; key: 'k1' | 'k2'; plaintext: string; ciphertext: string }[];
  };
  rekey: { initial_key: string; keys: string[]; messages: { nonce: number; plaintext: string; ciphertext: string }[] };
  nonce_window: { original: Operations; derived: Operations[] };
  key_selection: {
    renewal_interval: number;
    groups: {
      rekeys_so_far: number;
      has_previous_key: boolean;
      cases: { nonce: number | string; key: 'current' | 'previous' | 'next' | 'error' }[];
    }[];
  };
  decryptor_sequences: { key: string; sequences: { message_nonce: number; tampered?: boolean; accepted: boolean }[][] };
  routes: { steps: unknown[] };
  local_info: { identifier: string; data: string };
  api_bodies: { request_bytes_010203: string; response_ok_010203: string };
}

// `routes` are run by channel-routes.test.ts, over two nodes. `rekey.key_exchange_only` is a mode that is not offered
// (reliability.md CH11).
const file = readVectors<File>('secure-channel/secure-channel.json');
const windowCases = [file.nonce_window.original, ...file.nonce_window.derived];
const original = file.handshakes.filter((handshake) => 'messages' in handshake);
const derived = file.handshakes.filter((handshake) => 'final' in handshake);

test('all cases are here', () => {
  expect(file.initial_state).toHaveLength(2);
  expect(original).toHaveLength(2);
  expect(derived).toHaveLength(2);
  expect(file.plaintext_messages).toHaveLength(7);
  expect(file.data_phase.messages).toHaveLength(5);
  expect(file.rekey.keys).toHaveLength(5);
  expect(file.rekey.messages).toHaveLength(11);
  expect(windowCases.map(({ operations }) => operations.length)).toEqual([77, 9, 8]);
  expect(file.key_selection.groups.map(({ cases }) => cases.length)).toEqual([6, 10, 1]);
  expect(file.decryptor_sequences.sequences).toHaveLength(6);
  expect(file.routes.steps).toHaveLength(21);
});

describe.each(PROVIDERS)('$name', (crypto) => {
  test.each(file.initial_state)('initial state', ({ protocol_name_bytes, h, ck }) => {
    const name = new TextDecoder().decode(fromHex(protocol_name_bytes)).replaceAll('\0', '');
    const { chain, watched } = watch(crypto);
    const state = SymmetricState.initialize(watched, name);
    state.mixHash(new Uint8Array(0));
    expect(hex(state.handshakeHash)).toBe(h);
    state.split();
    expect(chain[0]?.salt).toBe(ck);
  });

  test.each(original)('$id', (vector) => {
    const name = 'Noise_XX_25519_AESGCM_SHA256';
    const [payload1, payload2, payload3] = vector.payloads;
    const initiator = new InitiatorHandshake(party(crypto, vector.initiator_static_secret, vector.initiator_ephemeral_secret, name));
    const responder = new ResponderHandshake(party(crypto, vector.responder_static_secret, vector.responder_ephemeral_secret, name));
    shake(initiator, responder, [payload1, payload2, payload3], vector.messages);
    expectFinal(crypto, initiator, responder, vector.derived_final);
  });

  test.each(derived)('$id, with every intermediate state', (vector) => {
    const initiatorSide = watch(crypto);
    const responderSide = watch(crypto);
    const initiator = new InitiatorHandshake(
      party(initiatorSide.watched, vector.initiator.static_secret, vector.initiator.ephemeral_secret, vector.protocol_name),
    );
    const responder = new ResponderHandshake(
      party(responderSide.watched, vector.responder.static_secret, vector.responder.ephemeral_secret, vector.protocol_name),
    );
    const { initiator_states: ofInitiator, responder_states: ofResponder } = vector;
    expect(hex(initiator.handshakeHash)).toBe(ofInitiator['init']!.h);
    expect(hex(responder.handshakeHash)).toBe(ofResponder['init']!.h);
    const hashes = shake(
      initiator,
      responder,
      ['', vector.responder.payload, vector.initiator.payload],
      [vector.message1, vector.message2, vector.message3],
    );
    expect(hashes).toEqual([ofResponder['after message 1']!.h, ofResponder['after message 2']!.h, ofInitiator['after message 3']!.h]);
    // Both sides went through ee, es and se, in this order.
    const steps = [ofResponder['after ee']!, ofResponder['after es']!, ofInitiator['after se']!];
    for (const { chain } of [initiatorSide, responderSide]) {
      expect(chain.slice(0, 3).map(({ pieces }) => pieces)).toEqual(steps.map(({ ck, k }) => [ck, k]));
    }
    expect(hex(initiator.remoteStaticKey!)).toBe(vector.responder.static_public);
    expect(hex(responder.remoteStaticKey!)).toBe(vector.initiator.static_public);
    expectFinal(crypto, initiator, responder, vector.final);
    expect(initiatorSide.chain.at(-1)).toEqual({ salt: vector.final.ck, pieces: [vector.final.k1, vector.final.k2] });
    for (const { payload } of [vector.initiator, vector.responder]) {
      expect(hex(encodeIdentityAndCredentials(decodeIdentityAndCredentials(fromHex(payload))))).toBe(payload);
    }
  });

  test('data phase', () => {
    const { k1, k2 } = derived.find(({ id }) => id === file.data_phase.handshake)!.final;
    const key = { k1: crypto.importAes256Gcm(fromHex(k1)), k2: crypto.importAes256Gcm(fromHex(k2)) };
    const sealers = { initiator: new FrameSealer(crypto, key.k2), responder: new FrameSealer(crypto, key.k1) };
    const openers = { initiator: new FrameOpener(crypto, key.k2), responder: new FrameOpener(crypto, key.k1) };
    for (const { from, plaintext, ciphertext } of file.data_phase.messages) {
      expect(hex(concat(...sealers[from].seal([fromHex(plaintext)])))).toBe(ciphertext);
      expect(hex(openers[from].open(fromHex(ciphertext)))).toBe(plaintext);
      expect(hex(encodeAgain(decodeChannelMessage(fromHex(plaintext))))).toBe(plaintext);
    }
  });

  test('rekey', () => {
    const key = crypto.importAes256Gcm(fromHex(file.rekey.initial_key));
    let chained = key;
    for (const expected of file.rekey.keys) {
      expect(fingerprint(chained)).toBe(keyPrint(crypto, expected));
      chained = rekey(crypto, chained);
    }
    const sealed = sealAll(crypto, file.rekey.initial_key, Math.max(...file.rekey.messages.map(({ nonce }) => nonce)) + 1);
    for (const { nonce, ciphertext } of file.rekey.messages) expect(hex(sealed[nonce]!)).toBe(ciphertext);
  });

  test.each(file.decryptor_sequences.sequences.map((steps, index) => ({ index, steps })))('receiving sequence $index', ({ steps }) => {
    const { key } = file.decryptor_sequences;
    const opener = new FrameOpener(crypto, crypto.importAes256Gcm(fromHex(key)));
    const sealed = sealAll(crypto, key, 129);
    const verdicts = steps.map(({ message_nonce, tampered }) => {
      const frame = sealed[message_nonce]!.slice();
      if (tampered === true) frame[frame.length - 1]! ^= 0x80;
      return accepts(() => opener.open(frame));
    });
    expect(verdicts).toEqual(steps.map(({ accepted }) => accepted));
  });
});

test.each(file.plaintext_messages)('plaintext $id', ({ plaintext }) => {
  expect(hex(encodeAgain(decodeChannelMessage(fromHex(plaintext))))).toBe(plaintext);
});

test.each(windowCases.map(({ operations }, index) => ({ index, operations })))('window sequence $index', ({ operations }) => {
  const window = new NonceWindow();
  for (const { nonce, accepted } of operations) {
    const [high, low] = nonceHalves(BigInt(nonce));
    const verdict = window.check(high, low);
    expect(verdict === 'newest' || verdict === 'late').toBe(accepted);
    if (accepted) window.accept(high, low);
  }
});

test.each(file.key_selection.groups)('key choice after $rekeys_so_far changes', ({ rekeys_so_far, has_previous_key, cases }) => {
  // The last group, where the number of changes is used up, cannot be reached with 64-bit nonces: nothing lies beyond.
  const interval = file.key_selection.renewal_interval;
  for (const { nonce, key } of cases) {
    const [high, low] = nonceHalves(BigInt(nonce));
    const chosen = keyFor(nonceDistance(high, low, 0, rekeys_so_far * interval), interval) ?? 'error';
    expect(chosen === 'previous' && !has_previous_key ? 'error' : chosen).toBe(key);
  }
});

test('bodies in BARE: local info, and those of the API addresses, which are not offered', () => {
  expect(hex(bareString(file.local_info.identifier))).toBe(file.local_info.data);
  const bytes = fromHex('010203');
  expect(hex(bareData(bytes))).toBe(file.api_bodies.request_bytes_010203);
  expect(hex(concat(Uint8Array.of(0), bareData(bytes)))).toBe(file.api_bodies.response_ok_010203);
  expect(new BareReader(fromHex(file.local_info.data)).remaining).toBe(66);
});

/** A provider that writes down the chaining keys that go through it. */
function watch(crypto: CryptoProvider) {
  const chain: { salt: string; pieces: string[] }[] = [];
  const watched: CryptoProvider = {
    ...crypto,
    hkdfSha256: (salt, input, pieceCount) => {
      const pieces = crypto.hkdfSha256(salt, input, pieceCount);
      chain.push({ salt: hex(salt), pieces: pieces.map(hex) });
      return pieces;
    },
  };
  return { chain, watched };
}

/** @returns h after each message */
function shake(
  initiator: InitiatorHandshake,
  responder: ResponderHandshake,
  payloads: readonly [string, string, string],
  messages: readonly [string, string, string],
): string[] {
  const [payload1, payload2, payload3] = payloads.map(fromHex) as [Uint8Array, Uint8Array, Uint8Array];
  const [message1, message2, message3] = messages;
  const hashes: string[] = [];
  expect(hex(initiator.writeMessage1(payload1))).toBe(message1);
  responder.readMessage1(fromHex(message1));
  hashes.push(hex(initiator.handshakeHash));
  expect(hex(responder.writeMessage2(payload2))).toBe(message2);
  expect(initiator.readMessage2(fromHex(message2))).toEqual(payload2);
  hashes.push(hex(initiator.handshakeHash));
  expect(hex(initiator.writeMessage3(payload3))).toBe(message3);
  expect(responder.readMessage3(fromHex(message3))).toEqual(payload3);
  hashes.push(hex(responder.handshakeHash));
  return hashes;
}

function expectFinal(crypto: CryptoProvider, initiator: InitiatorHandshake, responder: ResponderHandshake, final: Final): void {
  const ofInitiator = initiator.finish();
  const ofResponder = responder.finish();
  expect(hex(ofInitiator.handshakeHash)).toBe(final.h);
  expect(hex(ofResponder.handshakeHash)).toBe(final.h);
  for (const key of [ofInitiator.encryptKey, ofResponder.decryptKey]) expect(fingerprint(key)).toBe(keyPrint(crypto, final.k2));
  for (const key of [ofInitiator.decryptKey, ofResponder.encryptKey]) expect(fingerprint(key)).toBe(keyPrint(crypto, final.k1));
}

/** Frame n holds the one byte n. */
function sealAll(crypto: CryptoProvider, key: string, count: number): Uint8Array[] {
  const sealer = new FrameSealer(crypto, crypto.importAes256Gcm(fromHex(key)));
  return Array.from({ length: count }, (_, nonce) => concat(...sealer.seal([Uint8Array.of(nonce)])));
}

function encodeAgain(message: ChannelMessage): Uint8Array {
  switch (message.kind) {
    case 'payload':
      return concat(encodePayloadHead(message.onward, message.returnRoute, message.payload.length), message.payload, PAYLOAD_TAIL);
    case 'refreshCredentials':
      return encodeRefreshCredentials(message.changeHistory, message.credentials);
    case 'close':
      return encodeClose();
  }
}

function accepts(open: () => void): boolean {
  try {
    open();
    return true;
  } catch (error) {
    if (error instanceof ChannelError && error.code === 'FRAME_REFUSED') return false;
    throw error;
  }
}
