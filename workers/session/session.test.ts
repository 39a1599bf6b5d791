import { describe, expect, test } from 'vitest';
import { allowEveryone } from '../../runtime/access-control.ts';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { type Route, route } from '../../runtime/route.ts';
import { type Way, via, whenThere } from '../../runtime/way.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedNetwork } from '../../simulation/network.ts';
import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { echo } from '../echo.ts';
import { connectionSession } from './connection-session.ts';
import { type Attempt, type Made, maintain, type SessionOptions } from './session.ts';

/** Something to keep up, made and broken by hand. */
class Subject {
  readonly attempts: { atMs: number; attempt: Attempt; succeed: () => void; fail: () => void }[] = [];
  readonly rerouted: string[] = [];
  rerouteFails = false;
  closed = 0;
  lose: () => void = () => undefined;

  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  readonly make = (attempt: Attempt): Promise<Made> =>
    new Promise((resolve, reject) => {
      const succeed = () => {
        const closed = new Promise<void>((settle) => {
          this.lose = settle;
        });
        resolve({ route: attempt.over.concat(route('made')), closed, close: () => this.#close(), ...this.#reroute });
      };
      this.attempts.push({ atMs: this.#clock.monotonicMs(), attempt, succeed, fail: () => reject(new Error('refused')) });
    });

  canReroute = false;
  get #reroute() {
    if (!this.canReroute) return {};
    return {
      reroute: async (over: Route) => {
        this.rerouted.push(String(over));
        if (this.rerouteFails) throw new Error('no answer there');
      },
    };
  }

  async #close(): Promise<void> {
    this.closed++;
  }

  get last() {
    return this.attempts.at(-1)!;
  }
}

class HandWay implements Way {
  current: Route | undefined;
  needs = 0;
  readonly #listeners = new Set<() => void>();
  onChange(listener: () => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  need() {
    this.needs++;
    return () => {
      this.needs--;
    };
  }
  set(current: Route | undefined) {
    this.current = current;
    for (const listener of [...this.#listeners]) listener();
  }
  get listenerCount() {
    return this.#listeners.size;
  }
}

function world(options: Partial<SessionOptions> = {}) {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock, latencyMs: 5 });
  const makeNode = (name: string, seed = 1) =>
    new Node({ name, clock, random: seededRandom(seed), network: network.host(name), logger: silentLogger });
  const node = makeNode('here');
  const subject = new Subject(clock);
  const begin = () => maintain(node, { name: 'it', make: subject.make, ...options });
  const pass = (ms: number) => clock.run({ untilMs: clock.monotonicMs() + ms });
  return { clock, network, makeNode, node, subject, begin, pass };
}

/** A session that is up. */
async function upWorld(options: Partial<SessionOptions> = {}, canReroute = false) {
  const made = world(options);
  made.subject.canReroute = canReroute;
  const session = made.begin();
  await made.pass(0);
  made.subject.last.succeed();
  await made.pass(0);
  expect(session.state).toBe('up');
  return { ...made, session };
}

describe('a session', () => {
  test('begins at once, tells when the route is there, and again when it went', async () => {
    const { subject, begin, pass } = world();
    const session = begin();
    const told: (string | undefined)[] = [];
    const states: string[] = [];
    session.onChange(() => told.push(session.current?.toString()));
    session.onStatus(({ state }) => states.push(state));
    await pass(0);
    expect([session.state, session.current, subject.attempts.length]).toEqual(['connecting', undefined, 1]);
    subject.last.succeed();
    await pass(5_000);
    subject.lose();
    await pass(0);
    expect(told).toEqual(['0#made', undefined]);
    expect(states).toEqual(['up', 'waiting', 'connecting']);
    expect(session.status).toMatchObject({ name: 'it', attempts: 2, failures: 0, lastError: 'SESSION_LOST' });
    await session.close();
  });

  test('tries again at once after a loss, but not when it had only just come up', async () => {
    const { subject, pass, session } = await upWorld();
    await pass(2_000);
    subject.lose();
    await pass(0);
    expect(subject.attempts).toHaveLength(2);
    subject.last.succeed();
    await pass(0);
    subject.lose();
    await pass(249);
    expect(subject.attempts).toHaveLength(2);
    await pass(250);
    expect(subject.attempts).toHaveLength(3);
    await session.close();
  });

  test('what falls down as soon as it is up is no success: its pauses grow', async () => {
    const { clock, subject, begin, pass } = world();
    const session = begin();
    while (clock.monotonicMs() < 60_000) {
      await pass(10);
      subject.last.succeed();
      await pass(0);
      subject.lose();
    }
    expect(subject.attempts.length).toBeLessThan(15);
    await session.close();
  });

  test('pauses up to 30 s while idle, and at most 2 s while it is needed', async () => {
    const { subject, begin, pass } = world();
    const session = begin();
    await pass(0);
    const failFor = async (ms: number) => {
      const before = subject.attempts.length;
      for (let passed = 0; passed < ms; passed += 50) {
        subject.last.fail();
        await pass(50);
      }
      return subject.attempts.length - before;
    };
    await failFor(60_000);
    const idle = await failFor(300_000);
    expect(idle).toBeGreaterThanOrEqual(10);
    expect(idle).toBeLessThanOrEqual(20);
    const enough = session.need();
    const needed = await failFor(30_000);
    expect(needed).toBeGreaterThanOrEqual(15);
    expect(needed).toBeLessThanOrEqual(32);
    enough();
    enough();
    expect(await failFor(60_000)).toBeLessThanOrEqual(6);
    await session.close();
  });

  test('a new need begins an attempt at once, and a hundred of them at most four a second', async () => {
    const { clock, subject, begin, pass } = world();
    const session = begin();
    await pass(0);
    for (let passed = 0; passed < 120_000; passed += 1_000) {
      subject.last.fail();
      await pass(1_000);
    }
    subject.last.fail();
    await pass(1_000);
    expect(session.state).toBe('waiting');
    const before = subject.attempts.length;
    session.need();
    await pass(0);
    expect(subject.attempts.length).toBe(before + 1);
    const fromMs = clock.monotonicMs();
    for (let passed = 0; passed < 1_000; passed += 10) {
      subject.last.fail();
      session.need();
      await pass(10);
    }
    const inThatSecond = subject.attempts.filter(({ atMs }) => atMs > fromMs && atMs <= fromMs + 1_000);
    expect(inThatSecond.length).toBe(4);
    await session.close();
  });

  test('an attempt that hangs is called off after 30 s; what it makes later is closed', async () => {
    const { subject, begin, pass } = world();
    const session = begin();
    await pass(29_999);
    expect(session.state).toBe('connecting');
    await pass(1);
    expect([session.state, session.status.lastError]).toEqual(['waiting', 'ATTEMPT_TIMEOUT']);
    expect(subject.last.attempt.signal.aborted).toBe(true);
    subject.last.succeed();
    await pass(0);
    expect([session.current, subject.closed]).toEqual([undefined, 1]);
    await session.close();
  });

  test.each(['connecting', 'up', 'waiting', 'rerouting'])('close while %s leaves no timer, address, flow or attempt', async (when) => {
    const over = new HandWay();
    over.set(route('first'));
    const { clock, node, subject, begin, pass } = world({ over });
    subject.canReroute = true;
    const session = begin();
    session.need();
    await pass(0);
    if (when === 'waiting') subject.last.fail();
    if (when === 'up' || when === 'rerouting') subject.last.succeed();
    await pass(0);
    if (when === 'rerouting') over.set(undefined);
    await pass(0);
    expect(session.state).toBe(when === 'rerouting' ? 'connecting' : when);
    await clock.runUntil(session.close());
    expect(session.state).toBe('stopped');
    expect([over.needs, over.listenerCount, clock.pendingCount, node.addresses.length]).toEqual([0, 0, 0, 0]);
    expect(node.flows.isEmpty).toBe(true);
    expect(subject.last.attempt.signal.aborted).toBe(true);
    expect(subject.closed).toBe(when === 'up' || when === 'rerouting' ? 1 : 0);
    over.set(route('second'));
    session.need();
    await pass(60_000);
    expect(subject.attempts).toHaveLength(1);
  });

  test('a node that stops closes its sessions', async () => {
    const { clock, node, session } = await upWorld();
    await clock.runUntil(node.stop());
    expect(session.state).toBe('stopped');
  });
});

describe('a session on top of a way', () => {
  test('waits for it without wearing out, and passes its need on', async () => {
    const over = new HandWay();
    const { subject, begin, pass } = world({ over });
    const session = begin();
    await pass(100_000);
    expect([session.state, subject.attempts.length, over.needs]).toEqual(['connecting', 0, 0]);
    const enough = session.need();
    expect(over.needs).toBe(1);
    over.set(route('one'));
    await pass(0);
    expect(String(subject.last.attempt.over)).toBe('0#one');
    enough();
    expect(over.needs).toBe(0);
    await session.close();
  });

  test('makes anew when the way changes and what was made cannot follow', async () => {
    const over = new HandWay();
    over.set(route('one'));
    const { subject, pass, session } = await upWorld({ over });
    await pass(2_000);
    over.set(undefined);
    expect(session.current).toBe(undefined);
    await pass(10_000);
    over.set(route('two'));
    await pass(0);
    expect(subject.closed).toBe(1);
    subject.last.succeed();
    await pass(0);
    expect(String(session.current)).toBe('0#two => 0#made');
    await session.close();
  });

  test('first tries to reroute, once the new way is there', async () => {
    const over = new HandWay();
    over.set(route('one'));
    const { subject, pass, session } = await upWorld({ over }, true);
    over.set(undefined);
    await pass(1_000);
    expect([session.state, session.current, subject.rerouted]).toEqual(['connecting', undefined, []]);
    over.set(route('two'));
    await pass(0);
    expect([session.state, subject.rerouted, subject.attempts.length, subject.closed]).toEqual(['up', ['0#two'], 1, 0]);
    over.set(route('three'));
    await pass(0);
    expect(subject.rerouted).toEqual(['0#two', '0#three']);
    subject.rerouteFails = true;
    over.set(route('four'));
    await pass(2_000);
    expect([session.state, subject.attempts.length, subject.closed]).toEqual(['connecting', 2, 1]);
    expect(String(subject.last.attempt.over)).toBe('0#four');
    await session.close();
  });

  test('an attempt that runs over an old way is begun again over the new one', async () => {
    const over = new HandWay();
    over.set(route('one'));
    const { subject, begin, pass } = world({ over });
    const session = begin();
    await pass(0);
    over.set(route('two'));
    await pass(0);
    expect(subject.attempts.map(({ attempt }) => [String(attempt.over), attempt.signal.aborted])).toEqual([
      ['0#one', true],
      ['0#two', false],
    ]);
    await session.close();
  });
});

describe('a connection session', () => {
  test('comes back after a reset, and what is published on it is reachable again', async () => {
    const { clock, network, makeNode, node, pass } = world();
    const far = makeNode('far', 2);
    const listener = await far.listen(tcp(), '0.0.0.0:4000');
    const session = connectionSession(node, tcp(), 'far:4000');
    node.start('echo', echo);
    node.publish('echo', { on: session, allow: allowEveryone });
    await clock.runUntil(whenThere(session));
    // A peer finds its way back by the connection it accepted.
    const ask = () => {
      const [accepted] = [...far.connections];
      return clock.runUntil(far.request(route(accepted!, 'echo'), Uint8Array.of(1), { timeoutMs: 1_000 }));
    };
    expect([...(await ask()).payload]).toEqual([1]);
    await pass(5_000);
    network.reset('here', 'far');
    await pass(500);
    expect([...(await ask()).payload]).toEqual([1]);
    expect(String(via(session, 'x').current)).toContain('0#x');
    await clock.runUntil(Promise.all([session.close(), listener.close()]));
  });

  test('a half-open connection counts as lost within 40 s, by the silence of an echo that had answered', async () => {
    const { clock, network, makeNode, node, pass } = world();
    const far = makeNode('far', 2);
    const listener = await far.listen(tcp(), '0.0.0.0:4000');
    far.start('echo', echo);
    far.publish('echo', { on: listener, allow: allowEveryone });
    const session = connectionSession(node, tcp(), 'far:4000');
    await clock.runUntil(whenThere(session));
    await pass(60_000);
    expect(session.state).toBe('up');
    network.partition('here', 'far');
    await pass(40_000);
    expect(session.state).not.toBe('up');
    expect(['PEER_SILENT', 'CONNECT_TIMEOUT']).toContain(session.status.lastError);
    network.heal();
    await clock.runUntil(whenThere(session));
    await clock.runUntil(session.close());
  });
});
