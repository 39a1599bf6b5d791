import { describe, expect, test } from 'vitest';
import { decodeCredential, encodeCredential } from '../../identities/credential.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { decodeEnvelope } from '../../runtime/codec/envelope.ts';
import { hex } from '../../runtime/random.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { seededRandom } from '../../simulation/random.ts';
import { decodeErrorBody, decodeRequest, decodeResponse, encodeResponse } from '../../workers/api/api-message.ts';
import { decodeIdentifiers, decodeMemberList, decodeOneTimeCode } from '../../workers/authority/bodies.ts';
import { decodeChannelMessage, decodeIdentityAndCredentials } from '../../workers/secure-channel/channel-message.ts';
import { FrameOpener } from '../../workers/secure-channel/frame-opener.ts';
import { InitiatorHandshake } from '../../workers/secure-channel/handshake.ts';
import { party } from './channel-parties.ts';
import { AuthorityCalls } from '../authority-calls.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface Recording {
  now: number;
  authority: Identifier;
  exchanges: { what: string; request: string; answer: string | null; status: number | null }[];
  channels: {
    name: string;
    k1: string;
    k2: string;
    identifier: Identifier;
    static_secret: string;
    ephemeral_secret: string;
    plaintexts: { from: 'us' | 'peer'; plaintext: string }[];
    frames: { from: 'us' | 'peer'; frame: string }[];
  }[];
}

const recording = readVectors<Recording>('recorded/authority.json');
const { exchanges, channels } = recording;

/** Who asked what, in the order of the recording. The original tells neither. */
const ASKED: readonly [what: string, service: string, caller: 'enroller' | 'member' | 'stranger' | 'first' | 'second' | 'third'][] = [
  ['list as enroller', 'direct_authenticator', 'enroller'],
  ['ids as enroller', 'direct_authenticator', 'enroller'],
  ['add bob', 'direct_authenticator', 'enroller'],
  ['show bob', 'direct_authenticator', 'enroller'],
  ['show stranger', 'direct_authenticator', 'enroller'],
  ['token defaults', 'enrollment_token_issuer', 'enroller'],
  ['token two uses ttl 60', 'enrollment_token_issuer', 'enroller'],
  ['token zero ttl', 'enrollment_token_issuer', 'enroller'],
  ['token for an enroller', 'enrollment_token_issuer', 'enroller'],
  ['unknown path', 'enrollment_token_issuer', 'enroller'],
  ['get on issuer', 'enrollment_token_issuer', 'enroller'],
  ['credential as enroller', 'credential_issuer', 'enroller'],
  ['list as stranger', 'direct_authenticator', 'stranger'],
  ['credential as stranger', 'credential_issuer', 'stranger'],
  ['token as stranger', 'enrollment_token_issuer', 'stranger'],
  ['redeem unknown', 'enrollment_token_acceptor', 'member'],
  ['redeem zero ttl', 'enrollment_token_acceptor', 'member'],
  ['redeem', 'enrollment_token_acceptor', 'member'],
  ['redeem again same', 'enrollment_token_acceptor', 'member'],
  ['redeem used by stranger', 'enrollment_token_acceptor', 'stranger'],
  ['credential as member', 'credential_issuer', 'member'],
  ['list as member', 'direct_authenticator', 'member'],
  ['two uses: first', 'enrollment_token_acceptor', 'first'],
  ['two uses: second', 'enrollment_token_acceptor', 'second'],
  ['two uses: third', 'enrollment_token_acceptor', 'third'],
  ['list after', 'direct_authenticator', 'enroller'],
  ['delete bob', 'direct_authenticator', 'enroller'],
  ['delete self', 'direct_authenticator', 'enroller'],
  ['delete bob again', 'direct_authenticator', 'enroller'],
  ['unknown service (no answer)', 'nobody', 'enroller'],
  ['delete with an empty path (no answer)', 'direct_authenticator', 'enroller'],
  ['delete all', 'direct_authenticator', 'enroller'],
  ['list at the end', 'direct_authenticator', 'enroller'],
  ['echo', 'echo', 'enroller'],
];

/** Where we do better, and why. */
const BETTER: Readonly<Record<string, string>> = {
  'delete with an empty path (no answer)':
    'an identifier that is none is answered with BadRequest: authority.md 1.5 allows it, and nobody waits',
};

const answerTo = (what: string) => exchanges.find((each) => each.what === what)!.answer!;
const codeIn = (what: string) => decodeOneTimeCode(decodeResponse(fromHex(answerTo(what))).body!);

const frameOf = ({ frame }: { frame: string }) => decodeEnvelope(fromHex(frame).subarray(4)).payload;

/**
 * The history that a channel's initiator showed in message 3. The recording has all secrets but no payload: sealing zeros in its
 * place gives what the payload was masked with.
 */
function historyIn(name: string): Uint8Array {
  const channel = channels.find((each) => each.name === name)!;
  const [message1, message2, message3] = channel.frames.map(frameOf);
  const initiator = new InitiatorHandshake(party(nodeCrypto, channel.static_secret, channel.ephemeral_secret));
  expect(initiator.writeMessage1()).toEqual(message1);
  initiator.readMessage2(message2!);
  const zeros = new Uint8Array(message3!.length - 64);
  const mask = initiator.writeMessage3(zeros);
  const payload = message3!.subarray(48, -16).map((byte, index) => byte ^ mask[48 + index]!);
  return decodeIdentityAndCredentials(payload).changeHistory;
}

test('all exchanges and channels are here', () => {
  expect(exchanges.map(({ what }) => what)).toEqual(ASKED.map(([what]) => what));
  expect(channels.map(({ frames, plaintexts }) => [frames.length, plaintexts.length])).toEqual([
    [43, 40],
    [11, 8],
  ]);
});

test('our authority answers each request as the original did', async () => {
  const [enroller, member] = channels.map(({ identifier }) => identifier);
  const plain = seededRandom(5);
  const codes = ['token defaults', 'token two uses ttl 60', 'token zero ttl', 'token for an enroller'].map(codeIn);
  // Codes are taken as they were recorded: requests that redeem them are.
  let isServing = false;
  const random = { bytes: (count: number) => (isServing && count === 32 ? (codes.shift() ?? plain.bytes(32)) : plain.bytes(count)) };
  const clock = new SimulatedClock({ epochSeconds: recording.now });
  const calls = await AuthorityCalls.make({
    clock,
    random,
    roles: 'plain',
    trusted: new Map([[enroller!, new Map([['ockam-role', 'enroller']])]]),
  });
  isServing = true;
  // The original also has an identity that exports traces, added by the authority as a normal member: authority.md 2.4
  const atFirst = decodeMemberList(decodeResponse(fromHex(answerTo('list as enroller'))).body!);
  const exporter = [...atFirst.keys()].find((identifier) => identifier !== enroller!)!;
  await calls.authority.membership.add('host', exporter, new Map());
  for (const { name, identifier } of channels) expect(await calls.identity.importHistory(historyIn(name))).toBe(identifier);

  const recordedAfter = [...decodeMemberList(decodeResponse(fromHex(answerTo('list after'))).body!)];
  // Who redeemed the ticket with two uses stands in the list that follows.
  const redeemers = recordedAfter.filter(([, { attributes }]) => attributes.get('a') === '1').map(([identifier]) => identifier);
  expect(redeemers).toHaveLength(2);
  const callers: Record<string, Identifier> = {
    enroller: enroller!,
    member: member!,
    stranger: `I${'5'.repeat(64)}`,
    first: redeemers[0]!,
    second: redeemers[1]!,
    third: `I${'3'.repeat(64)}`,
  };

  const better: string[] = [];
  for (const [what, service, caller] of ASKED) {
    const exchange = exchanges.find((each) => each.what === what)!;
    // A wrong code is answered late.
    const answer = await calls.ask(service, callers[caller], fromHex(exchange.request), 5_000);
    if (what in BETTER) {
      better.push(what);
      expect(exchange.answer).toBeNull();
      expect(decodeResponse(answer!).status, what).toBe(400);
      continue;
    }
    if (exchange.answer === null) {
      expect(answer, what).toBeUndefined();
      continue;
    }
    if (service === 'echo') {
      expect(hex(answer!)).toBe(exchange.answer);
      continue;
    }
    const [got, expected] = [decodeResponse(answer!), decodeResponse(fromHex(exchange.answer))];
    expect(got.re, what).toBe(decodeRequest(fromHex(exchange.request)).id);
    expect(got.status, what).toBe(exchange.status);
    const told = (body: Uint8Array | undefined) => like(what, body, calls.identity.identifier);
    expect(told(got.body), what).toEqual(told(expected.body));
    const isFixed = expected.body === undefined || exchange.status !== 200 || what.startsWith('token');
    // Ids of responses are random; nothing else is in such an answer.
    if (isFixed) expect(hex(encodeResponse({ ...got, id: expected.id })), what).toBe(exchange.answer);
  }
  expect(better).toEqual(Object.keys(BETTER));
});

/** What an answer says, without moments, order, signatures, and with the authority by its role. */
function like(what: string, body: Uint8Array | undefined, ours: Identifier): unknown {
  if (body === undefined) return undefined;
  const named = (identifier: Identifier | undefined) =>
    identifier === ours || identifier === recording.authority ? 'the authority' : identifier;
  if (what.startsWith('list as enroller') || what === 'list after' || what === 'list at the end') {
    const entries = [...decodeMemberList(body)].map(([identifier, { attributes, expiresAt, attestedBy }]) => ({
      identifier,
      attributes: [...attributes],
      expiresAt,
      attestedBy: named(attestedBy),
    }));
    return entries.sort((left, right) => (left.identifier < right.identifier ? -1 : 1));
  }
  if (what.startsWith('credential as enroller') || what === 'credential as member') {
    const credential = decodeCredential(body);
    expect(hex(encodeCredential(credential))).toBe(hex(body));
    const { subject, attributes, schema, createdAt, expiresAt, issuerKey } = credential;
    return {
      subject,
      attributes: [...attributes],
      schema,
      life: expiresAt - createdAt,
      issuer: named(issuerKey.subject),
      bytes: body.length,
    };
  }
  if (what === 'ids as enroller') return [...decodeIdentifiers(body)].sort();
  if (what === 'show bob') return hex(body).replace(/021a[0-9a-f]{8}/, '');
  return what.startsWith('token') && body[0] === 0xa1 ? hex(body) : body[0] === 0xa3 ? decodeErrorBody(body) : hex(body);
}

describe.each(channels)('the whole channel of the $name', ({ k1, k2, frames, plaintexts }) => {
  test('every frame opens to what was sent, and every exchange is one of those', () => {
    // The initiator was ours: it seals with the second key.
    const openers = {
      us: new FrameOpener(nodeCrypto, nodeCrypto.importAes256Gcm(fromHex(k2))),
      peer: new FrameOpener(nodeCrypto, nodeCrypto.importAes256Gcm(fromHex(k1))),
    };
    const opened = frames.slice(3).map(({ from, frame }) => ({ from, plaintext: hex(openers[from].open(frameOf({ frame }))) }));
    expect(opened).toEqual(plaintexts);
    const known = new Set(exchanges.flatMap(({ request, answer }) => [request, answer ?? '']));
    for (const { plaintext } of plaintexts) {
      const message = decodeChannelMessage(fromHex(plaintext));
      if (message.kind === 'payload') expect(known).toContain(hex(message.payload));
    }
  });
});
