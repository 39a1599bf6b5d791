import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { createIdentity, type Identity } from '../../identities/identity.ts';
import { everyone } from '../../identities/trust.ts';
import { silentLogger } from '../../runtime/logger.ts';
import type { Message } from '../../runtime/message.ts';
import { Node } from '../../runtime/node.ts';
import { route } from '../../runtime/route.ts';
import { Slab } from '../../runtime/slab.ts';
import type { Worker } from '../../runtime/worker.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedNetwork } from '../../simulation/network.ts';
import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { inlet } from '../../workers/portal/inlet.ts';
import { outlet } from '../../workers/portal/outlet.ts';
import { registerRelay } from '../../workers/relay/remote-relay.ts';
import { relayService } from '../../workers/relay/relay-service.ts';
import { secureChannel, secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { copyingNetwork } from '../copying-network.ts';
import { isPrefix, pattern, Program, TARGET_PORT } from '../portal-world.ts';

/** A worker of a user that keeps whatever it sees, with a copy to compare, and passes it on. */
class Keeper implements Worker {
  readonly kept: { readonly payload: Uint8Array; readonly way: string; readonly message: Message; readonly copy: Uint8Array }[] = [];

  onMessage(message: Message, context: Parameters<Worker['onMessage']>[1]): void {
    this.kept.push({ payload: message.payload, way: message.returnRoute.toString(), message, copy: message.payload.slice() });
    context.forward(message.step(context.address));
  }
}

/** Both sides have a channel to the relay, and one from end to end through it that leads through a worker of a user. */
async function world(seed: number) {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock, latencyMs: 1, windowBytes: 256 * 1024 });
  const random = seededRandom(seed);
  const host = (name: string) => copyingNetwork(network.host(name));
  const [near, mid, far] = ['near', 'mid', 'far'].map(
    (name) => new Node({ name, clock, random, network: host(name), logger: silentLogger }),
  ) as [Node, Node, Node];
  const [alice, ivan, bob] = await Promise.all([near, mid, far].map((node) => createIdentity({ random: node.random, clock })));
  const keeper = new Keeper();
  const targets: Program[] = [];
  await network.host('far').listen({ host: '127.0.0.1', port: TARGET_PORT }, (stream) => {
    const program = new Program();
    program.stream = stream;
    targets.push(program);
    return program;
  });
  const begin = async () => {
    const trust = { trust: everyone, allow: everyone };
    const atMid = await mid.listen(tcp(), '0.0.0.0:4000');
    const channels = secureChannelListener(mid, 'api', { identity: ivan!, on: atMid, ...trust });
    relayService(mid, { on: channels, allow: everyone });
    const toMid = async (node: Node, identity: Identity) =>
      secureChannel(node, route(await node.connect(tcp(), 'mid:4000'), 'api'), { identity, ...trust });
    const farToMid = await toMid(far, bob!);
    await registerRelay(far, farToMid.route, { name: 'far' });
    const farChannels = secureChannelListener(far, 'api', { identity: bob!, on: farToMid, ...trust });
    far.start('keeper', keeper);
    far.publish('keeper', { on: farChannels, allow: everyone });
    outlet(far, { target: `127.0.0.1:${TARGET_PORT}`, on: farChannels, allow: everyone });
    const end = await secureChannel(near, route(await toMid(near, alice!), 'forward_to_far', 'api'), { identity: alice!, ...trust });
    return inlet(near, { listen: '127.0.0.1:0', outlet: route(end, 'keeper', 'outlet'), allow: everyone });
  };
  const { local } = await clock.runUntil(begin());
  return { clock, network, local, targets, keeper, nodes: [near, mid, far] };
}

test('memory that serves again never reaches a stream that it does not belong to, and never a worker that keeps what it saw', async () => {
  const giveBack = vi.spyOn(Slab.prototype, 'giveBack');
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 40_000, max: 300_000 })), {
    minLength: 1,
    maxLength: 4,
  });
  const plan = fc.record({ seed: fc.nat(), streams: fc.array(fc.record({ there: sizes, back: sizes }), { minLength: 1, maxLength: 5 }) });
  await fc.assert(
    fc.asyncProperty(plan, async ({ seed, streams }) => {
      const { clock, network, local, targets, keeper, nodes } = await world(seed);
      const pieces = (list: readonly number[], salt: number) => list.map((byteCount, index) => pattern(byteCount, salt * 100 + index));
      const clients: Program[] = [];
      for (const [index, { there, back }] of streams.entries()) {
        const client = new Program();
        await clock.runUntil(network.host('near').connect(local, (stream) => Object.assign(client, { stream })));
        clients.push(client);
        for (let waits = 0; targets.length <= index && waits < 100; waits++) await clock.run({ untilMs: clock.monotonicMs() + 10 });
        for (const piece of pieces(there, index + 1)) client.stream.write([piece]);
        for (const piece of pieces(back, index + 51)) targets[index]!.stream.write([piece]);
      }
      await clock.run({ untilMs: clock.monotonicMs() + 20_000 });
      for (const [index, { there, back }] of streams.entries()) {
        for (const [program, sent] of [
          [targets[index]!, pieces(there, index + 1)],
          [clients[index]!, pieces(back, index + 51)],
        ] as const) {
          const whole = Buffer.concat(sent);
          expect([program.byteCount, isPrefix(program.received, whole)]).toEqual([whole.length, true]);
        }
      }
      for (const { payload, copy, message, way } of keeper.kept) {
        expect(Buffer.compare(payload, copy)).toBe(0);
        expect(message.returnRoute.toString()).toBe(way);
      }
      await clock.runUntil(Promise.all(nodes.map((node) => node.stop())));
    }),
    { numRuns: 12 },
  );
  expect(giveBack.mock.calls.length).toBeGreaterThan(100);
});
