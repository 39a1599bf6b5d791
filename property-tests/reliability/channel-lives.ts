import { everyone } from '../../identities/trust.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { Message } from '../../runtime/message.ts';
import { route } from '../../runtime/route.ts';
import { seededRandom } from '../../simulation/random.ts';
import { channelSession } from '../../workers/secure-channel/channel-session.ts';
import { ChannelWorld, type Meddle, untouched, withPayload } from '../channel-world.ts';
import { codeOf, inTurn, type Row, Tally } from './row.ts';

const CANARY_BYTES = 32;

const recorded: Row = {
  id: 'CH1',
  about: 'payloads with a canary through a relay that records: the canary, its hex and its base64 are nowhere in what it saw',
  full: 1_000,
  run: async ({ count, seed }) => {
    const world = await ChannelWorld.make({ seed });
    const canary = Buffer.from(seededRandom(seed).bytes(CANARY_BYTES));
    let seen: Buffer[] = [];
    for (const [from, to] of [
      ['near', 'mid'],
      ['mid', 'near'],
      ['mid', 'far'],
      ['far', 'mid'],
    ] as const) {
      world.network.tamper(from, to, (bytes) => {
        seen.push(Buffer.from(bytes));
        return [bytes];
      });
    }
    const channel = await world.open();
    const forms = [canary, Buffer.from(canary.toString('hex')), Buffer.from(canary.toString('base64'))];
    const result = await inTurn(count, async (index) => {
      const payload = Buffer.concat([Buffer.from([index & 0xff]), canary, Buffer.alloc(index % 500)]);
      const asked = world.near.request(route(channel, 'echo'), payload, { timeoutMs: 1_000 });
      const answer = await world.clock.runUntil(asked);
      if (!payload.equals(answer.payload)) return 'another payload came back';
      const everything = Buffer.concat(seen);
      seen = [everything.subarray(-4_096)];
      if (everything.length < payload.length) return 'nothing was recorded';
      return forms.some((form) => everything.includes(form)) ? 'the canary was seen' : undefined;
    });
    await world.stop();
    return result;
  },
};

/** Counts what Alice sends to `count` at Bob's and what Bob sends to `count` at Alice's. */
function countAt(world: ChannelWorld) {
  const seen = { near: 0, far: 0 };
  world.far.start('count', { onMessage: () => void (seen.far += 1) });
  world.far.publish('count', { on: world.channels, allow: allowEveryone });
  world.near.start('count', { onMessage: () => void (seen.near += 1) });
  return seen;
}

/** Where frames for the two ends of a channel go, seen from the relay; known once both have sent one. */
function watchWays(world: ChannelWorld) {
  const ways: { there?: Message; back?: Message } = {};
  world.relay.meddle = (message, direction) => {
    ways[direction] = message;
    return [message];
  };
  return ways;
}

const replayedElsewhere: Row = {
  id: 'CH4',
  about: 'frames of one channel into another one, into its other direction, and after a restart: none accepted',
  full: 3_000,
  run: async ({ count, seed }) => {
    const world = await ChannelWorld.make({ seed });
    const seen = countAt(world);
    const frames: Uint8Array[] = [];
    const share = Math.ceil(count / 3);
    const first = await world.open();
    world.near.publish('count', { on: first, allow: allowEveryone });
    world.relay.meddle = (message, direction) => {
      if (direction === 'there') frames.push(message.payload.slice());
      return [message];
    };
    for (let index = 0; index < share; index++) await world.clock.runUntil(world.near.send(route(first, 'count'), Uint8Array.of(index)));
    await world.pass(1_000);
    const tally = new Tally();
    const replay = async (what: string, way: Message | undefined) => {
      if (way === undefined) {
        tally.add(`${what}: no way was seen`);
        return;
      }
      for (let index = 0; index < share && tally.attempted < count; index++) {
        const before = { ...seen };
        const refused = world.near.deadLetters.count('refused') + world.far.deadLetters.count('refused');
        world.relay.inject(withPayload(way, frames[index % frames.length] ?? new Uint8Array(0)));
        await world.pass(3);
        const isRefused = world.near.deadLetters.count('refused') + world.far.deadLetters.count('refused') === refused + 1;
        tally.add(isRefused && seen.near === before.near && seen.far === before.far ? undefined : `${what}: frame ${index}`);
      }
    };
    const ways = watchWays(world);
    if (seen.far !== share || !(await world.echoes(first))) tally.add('the frames did not arrive the first time');
    await replay('other direction', ways.back);
    const second = await world.open();
    await world.echoes(second);
    await replay('other channel', ways.there);
    await world.clock.runUntil(Promise.all([first.close(), second.close()]));
    // Both ends have forgotten everything; their identities and static keys are the same.
    const third = await world.open();
    await world.echoes(third);
    await replay('after a restart', ways.there);
    await world.stop();
    return tally.result;
  },
};

const LOSSES = [33, 40, 1_000];

const wedged: Row = {
  id: 'CH6',
  about: 'after 33, 40 or 1,000 frames lost in a row: noticed within 10 s, traffic again within 15 s',
  full: 30,
  run: ({ count, seed }) =>
    inTurn(count, async (index, tally) => {
      const world = await ChannelWorld.make({ seed: seed + index });
      const losing = index % 2 === 0 ? 'there' : 'back';
      const losses = LOSSES[index % LOSSES.length] ?? 33;
      const session = channelSession(world.near, world.way, { identity: world.alice, trust: everyone, isNeeded: true });
      await world.until(() => session.state === 'up', 5_000);
      await world.pass(1_000);
      let left = losses;
      world.relay.meddle = (message, direction) => (direction === losing && left-- > 0 ? [] : [message]);
      let answered = 0;
      const ask = () => {
        const { current } = session;
        if (current === undefined) return;
        void world.near.request(route(current, 'echo'), Uint8Array.of(1), { timeoutMs: 900 }).then(
          () => (answered += 1),
          () => undefined,
        );
      };
      // As fast as it takes to lose them all within a second, then twice a second.
      for (let sent = 0; sent < losses; sent++) {
        ask();
        if (sent % 50 === 0) await world.pass(10);
      }
      await world.pass(100);
      const before = answered;
      let noticedMs = session.state === 'up' ? undefined : 0;
      session.onStatus(({ state }) => {
        if (state !== 'up') noticedMs ??= world.clock.monotonicMs() - startMs;
      });
      const startMs = world.clock.monotonicMs();
      while (answered === before && world.clock.monotonicMs() - startMs < 20_000) {
        ask();
        await world.pass(500);
      }
      const againMs = world.clock.monotonicMs() - startMs;
      await world.stop();
      tally.measured(againMs, 'ms until traffic');
      if (noticedMs === undefined || noticedMs > 10_000) return `${losses} ${losing}: noticed after ${noticedMs} ms`;
      return againMs <= 15_000 ? undefined : `${losses} ${losing}: traffic after ${againMs} ms`;
    }),
};

const FORGERIES = ['message 2', 'garbage for message 3', 'a genuine head of message 3'] as const;

const forgedFirst: Row = {
  id: 'CH16',
  about: 'a forged message 2 or 3 before the genuine one: a channel, or an error, within 1 s',
  full: 600,
  run: async ({ count, seed }) => {
    const world = await ChannelWorld.make({ seed });
    const random = seededRandom(seed);
    const result = await inTurn(count, async (index, tally) => {
      const kind = FORGERIES[index % FORGERIES.length];
      const { there, back } = world.relay.counts;
      world.relay.meddle = (message, direction, at) => {
        const isTarget = kind === 'message 2' ? direction === 'back' && at === back : direction === 'there' && at === there + 1;
        if (!isTarget) return [message];
        const forged = kind === 'garbage for message 3' ? random.bytes(message.payloadBytes) : message.payload.slice();
        const [where = 0] = random.bytes(1);
        const from = kind === 'message 2' ? 0 : 48;
        forged[from + (where % (forged.length - from))]! ^= 1 + (where & 0x7f);
        return [withPayload(message, forged), message];
      };
      const startMs = world.clock.monotonicMs();
      const channel = await world.open({ handshakeTimeoutMs: 1_000 });
      const answers = await world.echoes(channel, 1, 1_000);
      const tookMs = world.clock.monotonicMs() - startMs;
      tally.measured(tookMs, 'ms');
      world.relay.meddle = untouched;
      await world.clock.runUntil(channel.close());
      await world.pass(20);
      if (world.channels.channels.size > 0) return `${kind}: a channel is left`;
      return answers && tookMs <= 1_000 ? undefined : `${kind}: ${answers ? `after ${tookMs} ms` : 'no answer'}`;
    });
    await world.stop();
    return result;
  },
};

const REFLECTIONS = ['message 1', 'message 2', 'message 3', 'own listener'] as const;

const reflected: Row = {
  id: 'CH19',
  about: 'messages reflected to whoever sent them make no session, and one’s own identity is refused',
  full: 40,
  run: ({ count, seed }) =>
    inTurn(count, async (index) => {
      const world = await ChannelWorld.make({ seed: seed + index });
      const kind = REFLECTIONS[index % REFLECTIONS.length] ?? 'message 1';
      if (kind === 'own listener') {
        const own = world.open({ identity: world.bob });
        const fault = await own.then(
          () => 'a channel with oneself',
          (thrown: unknown) => (codeOf(thrown) === 'PEER_REFUSED' ? undefined : codeOf(thrown)),
        );
        const allowed = await world.open({ identity: world.bob, allowSelf: true });
        await world.pass(50);
        const isRefusedThere = world.channels.channels.size === 0 && allowed.peer === world.bob.identifier;
        await world.stop();
        return fault ?? (isRefusedThere ? undefined : 'the listener took its own identity');
      }
      const number = Number(kind.slice(-1));
      world.relay.meddle = (message, direction, at) => {
        // Message 3 is repeated until something comes back, and frames follow it: all of it comes back to the sender.
        const isThere = direction === 'there' && (number === 1 ? at === 0 : at >= 1);
        const isTarget = number === 2 ? direction === 'back' && at === 0 : isThere;
        if (!isTarget) return [message];
        // Back to whoever sent it, as if the other end had: its return route is the way to it.
        return [new Message(message.returnRoute.rest, message.returnRoute, message.payload)];
      };
      const opened = await world.open({ handshakeTimeoutMs: 1_000 }).catch(() => undefined);
      const answers = opened !== undefined && (await world.echoes(opened, 1, 500));
      await world.pass(15_000);
      const left = world.channels.channels.size;
      await world.stop();
      if (number < 3 && opened !== undefined) return `${kind}: a session`;
      return answers || left > 0 ? `${kind}: a session` : undefined;
    }),
};

const expectedPeer: Row = {
  id: 'CH23',
  about: 'a peer with another identity is refused before any application byte, and who asked for another sees why',
  full: 40,
  run: ({ count, seed }) =>
    inTurn(count, async (index) => {
      const stranger = await (await ChannelWorld.make({ seed: seed + 7_000 + index })).identity();
      const onlyStranger = { authorities: [], accepts: ({ identifier }: { identifier: string }) => identifier === stranger.identifier };
      const byInitiator = index % 2 === 0;
      const world = await ChannelWorld.make({ seed: seed + index }, byInitiator ? {} : { trust: onlyStranger });
      const seen = countAt(world);
      let fault: string | undefined;
      if (byInitiator) {
        const refused = await world.open({ trust: onlyStranger }).then(
          () => 'opened',
          (thrown: unknown) => codeOf(thrown),
        );
        if (refused !== 'TRUST_REFUSED') fault = `refused with ${refused}`;
        if (world.relay.counts.there !== 1) fault = `${world.relay.counts.there} messages left`;
      } else {
        const channel = await world.open();
        for (let sent = 0; sent < 20; sent++) void world.near.send(route(channel, 'count'), Uint8Array.of(sent));
        await world.pass(1_000);
        if (world.channels.channels.size > 0) fault = 'the listener took the wrong identity';
      }
      if (seen.far > 0) fault = `${seen.far} application messages arrived`;
      await world.stop();
      return fault;
    }),
};

const CLOSE_FRAME_BYTES = 29;

const closeForgedOrLost: Row = {
  id: 'CH26',
  about: 'a forged Close is ignored; an end that vanished is missed within 30 s, and its state is freed',
  full: 40,
  run: ({ count, seed }) =>
    inTurn(count, async (index, tally) => {
      const world = await ChannelWorld.make({ seed: seed + index });
      const before = world.near.addresses.length;
      const channel = await world.open();
      const ways = watchWays(world);
      await world.echoes(channel);
      const forged = seededRandom(seed + index).bytes(CLOSE_FRAME_BYTES);
      for (let nonce = 0; nonce < 40; nonce++) {
        forged.set([0, 0, 0, 0, 0, 0, 0, nonce]);
        for (const way of [ways.there, ways.back]) if (way !== undefined) world.relay.inject(withPayload(way, forged.slice()));
      }
      await world.pass(100);
      if (!(await world.echoes(channel))) return 'a forged Close was taken';
      await world.pass(index * 397);
      let reason: string | undefined;
      void channel.closed.then((ended) => (reason = ended));
      world.network.crash('far');
      const tookMs = await world.until(() => reason !== undefined, 60_000);
      tally.measured(tookMs, 'ms until down');
      await world.pass(100);
      const left = world.near.addresses.length - before;
      await world.stop();
      if (reason !== 'peerLost' || tookMs > 30_000) return `${reason} after ${tookMs} ms`;
      return left === 0 && world.near.flows.isEmpty ? undefined : `${left} addresses are left`;
    }),
};

const redirected: Row = {
  id: 'CH27',
  about: 'a relay that rewrites the return route of one frame: that channel alone loses answers, for 30 s at most',
  full: 40,
  run: ({ count, seed }) =>
    inTurn(count, async (index, tally) => {
      const world = await ChannelWorld.make({ seed: seed + index });
      const seen = countAt(world);
      const channel = await world.open();
      const other = await world.open();
      world.near.publish('count', { on: channel, allow: allowEveryone });
      await world.pass(index * 50);
      const [ofBob] = [...world.channels.channels];
      let rewritten = 0;
      const rewrite: Meddle = (message, direction) => {
        if (direction === 'back' || rewritten++ > 0) return [message];
        return [new Message(message.onward, message.returnRoute.prepend(world.near.newAddress()), message.payload)];
      };
      world.relay.meddle = rewrite;
      await world.echoes(channel, 1, 100);
      if (!(await world.echoes(other))) return 'another channel suffered';
      // From now on only Bob speaks, twice a second.
      const startMs = world.clock.monotonicMs();
      const before = seen.near;
      while (seen.near === before && world.clock.monotonicMs() - startMs < 40_000) {
        if (ofBob !== undefined) void world.far.send(route(ofBob, 'count'), Uint8Array.of(1));
        await world.pass(500);
      }
      const tookMs = world.clock.monotonicMs() - startMs;
      tally.measured(tookMs, 'ms until answers came again');
      await world.stop();
      return tookMs <= 30_000 ? undefined : `no answer for ${tookMs} ms`;
    }),
};

const ROTATIONS = ['own', 'told', 'kept'] as const;

const revoked: Row = {
  id: 'CH28',
  about: 'a rotation that revokes closes the channels on older keys within 60 s, at the end that knows of it; another one does not',
  full: 30,
  run: ({ count, seed }) =>
    inTurn(count, async (index, tally) => {
      const world = await ChannelWorld.make({ seed: seed + index });
      const kind = ROTATIONS[index % ROTATIONS.length];
      const channel = await world.open();
      let reason: string | undefined;
      void channel.closed.then((ended) => (reason = ended));
      await world.pass(index * 777);
      const [who, other] = index % 2 === 0 ? [world.alice, world.bob] : [world.bob, world.alice];
      await world.clock.runUntil(who.rotate({ revokePurposeKeys: kind !== 'kept' }));
      if (kind === 'told') await world.clock.runUntil(other.importHistory(await who.exportHistory()));
      const tookMs = await world.until(() => reason !== undefined, 90_000);
      if (kind !== 'kept') tally.measured(tookMs, 'ms until closed');
      const isRight = kind === 'kept' ? reason === undefined && (await world.echoes(channel)) : tookMs <= 60_000;
      await world.stop();
      return isRight ? undefined : `${kind}: ${reason} after ${tookMs} ms`;
    }),
};

/** Channels, of reliability.md 2.4: what happens to a channel between two nodes with an untrusted relay between them. */
export const rows: readonly Row[] = [
  recorded,
  replayedElsewhere,
  wedged,
  forgedFirst,
  reflected,
  expectedPeer,
  closeForgedOrLost,
  redirected,
  revoked,
];
