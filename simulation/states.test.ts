import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIdentity } from '../identities/identity.ts';
import { everyone } from '../identities/trust.ts';
import { route } from '../runtime/route.ts';
import { tcp } from '../transports/tcp.ts';
import { relayService } from '../workers/relay/relay-service.ts';
import { registerRelay } from '../workers/relay/remote-relay.ts';
import { secureChannel, secureChannelListener } from '../workers/secure-channel/secure-channel.ts';
import { simulate } from './simulate.ts';
import { stateAfter, stateBefore, states, type WorldState } from './states.ts';
import type { Trace } from './trace.ts';
import { decodeTrace, encodeTrace } from './trace-file.ts';
import { plausibleTrace, traces } from './traces.fixture.ts';

/** What the nodes themselves say, at a moment that a note marks. */
interface Truth {
  readonly channels: number;
  readonly relays: readonly string[];
  readonly streams: number;
}

async function record() {
  const truths = new Map<string, Truth>();
  const { trace } = await simulate({ seed: 7, replays: false, keepBytes: true }, async (world) => {
    const relay = world.node('relay', async (home) => {
      const on = await home.node.listen(tcp(), '0.0.0.0:4000');
      const channels = secureChannelListener(home.node, 'api', { identity: await createIdentity(home), trust: everyone, on });
      return { channels, service: relayService(home.node, { on: channels, allow: everyone }) };
    });
    const { channels, service } = await relay.ready;
    const mark = (moment: string) => {
      truths.set(moment, {
        channels: channels.channels.size,
        relays: service.relays.map(String),
        streams: relay.node.connections.size,
      });
      world.note(moment);
    };
    mark('nobody came');
    const join = async (name: string) => {
      const { node, home } = world.node(name);
      const options = { identity: await createIdentity(home), trust: everyone };
      const channel = await secureChannel(node, route(await node.connect(tcp(), 'relay:4000'), 'api'), options);
      await registerRelay(node, channel.route, { name });
      await world.settled();
    };
    await join('alice');
    mark('alice came');
    await join('bob');
    world.partition('bob', 'relay');
    world.skewClock('bob', -5);
    mark('bob is cut off');
    world.heal('bob', 'relay');
    await world.get('alice').stop();
    await world.pass('2s');
    mark('alice left');
    await world.pass('61s');
    mark('her name is given up');
    world.crash('relay');
    world.note('the relay is gone');
    await world.restart(relay);
    await world.pass('1s');
  });
  return { trace, truths };
}

/** One run serves all tests: none of them can change it. */
let run: ReturnType<typeof record> | undefined;
const recorded = () => (run ??= record());

const at = (trace: Trace, moment: string): WorldState => {
  const index = trace.events.findIndex((event) => event.kind === 'note' && event.text === moment);
  const state = [...states(trace)][index];
  if (state === undefined) throw new Error(`Nothing is noted as ${moment}.`);
  return state;
};
const nodeIn = (state: WorldState, name: string) => {
  const node = state.nodes.get(name);
  if (node === undefined) throw new Error(`No node is called ${name}.`);
  return node;
};

/** State by state. */
const isSame = (one: Trace, other: Trace) => isDeepStrictEqual([...states(one)], [...states(other)]);

test('the states of a run are what its nodes said of themselves', async () => {
  const { trace, truths } = await recorded();
  expect(truths.size).toBe(5);
  for (const [moment, { channels, relays, streams }] of truths) {
    const state = at(trace, moment);
    expect([moment, nodeIn(state, 'relay').channels.size]).toEqual([moment, channels]);
    expect([moment, [...nodeIn(state, 'relay').relays.keys()].sort()]).toEqual([moment, [...relays].sort()]);
    expect([moment, state.streams.size]).toEqual([moment, streams]);
  }
  const cut = at(trace, 'bob is cut off');
  expect([...cut.cuts]).toEqual(['partition bob, relay']);
  expect(nodeIn(cut, 'bob')).toMatchObject({ isUp: true, life: 1, skewSeconds: -5 });
  const [stream] = cut.streams.values();
  expect(stream).toMatchObject({ from: 'alice', to: 'relay', port: 4000 });
  expect(stream?.there.arrived).toBe(stream?.there.sent);
  expect(stream?.back.arrived).toBeGreaterThan(0);
  const gone = nodeIn(at(trace, 'the relay is gone'), 'relay');
  expect([gone.isUp, gone.channels.size, gone.relays.size, gone.waiting.size]).toEqual([false, 0, 0, 0]);
});

test('at the end of a run nothing is up, open or under way', async () => {
  const last = [...states((await recorded()).trace)].at(-1);
  expect([...(last?.nodes.values() ?? [])].map(({ isUp, waiting }) => [isUp, waiting.size])).toEqual([
    [false, 0],
    [false, 0],
    [false, 0],
  ]);
  expect(nodeIn(last as WorldState, 'relay').life).toBe(2);
  expect([last?.streams.size, last?.cuts.size]).toEqual([0, 0]);
});

test('a trace gives the same states out of a file, with bytes and without', async () => {
  const { trace } = await recorded();
  for (const keepBytes of [false, true]) expect(isSame(decodeTrace(encodeTrace(trace, { keepBytes })), trace)).toBe(true);
  expect(isSame({ ...trace, events: trace.events.toSpliced(9, 1) }, trace)).toBe(false);
  const written = (value: Trace) =>
    JSON.parse(
      JSON.stringify(value, (_, item: unknown) => (typeof item === 'string' ? item.replaceAll(/\p{Surrogate}/gu, '\ufffd') : item)),
    ) as Trace;
  fc.assert(
    fc.property(traces(), (any) => {
      const live = written(any); // half a surrogate pair is no text of a file
      expect(isSame(decodeTrace(encodeTrace(live)), live)).toBe(true);
    }),
  );
});

test('one step at a time is the same as all of them, and no step changes an earlier state', () => {
  const trace = plausibleTrace({ nodes: ['bank', 'relay', 'analysis'], messages: 60 });
  const all = [...states(trace)];
  let state = stateBefore(trace);
  trace.events.forEach((event, index) => {
    state = stateAfter(state, event);
    expect(isDeepStrictEqual(state, all[index])).toBe(true);
  });
  expect(all).toHaveLength(trace.events.length);
  expect(Math.max(...all.map(({ nodes }) => nodes.get('analysis')?.waiting.size ?? 0))).toBeGreaterThan(0);
});
