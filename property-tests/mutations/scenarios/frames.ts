// Frames of a channel that a hop on the way forges, alters and says again. Each message arrives once, and as it was sent.
import { everyone, type Message, route, secureChannel } from 'postern';
import { type Invariant, noNonceTwice, type Scenario } from 'postern/simulation';
import { channelWorld } from './channel.ts';
import { withPayload } from './parts.ts';

/** More than one key's worth; the last attack looks further back. */
const MESSAGES = 40;
const MESSAGES_LAST = 100;
const PAYLOAD_BYTES = 200;
/** Source: docs/protocol.md, Channels */
const FRAMES_PER_KEY = 32;

/** Sealed under one key: frames of one interval, or the two parts of a handshake message. */
const keysChange: Invariant = {
  name: 'a key seals 32 frames at most',
  check: ({ events }) => {
    const seals = new Map<string, number>();
    for (const [at, event] of events.entries()) {
      if (event.kind !== 'seal') continue;
      const count = (seals.get(event.keyHash) ?? 0) + 1;
      seals.set(event.keyHash, count);
      if (count > FRAMES_PER_KEY) return { invariant: keysChange.name, text: `${event.node} sealed one more.`, at };
    }
    return undefined;
  },
};

/** What is done to the frames towards the server: each by its number, and all that went before. */
type Attack = (frame: Message, index: number, before: readonly Message[]) => readonly Message[];

const flipped = (message: Message, at: number) => {
  const bytes = message.payload.slice();
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return withPayload(message, bytes);
};

const LAST = 'said again after 40 others';

/** The frame with a nonce that is so much larger: in its last byte, which must have the room. */
const ahead = (message: Message, by: number) => {
  const bytes = message.payload.slice();
  bytes[7] = (bytes[7] ?? 0) + by;
  return withPayload(message, bytes);
};

/** By name: what is done, and how many of the messages the channel may lose by it. */
const ATTACKS: Readonly<Record<string, { readonly loses: number; readonly attack: Attack }>> = {
  'altered, one in ten': { loses: 4, attack: (frame, index) => [index % 10 === 5 ? flipped(frame, 100) : frame] },
  'forged before each genuine one, under its nonce': { loses: 0, attack: (frame) => [flipped(frame, -1), frame] },
  // The next key opens the forged one, if anything does; the late one needs the key before the present one.
  'late, behind one that is forged far ahead': {
    loses: 0,
    attack: (frame, index, before) => (index === 10 ? [] : index === 35 ? [frame, ahead(frame, 32), ...before.slice(10, 11)] : [frame]),
  },
  'cut, one in ten': {
    loses: 4,
    attack: (frame, index) => [index % 10 === 5 ? withPayload(frame, frame.payload.slice(0, 4 + index)) : frame],
  },
  'said twice': { loses: 0, attack: (frame) => [frame, frame.again()] },
  // One of them is lost, so that a window that looks no further than 32 back would take another for it.
  [LAST]: {
    loses: 1,
    attack: (frame, index, before) =>
      index === 80 ? [] : index === 88 ? [frame, ...before.slice(48, 49).map((old) => old.again())] : [frame],
  },
};

export const scenario: Scenario = {
  name: 'frames',
  invariants: [noNonceTwice, keysChange],
  play: async (world) => {
    const { client, clientId, way, meddler, inbox, isThere } = await channelWorld(world);
    for (const [name, { loses, attack }] of Object.entries(ATTACKS)) {
      const channel = await secureChannel(client.node, way, { identity: clientId, trust: everyone });
      await world.pass('1s');
      const before: Message[] = [];
      inbox.length = 0;
      meddler.meddle = (message) => {
        if (!isThere(message)) return [message];
        const passed = attack(message, before.length, before);
        before.push(message);
        return passed;
      };
      const count = name === LAST ? MESSAGES_LAST : MESSAGES;
      const sent = Array.from({ length: count }, (_, index) => new Uint8Array(PAYLOAD_BYTES).fill(index));
      for (const payload of sent) await client.node.send(route(channel, 'inbox'), payload);
      await world.pass('1s');
      const texts = inbox.map((payload) => payload.join());
      const known = new Set(sent.map((payload) => payload.join()));
      if (texts.some((text) => !known.has(text))) throw new Error(`frames ${name}: a message was altered`);
      if (new Set(texts).size < texts.length) throw new Error(`frames ${name}: a message came twice`);
      if (texts.length < count - loses) throw new Error(`frames ${name}: only ${texts.length} messages came`);
      meddler.meddle = (message) => [message];
      await channel.close();
    }
  },
};
