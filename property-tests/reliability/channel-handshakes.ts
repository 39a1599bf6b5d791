import type { X25519SecretKey } from '../../identities/crypto.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { hex } from '../../runtime/random.ts';
import { InitiatorHandshake, ResponderHandshake } from '../../workers/secure-channel/handshake.ts';
import {
  beforeMessage2,
  beforeMessage3,
  cuts,
  flips,
  PAYLOAD2,
  PAYLOAD3,
  playSequence,
  recordSession,
  refuses,
  SEQUENCES,
} from '../handshake-sessions.ts';
import { party } from '../vectors/channel-parties.ts';
import { fromHex, readVectors } from '../vectors/read-vectors.ts';
import { inTurn, type Row } from './row.ts';

const confusion: Row = {
  id: 'CH15',
  about: 'every sequence of five messages, for both roles: a session only of the genuine ones in order',
  full: SEQUENCES,
  run: ({ count, seed }) => {
    const session = recordSession(nodeCrypto, 0x10);
    const other = recordSession(nodeCrypto, 0x40);
    const step = Math.floor(SEQUENCES / count);
    return inTurn(count, async (index) => {
      const { name, expected, keys } = playSequence(session, other, (index * step + seed) % SEQUENCES);
      if ((keys !== undefined) !== expected) return name;
      return keys === undefined || hex(keys.handshakeHash) === hex(session.keys.handshakeHash) ? undefined : `${name}: another session`;
    });
  },
};

const session = recordSession(nodeCrypto, 0x10);
const longer = (message: Uint8Array) => concat(message, Uint8Array.of(0));

/** Every forgery of each message, as something that tells what is wrong when it is delivered. */
function* forgeries(): Generator<() => string | undefined> {
  const genuineStill = (isRefused: boolean, read: () => Uint8Array, payload: Uint8Array) => {
    if (!isRefused) return 'the forged message was accepted';
    return hex(read()) === hex(payload) ? undefined : 'the genuine message was refused';
  };
  for (const forged of flips(session.message1)) {
    yield () => {
      const answer = new ResponderHandshake(session.responderOptions());
      answer.readMessage1(forged);
      const message2 = answer.writeMessage2(PAYLOAD2);
      if (!refuses(() => beforeMessage2(session).readMessage2(message2))) return 'an answer to a forged message 1 was accepted';
      return refuses(() => beforeMessage3(session, forged).readMessage3(session.message3)) ? undefined : 'message 3 was accepted';
    };
  }
  for (const cut of cuts(session.message1)) {
    yield () => (refuses(() => new ResponderHandshake(session.responderOptions()).readMessage1(cut)) ? undefined : 'a cut message 1');
  }
  yield () => {
    const answer = new ResponderHandshake(session.responderOptions());
    answer.readMessage1(longer(session.message1));
    const message2 = answer.writeMessage2(PAYLOAD2);
    return refuses(() => beforeMessage2(session).readMessage2(message2)) ? undefined : 'a longer message 1 yields a session';
  };
  const initiator = beforeMessage2(session);
  for (const forged of [...flips(session.message2), ...cuts(session.message2), longer(session.message2)]) {
    yield () => (refuses(() => initiator.readMessage2(forged)) ? undefined : 'a forged message 2');
  }
  yield () => genuineStill(true, () => initiator.readMessage2(session.message2), PAYLOAD2);
  const responder = beforeMessage3(session);
  for (const forged of [...flips(session.message3), ...cuts(session.message3), longer(session.message3)]) {
    yield () => (refuses(() => responder.readMessage3(forged)) ? undefined : 'a forged message 3');
  }
  yield () => genuineStill(true, () => responder.readMessage3(session.message3), PAYLOAD3);
}

const MUTATIONS = [...forgeries()].length;

const mutations: Row = {
  id: 'CH17',
  about: 'every bit of every handshake message flipped, every cut, a byte more: no session, and the genuine message still makes one',
  full: MUTATIONS,
  run: ({ count }) => {
    const all = [...forgeries()];
    const step = Math.floor(all.length / count);
    // From the end, so that the two genuine messages come after what was forged, whatever the step.
    const chosen = all.filter((_, index) => (all.length - 1 - index) % step === 0).slice(-count);
    return inTurn(chosen.length, async (index) => chosen[index]?.());
  },
};

interface LowOrderCases {
  testGroups: { tests: { public: string; flags: string[] }[] }[];
}

function lowOrderPoints(): Uint8Array[] {
  const { testGroups } = readVectors<LowOrderCases>('wycheproof/x25519_test.json');
  const tests = testGroups.flatMap((group) => group.tests).filter(({ flags }) => flags.includes('ZeroSharedSecret'));
  return tests.map((each) => fromHex(each.public));
}

const lowOrder: Row = {
  id: 'CH18',
  about: 'the 31 points of small order of Wycheproof, as ephemeral and as static key: refused',
  full: 62,
  run: ({ count }) => {
    const points = lowOrderPoints();
    return inTurn(count, async (index) => {
      const publicKey = points[index >> 1];
      if (publicKey === undefined) return 'no such case';
      const weak: X25519SecretKey = { publicKey, diffieHellman: () => new Uint8Array(32) };
      const crypto = { ...nodeCrypto, importX25519: () => weak };
      const asInitiator = index % 2 === 0 ? { ...session.initiatorOptions(), crypto } : { ...session.initiatorOptions(), staticKey: weak };
      const asResponder = index % 2 === 0 ? { ...session.responderOptions(), crypto } : { ...session.responderOptions(), staticKey: weak };
      const responder = new ResponderHandshake(asResponder);
      responder.readMessage1(session.message1);
      const message2 = responder.writeMessage2(PAYLOAD2);
      if (!refuses(() => beforeMessage2(session).readMessage2(message2))) return `initiator: ${hex(publicKey)}`;
      const initiator = new InitiatorHandshake(asInitiator);
      const message1 = initiator.writeMessage1();
      const genuine = new ResponderHandshake(session.responderOptions());
      genuine.readMessage1(message1);
      if (index % 2 === 0) return refuses(() => genuine.writeMessage2(PAYLOAD2)) ? undefined : `responder: ${hex(publicKey)}`;
      initiator.readMessage2(genuine.writeMessage2(PAYLOAD2));
      const message3 = initiator.writeMessage3(PAYLOAD3);
      return refuses(() => genuine.readMessage3(message3)) ? undefined : `responder: ${hex(publicKey)}`;
    });
  },
};

interface NoiseSession {
  protocol_name: string;
  init_static: string;
  init_ephemeral: string;
  resp_static: string;
  resp_ephemeral: string;
  messages: { ciphertext: string }[];
}

const downgrade: Row = {
  id: 'CH22',
  about: 'the 56 sessions of sibling suites and the plain Noise name: no session with any of them',
  full: 57,
  run: ({ count }) => {
    const { vectors } = readVectors<{ vectors: NoiseSession[] }>('noise/xx_25519_other_suites.json');
    return inTurn(count, async (index) => {
      const vector = vectors[index];
      if (vector === undefined) return faultOfOtherName('Noise_XX_25519_AESGCM_SHA256');
      const [message1, message2, message3] = vector.messages.map(({ ciphertext }) => fromHex(ciphertext));
      if (message1 === undefined || message2 === undefined || message3 === undefined) return 'no such messages';
      const initiator = new InitiatorHandshake(party(nodeCrypto, vector.init_static, vector.init_ephemeral));
      initiator.writeMessage1();
      if (!refuses(() => initiator.readMessage2(message2))) return `${vector.protocol_name}: message 2`;
      const responder = new ResponderHandshake(party(nodeCrypto, vector.resp_static, vector.resp_ephemeral));
      responder.readMessage1(message1);
      responder.writeMessage2(PAYLOAD2);
      return refuses(() => responder.readMessage3(message3)) ? undefined : `${vector.protocol_name}: message 3`;
    });
  },
};

function faultOfOtherName(protocolName: string): string | undefined {
  const responder = new ResponderHandshake({ ...session.responderOptions(), protocolName });
  responder.readMessage1(session.message1);
  const message2 = responder.writeMessage2(PAYLOAD2);
  return refuses(() => beforeMessage2(session).readMessage2(message2)) ? undefined : protocolName;
}

/** Channels, of reliability.md 2.4: what concerns the three messages alone. */
export const rows: readonly Row[] = [confusion, mutations, lowOrder, downgrade];
