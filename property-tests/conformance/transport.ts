import assert from 'node:assert/strict';
import { allowEveryone } from '../../runtime/access-control.ts';
import { Address } from '../../runtime/address.ts';
import { Message } from '../../runtime/message.ts';
import type { HasFlow, Node, NodeLimits } from '../../runtime/node.ts';
import { Route, route } from '../../runtime/route.ts';
import type { Connection, Listener, Transport } from '../../runtime/transport.ts';
import type { Worker } from '../../runtime/worker.ts';

/** What the suite asks of a transport's options. */
export interface CommonTransportOptions {
  readonly frameBytesMax?: number;
  readonly caps?: { readonly strangers?: number; readonly strangersPerAddress?: number };
}

/** A transport under test, and the nodes it connects. */
export interface TransportWorld {
  readonly transport: Transport<CommonTransportOptions>;
  /** A node with nothing on it, which the suite stops. */
  node(name: string, limits?: Partial<NodeLimits>): Node;
  /** Where a node of that name listens, and under which target others reach that listener. */
  readonly listenAt: string;
  target(name: string, listener: Listener): string;
  /** Lets time pass until the promise is settled. */
  until<Value>(promise: Promise<Value>): Promise<Value>;
  /** Lets everything happen that can happen without waiting for time. */
  quiet(): Promise<void>;
  /** Lets virtual time pass; absent where time is real, and the cases that need it with it. */
  readonly pass?: (ms: number) => Promise<void>;
  /** Where time is virtual: from now on nothing passes between the two, in silence. */
  readonly cut?: (one: string, other: string) => void;
  /** How many sockets, timers and other resources exist. */
  leftovers(): number;
}

export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** By default no frame is larger. Source: decisions.md B2 */
const FRAME_BYTES = 256 * 1024;
const ROUTE_MAX = 32;
/** For a peer that keeps to no limits. */
const NO_LIMITS = { hops: 1e9, routeAddresses: 1e9 } as const;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const numbered = (count: number, index: number) => {
  const payload = new Uint8Array(count).fill(index & 0xff);
  new DataView(payload.buffer).setUint32(0, index);
  return payload;
};
const indexOf = (payload: Uint8Array) => new DataView(payload.buffer, payload.byteOffset).getUint32(0);
const echo: Worker = { onMessage: (message, context) => context.reply(message, message.payloadChunks) };
const hop: Worker = { onMessage: (message, context) => context.forward(message.step(context.address)) };

/** Keeps a copy of what comes. */
class Recorder implements Worker {
  readonly messages: Message[] = [];
  onMessage(message: Message): void {
    this.messages.push(new Message(message.onward, message.returnRoute, message.payload.slice()));
  }
}

class Stage {
  readonly world: TransportWorld;
  readonly #nodes: Node[] = [];

  constructor(world: TransportWorld) {
    this.world = world;
  }

  node(name: string, limits?: Partial<NodeLimits>): Node {
    const node = this.world.node(name, limits);
    this.#nodes.push(node);
    return node;
  }

  listen(node: Node, options?: CommonTransportOptions): Promise<Listener> {
    return this.world.until(node.listen(this.world.transport, this.world.listenAt, options));
  }

  connect(node: Node, listener: Listener, options?: CommonTransportOptions): Promise<Connection> {
    return this.world.until(node.connect(this.world.transport, this.world.target('server', listener), options));
  }

  publish(node: Node, on: HasFlow, workers: Readonly<Record<string, Worker>>): void {
    for (const [name, worker] of Object.entries(workers)) {
      node.start(name, worker);
      node.publish(name, { on, allow: allowEveryone });
    }
  }

  /** A server with `echo` and `hop` published, and a client connected to it. */
  async pair(options: { client?: CommonTransportOptions; clientLimits?: Partial<NodeLimits>; server?: CommonTransportOptions } = {}) {
    const server = this.node('server');
    const client = this.node('client', options.clientLimits);
    const listener = await this.listen(server, options.server);
    this.publish(server, listener, { echo, hop });
    const connection = await this.connect(client, listener, options.client);
    return { server, client, listener, connection };
  }

  request(from: Node, to: Route, payload: Uint8Array) {
    return this.world.until(from.request(to, payload, { timeoutMs: 5_000 }));
  }

  /** Sends an envelope as nobody of ours would make it: any return route. */
  async forge(node: Node, connection: Connection, onward: Route, returnRoute: Route, payload = bytesOf('forged')): Promise<void> {
    const forger = node.newAddress();
    node.start(forger, {
      onMessage: (message, context) =>
        context.forward(new Message(onward.prepend(connection.address), returnRoute, message.payload, undefined, 0)),
    });
    await this.world.until(node.send(route(forger), payload));
    await this.world.quiet();
    await this.world.until(node.stopWorker(forger));
  }

  async alive(client: Node, connection: Connection): Promise<void> {
    const { payload } = await this.request(client, route(connection, 'echo'), bytesOf('alive'));
    assert.deepEqual(payload, bytesOf('alive'));
  }

  async end(): Promise<void> {
    for (const node of this.#nodes.reverse()) await this.world.until(node.stop());
    await this.world.quiet();
  }
}

/**
 * What every message transport has to do, as named cases for whatever runs your tests. Each case makes a world of its own and
 * checks at its end that nothing of it is left. A case that needs virtual time is there only when `world.pass` is.
 */
export function transportConformance(name: string, makeWorld: () => TransportWorld): readonly ConformanceCase[] {
  const cases: ConformanceCase[] = [];
  const add = (title: string, play: (stage: Stage) => Promise<void>) =>
    cases.push({
      name: `${name}: ${title}`,
      run: async () => {
        const world = makeWorld();
        const before = world.leftovers();
        const stage = new Stage(world);
        try {
          await play(stage);
        } finally {
          await stage.end();
        }
        for (let turn = 0; turn < 100 && world.leftovers() > before; turn++) await world.quiet();
        assert.ok(world.leftovers() <= before, `${world.leftovers() - before} sockets, listeners or timers are left`);
      },
    });

  add('a request crosses and its answer comes back', async (stage) => {
    const { client, connection } = await stage.pair();
    const answer = await stage.request(client, route(connection, 'hop', 'echo'), bytesOf('hello'));
    assert.deepEqual(answer.payload, bytesOf('hello'));
    assert.equal(answer.returnRoute.length, 3);
    assert.equal(answer.returnRoute.next.key, connection.address.key);
  });

  add('messages arrive in the order in which they were sent, each once', async (stage) => {
    const { client, server, listener, connection } = await stage.pair();
    const recorder = new Recorder();
    stage.publish(server, listener, { recorder });
    const from = client.detached();
    for (let index = 0; index < 2_000; index++)
      await stage.world.until(from.send(route(connection, 'recorder'), numbered(4 + (index % 300), index)));
    from.close();
    await stage.alive(client, connection);
    assert.deepEqual(
      recorder.messages.map(({ payload }) => [indexOf(payload), payload.length]),
      Array.from({ length: 2_000 }, (_, index) => [index, 4 + (index % 300)]),
    );
  });

  add('payloads of any size up to the limit come back as they were', async (stage) => {
    const { client, connection } = await stage.pair();
    for (const count of [0, 1, 125, 126, 16_383, 16_384, 65_535, 65_536, 131_072, FRAME_BYTES - 200]) {
      const payload = Uint8Array.from({ length: count }, (_, index) => (Math.imul(index, 0x9e37_79b1) >>> 13) & 0xff);
      const answer = await stage.request(client, route(connection, 'echo'), payload);
      assert.equal(Buffer.compare(answer.payload, payload), 0, `${count} bytes`);
    }
  });

  add('a message too large to send is refused alone, and the sender is told', async (stage) => {
    const { client, server, connection } = await stage.pair();
    await stage.world.until(client.send(route(connection, 'echo'), new Uint8Array(FRAME_BYTES)));
    await stage.alive(client, connection);
    assert.equal(client.deadLetters.count('frame-limit'), 1);
    assert.equal(server.deadLetters.count(), 0);
  });

  add('a message that a peer sends over the limit is refused alone', async (stage) => {
    const { client, server, connection } = await stage.pair({ client: { frameBytesMax: 1024 * 1024 } });
    for (let round = 0; round < 3; round++) {
      await stage.world.until(client.send(route(connection, 'echo'), new Uint8Array(FRAME_BYTES + 1)));
      await stage.alive(client, connection);
    }
    assert.equal(server.deadLetters.count('frame-limit'), 3);
  });

  add('a message that outgrows the limit on its way is refused alone, by whoever cannot pass it on', async (stage) => {
    const { client, server, listener, connection } = await stage.pair();
    const far = stage.node('far');
    const recorder = new Recorder();
    far.start('recorder', recorder);
    const farConnection = await stage.connect(far, listener);
    far.publish('recorder', { on: farConnection, allow: allowEveryone });
    const [, way] = [...server.connections];
    assert.ok(way !== undefined);
    // What fits on the first connection has a return route that is longer on the second.
    const onward = route(connection, 'hop', way, 'recorder');
    const fits = FRAME_BYTES - onward.encodedBytes - 60;
    for (let count = fits; count < FRAME_BYTES; count += 10) await stage.world.until(client.send(onward, new Uint8Array(count)));
    await stage.alive(client, connection);
    await stage.alive(far, farConnection);
    assert.ok(server.deadLetters.count('frame-limit') + client.deadLetters.count('frame-limit') > 0);
    assert.ok(recorder.messages.length > 0);
  });

  add('only what is published is reached, though a peer knows every address (RT1, RT2)', async (stage) => {
    const { client, server, listener, connection } = await stage.pair();
    const secret = new Recorder();
    for (let index = 0; index < 20; index++) server.start(`private-${index}`, secret);
    server.start('spawner', { onMessage: () => undefined });
    const busy = server.detached();
    const other = await stage.connect(stage.node('other'), listener);
    const fresh = await stage.connect(client, listener);
    await stage.alive(client, connection);
    await stage.alive(client, fresh);
    const handled = new Set<string>();
    server.trace(({ kind, message }) => {
      if (kind === 'handled') handled.add(message.destination.name);
    });
    const known = server.addresses;
    assert.ok(known.length > 25);
    for (const target of known) await stage.forge(client, fresh, route(target), Route.empty);
    await stage.alive(client, fresh);
    // The two that are published, and the way back to whoever asked.
    const [, , back] = [...server.connections];
    assert.ok(back !== undefined);
    assert.deepEqual([...handled].sort(), ['echo', 'hop', back.address.name].sort());
    assert.equal(secret.messages.length, 0);
    busy.close();
    await stage.world.until(other.close());
  });

  add('a reply leaves by the connection its request came in by, whatever return route was forged (RT3)', async (stage) => {
    const { client, server, listener, connection } = await stage.pair({ clientLimits: NO_LIMITS });
    const secret = new Recorder();
    server.start('private', secret);
    const other = stage.node('other');
    const bystander = new Recorder();
    const otherConnection = await stage.connect(other, listener);
    other.start('bystander', bystander);
    other.publish('bystander', { on: otherConnection, allow: allowEveryone });
    const forged = [
      Route.empty,
      ...server.addresses.map((each) => route(each, 'bystander')),
      ...server.addresses.map((each) => route(each)),
      route(Address.of(1, bytesOf('127.0.0.1:4000'))),
      Route.of(Array.from({ length: ROUTE_MAX }, () => 'private')),
    ];
    let cameBack = 0;
    client.trace(({ message }) => {
      if (message.flow === connection.flow && message.payload.length === 6) cameBack++;
    });
    for (const way of forged) await stage.forge(client, connection, route('echo'), way);
    await stage.alive(client, connection);
    await stage.alive(other, otherConnection);
    assert.equal(secret.messages.length, 0);
    assert.equal(bystander.messages.length, 0);
    assert.ok(cameBack >= forged.length - 2, `${cameBack} of ${forged.length} replies came back`);
  });

  add('no message makes a node dial (RT4)', async (stage) => {
    const { client, connection } = await stage.pair();
    const canary = stage.node('canary');
    const listening = await stage.listen(canary);
    let dialled = 0;
    const { connections } = canary;
    const addConnection = connections.add.bind(connections);
    connections.add = (each) => {
      dialled++;
      return addConnection(each);
    };
    const target = stage.world.target('canary', listening).replace(/^ws:\/\//, '');
    for (const type of [1, 2, 3, 4, 5]) {
      const proxy = Address.of(type, bytesOf(target));
      await stage.forge(client, connection, route(proxy, 'echo'), Route.empty);
      await stage.forge(client, connection, route('hop', proxy, 'echo'), Route.empty);
      await stage.forge(client, connection, route('echo'), route(proxy));
    }
    await stage.alive(client, connection);
    await stage.world.quiet();
    assert.equal(dialled, 0);
  });

  for (const hops of [ROUTE_MAX + 1, 256, 10_000]) {
    add(`a route of ${hops} addresses is refused alone, either way, and answered by nothing (RT6)`, async (stage) => {
      const { client, server, connection } = await stage.pair({ clientLimits: NO_LIMITS });
      let cameBack = 0;
      client.trace(({ message }) => {
        if (message.flow === connection.flow) cameBack++;
      });
      const long = Route.of(Array.from({ length: hops }, (_, index) => (index % 2 === 0 ? 'echo' : 'hop')));
      await stage.forge(client, connection, long, Route.empty);
      await stage.forge(client, connection, route('echo'), long);
      await stage.forge(client, connection, long, long);
      assert.equal(cameBack, 0);
      assert.equal(server.deadLetters.count('route-limit'), 3);
      await stage.alive(client, connection);
      assert.equal([...server.connections].length, 1);
    });
  }

  add('a route through itself ends at the hop limit', async (stage) => {
    const server = stage.node('server', { hops: 8 });
    const client = stage.node('client');
    const listener = await stage.listen(server);
    stage.publish(server, listener, { echo, a: hop, b: hop });
    const connection = await stage.connect(client, listener);
    let forwards = 0;
    server.trace(({ kind, message }) => {
      if (kind === 'handled' && message.destination.name.length === 1) forwards++;
    });
    await stage.forge(
      client,
      connection,
      Route.of(Array.from({ length: ROUTE_MAX }, (_, index) => (index % 2 === 0 ? 'a' : 'b'))),
      Route.empty,
    );
    await stage.alive(client, connection);
    assert.equal(server.deadLetters.count('hop-limit'), 1);
    assert.equal(forwards, 9);
  });

  add('a slow worker pauses the peer that floods it, in bounded memory, and nobody else (RT12)', async (stage) => {
    const { client, server, listener, connection } = await stage.pair();
    const count = 3_000;
    const payloadBytes = 8 * 1024;
    let waiting = 0;
    let waitingMax = 0;
    // Slower than the network: virtual time costs nothing, and a turn of the event loop is slow enough for sockets.
    const restMs = stage.world.pass === undefined ? 0 : 5;
    const order: number[] = [];
    let done: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    stage.publish(server, listener, {
      slow: {
        onMessage: (message) => {
          order.push(indexOf(message.payload));
          return new Promise((resolve) => {
            const rested = () => {
              waiting--;
              if (order.length === count) done();
              resolve();
            };
            if (restMs === 0) server.clock.yield(rested);
            else server.clock.setTimer(restMs, rested);
          });
        },
      },
    });
    const stopTrace = server.trace(({ kind, message }) => {
      if (kind === 'sent' && message.destination.name === 'slow') waitingMax = Math.max(waitingMax, ++waiting);
    });
    const other = stage.node('other');
    const otherConnection = await stage.connect(other, listener);
    const flood = (async () => {
      const from = client.detached();
      for (let index = 0; index < count; index++) await from.send(route(connection, 'slow'), numbered(payloadBytes, index));
      from.close();
    })();
    for (let round = 0; round < 20; round++) await stage.alive(other, otherConnection);
    assert.ok(order.length < count, 'the flood is over already: the others prove nothing');
    await stage.world.until(Promise.all([flood, all]));
    stopTrace();
    assert.deepEqual(
      order,
      Array.from({ length: count }, (_, index) => index),
    );
    // 4 MiB are 512 of them; what one read brings is on top.
    assert.ok(waitingMax <= 512 + (FRAME_BYTES * 2) / payloadBytes, `${waitingMax} messages waited`);
    assert.ok(waitingMax >= 256, `only ${waitingMax} messages waited: nothing was held back`);
    assert.equal(server.deadLetters.count() + client.deadLetters.count(), 0);
  });

  for (const closer of ['client', 'server'] as const) {
    add(`when the ${closer} closes, both ends are gone, and what was sent before has arrived`, async (stage) => {
      const { client, server, listener, connection } = await stage.pair();
      await stage.alive(client, connection);
      const [accepted] = [...server.connections];
      assert.ok(accepted !== undefined);
      const recorder = new Recorder();
      const [from, by, there] = closer === 'client' ? [client, connection, server] : [server, accepted, client];
      there.start('last', recorder);
      there.publish('last', { on: closer === 'client' ? listener : connection, allow: allowEveryone });
      const addresses = { client: client.addresses.length, server: server.addresses.length };
      for (let index = 0; index < 50; index++) await stage.world.until(from.send(route(by, 'last'), numbered(20_000, index)));
      const over = Promise.all([connection.closed, accepted.closed]);
      await stage.world.until(by.close());
      const [clientCause, serverCause] = await stage.world.until(over);
      assert.equal(closer === 'client' ? clientCause : serverCause, undefined);
      assert.equal((closer === 'client' ? serverCause : clientCause)?.name, 'TransportError');
      assert.deepEqual(
        recorder.messages.map(({ payload }) => indexOf(payload)),
        Array.from({ length: 50 }, (_, index) => index),
      );
      assert.equal(client.connections.size + server.connections.size, 0);
      assert.equal(client.addresses.length, addresses.client - 2);
      assert.equal(server.addresses.length, addresses.server - 2);
      assert.equal(client.flows.isEmpty, true, 'a flow of the client is left');
      await stage.world.until(client.send(route(connection, 'echo'), bytesOf('late')));
      assert.equal(client.deadLetters.count('unknown-address'), 1);
    });
  }

  add('a node that stops takes its listeners and connections with it', async (stage) => {
    const { client, server, connection } = await stage.pair();
    await stage.alive(client, connection);
    await stage.world.until(server.stop());
    await stage.world.until(connection.closed);
    assert.deepEqual(server.addresses, []);
    assert.equal(server.flows.isEmpty, true);
    assert.equal(server.connections.size + server.listeners.size, 0);
  });

  add('a listener that closes takes nobody any more, and those it took live on', async (stage) => {
    const { client, listener, connection } = await stage.pair();
    await stage.alive(client, connection);
    await stage.world.until(listener.close());
    await stage.alive(client, connection);
    await assert.rejects(stage.connect(client, listener), { name: 'TransportError' });
  });

  add('strangers over the cap are refused, and a place is free once one is none', async (stage) => {
    const server = stage.node('server');
    const listener = await stage.listen(server, { caps: { strangersPerAddress: 2 } });
    stage.publish(server, listener, { echo });
    const client = stage.node('client');
    const first = await stage.connect(client, listener);
    const second = await stage.connect(client, listener);
    const refused = async () => {
      const third = await stage.connect(client, listener);
      const cause = await stage.world.until(third.closed);
      throw cause ?? new TypeError('it ended of itself');
    };
    await assert.rejects(refused(), { name: 'TransportError' });
    assert.equal(server.connections.size, 2);
    await stage.alive(client, first);
    const fourth = await stage.connect(client, listener);
    await assert.rejects(refused(), { name: 'TransportError' });
    await stage.world.until(second.close());
    await stage.world.quiet();
    const fifth = await stage.connect(client, listener);
    for (const each of [fourth, fifth, first]) await stage.alive(client, each);
  });

  add('an attempt that is called off, or finds nobody, leaves nothing', async (stage) => {
    const server = stage.node('server');
    const client = stage.node('client');
    const listener = await stage.listen(server);
    const target = stage.world.target('server', listener);
    await stage.world.until(listener.close());
    await assert.rejects(stage.connect(client, listener), { code: 'CONNECT_REFUSED' });
    const signal = AbortSignal.abort();
    await assert.rejects(stage.world.until(client.connect(stage.world.transport, target, { signal } as CommonTransportOptions)), {
      code: 'CONNECT_ABORTED',
    });
    assert.deepEqual(client.addresses, []);
  });

  const { pass, cut } = makeWorld();
  if (pass === undefined || cut === undefined) return cases;

  add('two quiet ends keep each other alive', async (stage) => {
    const { client, server, connection } = await stage.pair();
    await stage.world.pass?.(600_000);
    assert.equal(client.connections.size + server.connections.size, 2);
    await stage.alive(client, connection);
  });

  add('both ends notice within 30 s that the way between them is gone (TR4)', async (stage) => {
    const { client, server, connection } = await stage.pair();
    await stage.alive(client, connection);
    const [accepted] = [...server.connections];
    stage.world.cut?.('client', 'server');
    await stage.world.pass?.(19_000);
    assert.equal(client.connections.size + server.connections.size, 2);
    await stage.world.pass?.(11_000);
    assert.equal(client.connections.size + server.connections.size, 0);
    for (const each of [connection, accepted]) assert.equal((await each?.closed)?.message.includes('nothing for 30 s'), true);
  });

  return cases;
}
