import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CryptoProvider, X25519SecretKey } from '../../identities/crypto.ts';
import { nobleCrypto } from '../../identities/noble.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { InitiatorHandshake, ResponderHandshake } from '../../workers/secure-channel/handshake.ts';
import { SHARE } from '../full-counts.ts';
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

/** noble is 20 times slower, and the same code runs above it. */
const PROVIDERS = [
  { crypto: nodeCrypto, name: nodeCrypto.name, share: SHARE },
  { crypto: nobleCrypto, name: nobleCrypto.name, share: SHARE * 10 },
];

describe.each(PROVIDERS)('$name', ({ crypto, share }) => {
  const world = recordSession(crypto, 0x10);
  const { message1, message2, message3 } = world;
  const atMessage2 = () => beforeMessage2(world);
  const atMessage3 = (first?: Uint8Array) => beforeMessage3(world, first);

  /** Each was refused by the same object, so a success at the end says that none of them changed it. */
  const refusedByInitiator = (forgeries: Iterable<Uint8Array>) => {
    const initiator = atMessage2();
    for (const forged of forgeries) expect(refuses(() => initiator.readMessage2(forged))).toBe(true);
    expect(initiator.readMessage2(message2)).toEqual(PAYLOAD2);
    expect(initiator.writeMessage3(PAYLOAD3)).toEqual(message3);
  };
  const refusedByResponder = (forgeries: Iterable<Uint8Array>) => {
    const responder = atMessage3();
    for (const forged of forgeries) expect(refuses(() => responder.readMessage3(forged))).toBe(true);
    expect(responder.readMessage3(message3)).toEqual(PAYLOAD3);
    expect(responder.finish().handshakeHash).toEqual(world.keys.handshakeHash);
  };

  test('a flipped bit yields no session, and the genuine message still does', () => {
    for (const forged of flips(message1, share)) {
      const responder = atMessage3(forged);
      const answer = new ResponderHandshake(world.responderOptions());
      answer.readMessage1(forged);
      const forgedAnswer = answer.writeMessage2(PAYLOAD2);
      expect(refuses(() => atMessage2().readMessage2(forgedAnswer))).toBe(true);
      expect(refuses(() => responder.readMessage3(message3))).toBe(true);
    }
    refusedByInitiator(flips(message2, share));
    refusedByResponder(flips(message3, share));
  });

  test('a cut or longer message yields no session, and the genuine one still does', () => {
    for (const cut of cuts(message1, share)) {
      expect(refuses(() => new ResponderHandshake(world.responderOptions()).readMessage1(cut))).toBe(true);
    }
    refusedByInitiator([...cuts(message2, share), concat(message2, Uint8Array.of(0))]);
    refusedByResponder([...cuts(message3, share), concat(message3, Uint8Array.of(0))]);
  });

  test('any bytes at all are refused, and change nothing', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc.uint8Array({ minLength: 1, maxLength: 200 }).map((tail) => concat(message2.subarray(0, message2.length - tail.length), tail)),
      fc.uint8Array({ minLength: 1, maxLength: 200 }).map((tail) => concat(message3.subarray(0, message3.length - tail.length), tail)),
    );
    const notGenuine = bytes.filter((forged) => !equal(forged, message2) && !equal(forged, message3));
    fc.assert(
      fc.property(fc.array(notGenuine, { minLength: 1, maxLength: 5 }), (forgeries) => {
        refusedByInitiator(forgeries);
        refusedByResponder(forgeries);
      }),
      { numRuns: Math.max(10, 1000 / share) },
    );
  });

  test('only the genuine messages in order yield a session: all sequences of five over seven letters, both roles', () => {
    const other = recordSession(crypto, 0x40);
    let run = 0;
    for (let index = 0; index < SEQUENCES; index += share) {
      const { name, expected, keys } = playSequence(world, other, index);
      expect(keys !== undefined, name).toBe(expected);
      if (keys !== undefined) expect(keys.handshakeHash).toEqual(world.keys.handshakeHash);
      run += 1;
    }
    expect(run).toBe(Math.ceil(33_614 / share));
  });

  // Source: reliability.md CH18. The points of small order and their other encodings, RFC 7748 and Wycheproof.
  test.each(SMALL_ORDER)('a key of small order is refused as ephemeral and as static: %s', (digits) => {
    const publicKey = Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
    const weak: X25519SecretKey = { publicKey, diffieHellman: () => new Uint8Array(32) };
    const weakEphemeral: CryptoProvider = { ...crypto, importX25519: () => weak };

    const responder = new ResponderHandshake(world.responderOptions());
    responder.readMessage1(new InitiatorHandshake({ ...world.initiatorOptions(), crypto: weakEphemeral }).writeMessage1());
    expect(refuses(() => responder.writeMessage2(PAYLOAD2))).toBe(true);

    const weakResponder = new ResponderHandshake({ ...world.responderOptions(), crypto: weakEphemeral });
    weakResponder.readMessage1(message1);
    refusedByInitiator([weakResponder.writeMessage2(PAYLOAD2)]);
    const weakStatic = new ResponderHandshake({ ...world.responderOptions(), staticKey: weak });
    weakStatic.readMessage1(message1);
    refusedByInitiator([weakStatic.writeMessage2(PAYLOAD2)]);

    const weakInitiator = new InitiatorHandshake({ ...world.initiatorOptions(), staticKey: weak });
    weakInitiator.writeMessage1();
    weakInitiator.readMessage2(message2);
    refusedByResponder([weakInitiator.writeMessage3(PAYLOAD3)]);
  });
});

const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
