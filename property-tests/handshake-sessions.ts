import type { CryptoProvider } from '../identities/crypto.ts';
import { concat } from '../runtime/codec/bare.ts';
import { ChannelError } from '../workers/secure-channel/errors.ts';
import { FrameSealer } from '../workers/secure-channel/frame-sealer.ts';
import { type ChannelKeys, InitiatorHandshake, ResponderHandshake } from '../workers/secure-channel/handshake.ts';

export const PAYLOAD2 = new Uint8Array(300).fill(0xb2);
export const PAYLOAD3 = new Uint8Array(280).fill(0xa3);

export type RecordedSession = ReturnType<typeof recordSession>;

/** One genuine session with fixed secrets, and the ways to play either side of it again. */
export function recordSession(crypto: CryptoProvider, seed: number) {
  const secret = (offset: number) => new Uint8Array(32).fill(seed + offset);
  const options = (offset: number) => {
    const staticKey = crypto.importX25519(secret(offset));
    return () => ({ crypto, staticKey, random: { bytes: () => secret(offset + 1) } });
  };
  const initiatorOptions = options(0);
  const responderOptions = options(2);
  const initiator = new InitiatorHandshake(initiatorOptions());
  const responder = new ResponderHandshake(responderOptions());
  const message1 = initiator.writeMessage1();
  responder.readMessage1(message1);
  const message2 = responder.writeMessage2(PAYLOAD2);
  initiator.readMessage2(message2);
  const message3 = initiator.writeMessage3(PAYLOAD3);
  responder.readMessage3(message3);
  const keys = initiator.finish();
  const frame = concat(...new FrameSealer(crypto, keys.encryptKey).seal([new Uint8Array(40)]));
  return { message1, message2, message3, frame, initiatorOptions, responderOptions, keys };
}

/** A fresh initiator of a recorded session, just before message 2. */
export function beforeMessage2(session: RecordedSession): InitiatorHandshake {
  const initiator = new InitiatorHandshake(session.initiatorOptions());
  initiator.writeMessage1();
  return initiator;
}

/** A fresh responder of a recorded session, just before message 3. */
export function beforeMessage3(session: RecordedSession, message1: Uint8Array = session.message1): ResponderHandshake {
  const responder = new ResponderHandshake(session.responderOptions());
  responder.readMessage1(message1);
  responder.writeMessage2(PAYLOAD2);
  return responder;
}

/** Only the one refusal counts: any other error is a fault. */
export function refuses(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (error instanceof ChannelError && error.code === 'HANDSHAKE_REFUSED') return true;
    throw error;
  }
}

export function* flips(message: Uint8Array, step = 1): Generator<Uint8Array> {
  for (let bit = 0; bit < message.length * 8; bit += step) {
    const forged = message.slice();
    forged[bit >> 3]! ^= 1 << (bit & 7);
    yield forged;
  }
}

export function* cuts(message: Uint8Array, step = 1): Generator<Uint8Array> {
  for (let bytes = 0; bytes < message.length; bytes += step) yield message.subarray(0, bytes);
  yield message.subarray(0, message.length - 1);
}

const LETTERS = ['m1', 'm2', 'm3', 'frame', 'garbage', 'other', 'repeat'] as const;
const PLACES = 5;

/** All sequences of five over seven letters, for both roles. Source: reliability.md CH15 */
export const SEQUENCES = 2 * LETTERS.length ** PLACES;

/** Plays the sequence of that number. @returns its name, whether there should be a session, and the session if there is one */
export function playSequence(session: RecordedSession, other: RecordedSession, index: number) {
  const initiating = index % 2 === 0;
  const bytes = {
    m1: session.message1,
    m2: session.message2,
    m3: session.message3,
    frame: session.frame,
    garbage: new Uint8Array(64).fill(0x99),
    other: initiating ? other.message2 : other.message3,
  };
  let digits = Math.floor(index / 2);
  const played: (keyof typeof bytes)[] = [];
  for (let place = 0; place < PLACES; place++) {
    const letter = LETTERS[digits % LETTERS.length]!;
    digits = Math.floor(digits / LETTERS.length);
    const last = played.at(-1);
    if (letter !== 'repeat') played.push(letter);
    else if (last !== undefined) played.push(last);
  }
  const delivered = played.map((letter) => bytes[letter]);
  return {
    name: `${initiating ? 'initiator' : 'responder'}: ${played.join(' ')}`,
    // A first message proves nothing, so the responder is bound to whatever came first; the initiator waits for its one answer.
    expected: initiating ? played.includes('m2') : played[0] === 'm1' && played.slice(1).includes('m3'),
    keys: initiating
      ? initiate(beforeMessage2(session), delivered)
      : respond(new ResponderHandshake(session.responderOptions()), delivered),
  };
}

/** What a worker does with whatever arrives. */
function initiate(initiator: InitiatorHandshake, delivered: readonly Uint8Array[]): ChannelKeys | undefined {
  for (const message of delivered) {
    if (refuses(() => initiator.readMessage2(message))) continue;
    initiator.writeMessage3(PAYLOAD3);
    return initiator.finish();
  }
  return finishedTooEarly(initiator);
}

function respond(responder: ResponderHandshake, delivered: readonly Uint8Array[]): ChannelKeys | undefined {
  let answered = false;
  for (const message of delivered) {
    if (!answered) {
      if (refuses(() => responder.readMessage1(message))) continue;
      responder.writeMessage2(PAYLOAD2);
      answered = true;
    } else if (!refuses(() => responder.readMessage3(message))) {
      return responder.finish();
    }
  }
  return finishedTooEarly(responder);
}

/** Asks for keys that must not be there yet. */
function finishedTooEarly(handshake: InitiatorHandshake | ResponderHandshake): ChannelKeys | undefined {
  try {
    return handshake.finish();
  } catch (error) {
    if (error instanceof ChannelError) return undefined;
    throw error;
  }
}
