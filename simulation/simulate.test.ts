import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIdentity } from '../identities/identity.ts';
import { nodeCrypto } from '../identities/node-crypto.ts';
import { everyone } from '../identities/trust.ts';
import { allowEveryone } from '../runtime/access-control.ts';
import { text } from '../runtime/codec/codec.ts';
import { route } from '../runtime/route.ts';
import { tcp } from '../transports/tcp.ts';
import { echo } from '../workers/echo.ts';
import { secureChannel, secureChannelListener } from '../workers/secure-channel/secure-channel.ts';
import type { Fault } from './faults.ts';
import { explore, type Play, simulate, SimulationFailure } from './simulate.ts';
import type { Invariant, TraceEvent } from './trace.ts';
import type { Home } from './world-node.ts';

/** Echo for strangers, and for channels at `api`. */
async function server(home: Home): Promise<void> {
  const { node, watched } = home;
  const listener = await node.listen(tcp(), '0.0.0.0:4000');
  const identity = await createIdentity({ ...home, crypto: watched(nodeCrypto) });
  const channels = secureChannelListener(node, 'api', { identity, trust: everyone, on: listener });
  node.start('echo', echo);
  node.publish('echo', { on: [listener, channels], allow: allowEveryone });
}

/** Asks the server's echo once, over a channel. */
const askOnce: Play = async (world) => {
  const server_ = world.node('server', server);
  const client = world.node('client');
  world.network.setLatency('server', 'client', 5);
  await server_.ready;
  const identity = await createIdentity({ ...client.home, crypto: client.home.watched(nodeCrypto) });
  const connection = await client.node.connect(tcp(), 'server:4000');
  const channel = await secureChannel(client.node, route(connection, 'api'), { identity, trust: everyone });
  const answer = await client.node.request(route(channel, 'echo'), text.encode('hello'));
  expect(text.decode(answer.payload)).toBe('hello');
};

const kinds = (events: readonly TraceEvent[]) => [...new Set(events.map((event) => event.kind))].sort();

test('production code runs in a world, twice the same, and leaves nothing behind', async () => {
  const { trace, virtualMs } = await simulate({ seed: 7, name: 'ask once' }, askOnce);
  expect(kinds(trace.events)).toEqual(['bytes', 'log', 'message', 'node', 'seal', 'stream']);
  expect([trace.nodes, trace.seed, trace.scenario, virtualMs > 0]).toEqual([['server', 'client'], 7, 'ask once', true]);
  const ends = trace.events.filter((event) => event.kind === 'node' && event.what === 'stopped');
  expect(ends.map((event) => event.kind === 'node' && event.left)).toEqual(Array(2).fill({ timers: 0, streams: 0, listeners: 0 }));
});

test('another seed gives other keys and other addresses', async () => {
  const [one, other] = [await simulate({ seed: 1, replays: false }, askOnce), await simulate({ seed: 2, replays: false }, askOnce)];
  expect(one.trace.events).not.toEqual(other.trace.events);
});

test('what is asked of chance outside of the world is found, with the first event that differs', async () => {
  let count = 0;
  const failure = await failureOf(
    simulate({ seed: 3 }, async (world) => {
      world.note('the same');
      world.note(`run ${count++}`);
      await world.pass('1s');
    }),
  );
  expect(failure.violation).toMatchObject({ invariant: 'the same seed does the same', at: 1 });
  expect(failure.message).toContain('run 0');
});

const noNote: Invariant = {
  name: 'no note',
  check: ({ events }) => {
    const at = events.findIndex((event) => event.kind === 'note');
    return at < 0 ? undefined : { invariant: 'no note', text: 'somebody took a note', at };
  },
};

test('a broken invariant is a failure with its seed, its place and the line that shows it again', async () => {
  const failure = await failureOf(simulate({ seed: 9, invariants: [noNote], file: 'mine.ts' }, (world) => world.note('oh')));
  expect(failure.violation?.at).toBe(0);
  expect(failure.message).toBe('no note: somebody took a note\nseed 9\nagain: npm run simulate -- mine.ts --seed 9');
});

test('a scenario that waits for what never comes fails, and says when', async () => {
  const failure = await failureOf(simulate({ seed: 1 }, () => new Promise(() => undefined)));
  expect(failure.message).toContain('nothing is left that could settle what the scenario waits for');
});

test('a world in which somebody sends for ever does not settle', async () => {
  const failure = await failureOf(
    simulate({ seed: 1, replays: false }, async (world) => {
      const [one] = world.nodes('one');
      const again = { onMessage: () => undefined };
      one.node.start('clock', again);
      const tick = () => {
        void one.node.send('clock', Uint8Array.of(1));
        if (world.nowMs < 1_000_000) world.clock.setTimer(100, tick);
      };
      tick();
      await world.settled({ within: '20s' });
    }),
  );
  expect(failure.message).toContain('0#clock of one');
});

test('messages that go round in circles while time stands still are a livelock', async () => {
  const failure = await failureOf(
    simulate({ seed: 1, replays: false, eventsAtOnceMax: 20_000 }, async (world) => {
      const [one] = world.nodes('one');
      one.node.start('ping', { onMessage: (_, context) => context.send('pong', Uint8Array.of(1)) });
      one.node.start('pong', { onMessage: (_, context) => context.send('ping', Uint8Array.of(1)) });
      await one.node.send('ping', Uint8Array.of(1));
      await world.pass('1s');
    }),
  );
  expect(failure.message).toContain('Time stands still');
  expect(failure.message).toContain('0#ping of one');
});

test('a node that crashes forgets all but its storage, and its program runs again', async () => {
  await simulate({ seed: 4 }, async (world) => {
    const counter = world.node('counter', ({ storage, life, node }) => {
      storage.set('lives', ((storage.get('lives') as number | undefined) ?? 0) + 1);
      node.start('worker', echo);
      return [life, storage.get('lives')];
    });
    expect(await counter.ready).toEqual([1, 1]);
    const { node: first } = counter;
    world.crash(counter);
    expect(() => counter.node).toThrow('counter is down');
    expect(await world.restart(counter)).toEqual([2, 2]);
    expect(counter.node).not.toBe(first);
    world.crash(counter, { losesStorage: true });
    expect(await world.restart(counter)).toEqual([3, 1]);
  });
});

test('a paused node does nothing, and then what is late', async () => {
  await simulate({ seed: 5 }, async (world) => {
    const server_ = world.node('server', server);
    const [client] = world.nodes('client');
    await server_.ready;
    const connection = await client.node.connect(tcp(), 'server:4000');
    world.pause(server_, '3s');
    const startMs = world.nowMs;
    await client.node.request(route(connection, 'echo'), Uint8Array.of(1), { timeoutMs: 10_000 });
    expect(world.nowMs - startMs).toBeGreaterThanOrEqual(3_000);
  });
});

test('of two pauses that lie over each other the longer one counts', async () => {
  await simulate({ seed: 5 }, async (world) => {
    const [one] = world.nodes('one');
    const due: number[] = [];
    one.home.clock.setTimer(500, () => due.push(world.nowMs));
    world.pause(one, '5s');
    await world.pass('1s');
    world.pause(one, '1s');
    await world.pass('10s');
    expect(due).toEqual([5_000]);
  });
});

test('a crash ends a pause: the next life stands still only when it is told to', async () => {
  await simulate({ seed: 5 }, async (world) => {
    const one = world.node('one');
    world.pause(one, '10s');
    world.crash(one);
    await world.restart(one);
    const due: number[] = [];
    one.home.clock.setTimer(500, () => due.push(world.nowMs));
    await world.pass('1s');
    world.pause(one, '20s');
    one.home.clock.setTimer(1_000, () => due.push(world.nowMs));
    await world.pass('30s');
    expect(due).toEqual([500, 21_000]);
  });
});

test('a program that throws fails the run, and the failure says what it threw', async () => {
  const failure = await failureOf(
    simulate({ seed: 1 }, async (world) => {
      world.node('bad', () => Promise.reject(new Error('no disk')));
      await world.pass('1s');
    }),
  );
  expect(failure.message).toContain('The program of bad threw at 0 ms: no disk');
});

test('the wall clock of one node jumps, the time of no timer does', async () => {
  await simulate({ seed: 6 }, async (world) => {
    const [one, other] = world.nodes('one', 'other');
    world.skewClock(one, 3_600);
    expect(one.home.clock.wallSeconds() - other.home.clock.wallSeconds()).toBe(3_600);
    expect(one.home.clock.monotonicMs()).toBe(other.home.clock.monotonicMs());
  });
});

const faultsOf = fc.array(
  fc
    .record({ kind: fc.constantFrom('partition' as const, 'heal' as const, 'reset' as const), atMs: fc.nat(10_000) })
    .map(({ kind, atMs }): Fault => ({ kind, atMs, one: 'one', other: 'other' })),
  { maxLength: 12 },
);

test('under many seeds a failure is found and its faults are shrunk to the one that matters', async () => {
  const noReset: Invariant = {
    name: 'no reset',
    check: ({ events }) => {
      const at = events.findIndex((event) => event.kind === 'fault' && event.fault.kind === 'reset');
      return at < 0 ? undefined : { invariant: 'no reset', text: 'a link was reset', at };
    },
  };
  const failure = await failureOf(
    explore({ seed: 11, runs: 50, faults: faultsOf, invariants: [noReset] }, async (world) => {
      world.nodes('one', 'other');
      await world.pass('10s');
    }),
  );
  expect(failure.report.faults).toEqual([{ kind: 'reset', atMs: 0, one: 'one', other: 'other' }]);
  expect(failure.command).toContain(`--faults '[{"kind":"reset"`);
});

test('a scenario that holds under all seeds says how many there were', async () => {
  expect(await explore({ seed: 12, runs: 3 }, askOnce)).toEqual({ runs: 3, seed: 12 });
});

async function failureOf(run: Promise<unknown>): Promise<SimulationFailure> {
  const thrown = await run.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (thrown instanceof SimulationFailure) return thrown;
  throw new Error('The run did not fail as a simulation does.', { cause: thrown });
}
