import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allowEveryone } from '../../runtime/access-control.ts';
import type { Message } from '../../runtime/message.ts';
import type { Node } from '../../runtime/node.ts';
import { type RoutePart, route } from '../../runtime/route.ts';
import type { Connection, Listener } from '../../runtime/transport.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedNetwork } from '../../simulation/network.ts';
import { tcp } from '../../transports/tcp.ts';
import { hop } from '../../workers/hop.ts';
import { payloads, type Topology, topologies } from '../arbitraries/index.ts';
import { SHARE } from '../full-counts.ts';
import { type SmallNode, smallNode } from '../node-watch.ts';

const HOPS = ['hop-0', 'hop-1'];

/** All nodes of a topology on one simulated network: hops and an echo that notes what it saw, published on every way in. */
class World {
  readonly clock = new SimulatedClock();
  readonly network = new SimulatedNetwork({ clock: this.clock, latencyMs: 1 });
  readonly nodes = new Map<string, SmallNode>();
  readonly links: { from: string; to: string; through: Connection }[] = [];
  readonly echoed: Message[] = [];

  static async make(topology: Topology): Promise<World> {
    const world = new World();
    for (const [index, name] of topology.nodes.entries()) {
      world.nodes.set(name, smallNode({ clock: world.clock, network: world.network, name, seed: index + 1 }));
    }
    const listeners = new Map<string, Listener>();
    for (const [name, { node }] of world.nodes) {
      const listener = await world.clock.runUntil(node.listen(tcp(), `${name}:4000`));
      listeners.set(name, listener);
      for (const each of HOPS) node.start(each, hop);
      node.start('echo', {
        onMessage: (message, context) => {
          world.echoed.push(message);
          context.reply(message, message.payload);
        },
      });
      world.#publish(node, listener);
    }
    for (const { dialer, listener } of topology.links) {
      const near = world.node(dialer);
      const before = new Set(world.node(listener).connections);
      const through = await world.clock.runUntil(near.connect(tcp(), `${listener}:4000`));
      world.#publish(near, through);
      await world.clock.run({ untilMs: world.clock.monotonicMs() + 5 });
      const back = [...world.node(listener).connections].find((connection) => !before.has(connection));
      world.links.push({ from: dialer, to: listener, through }, { from: listener, to: dialer, through: back! });
    }
    return world;
  }

  node(name: string): Node {
    return this.nodes.get(name)!.node;
  }

  async stop(): Promise<void> {
    await this.clock.runUntil(Promise.all([...this.nodes.values()].map(({ node }) => node.stop())));
  }

  #publish(node: Node, on: Listener | Connection): void {
    for (const each of [...HOPS, 'echo']) node.publish(each, { on, allow: allowEveryone });
  }
}

interface Step {
  readonly kind: 'hop' | 'link';
  readonly choice: number;
}

/**
 * Walks the network step by step: a hop of the node where it is, or one of its links. A node passes a stranger's message on
 * to a link only through a hop, so one stands before each.
 */
function walk(world: World, steps: readonly Step[]): RoutePart[] {
  const parts: RoutePart[] = [];
  let at = 'node-0';
  for (const { kind, choice } of steps) {
    const links = world.links.filter(({ from }) => from === at);
    const link = links[choice % Math.max(1, links.length)];
    const isForeign = parts.length > 0;
    if (kind === 'hop' || isForeign) parts.push(HOPS[choice % HOPS.length]!);
    if (kind === 'hop' || link === undefined) continue;
    parts.push(link.through);
    at = link.to;
  }
  return [...parts, 'echo'];
}

const steps = fc.array(fc.record({ kind: fc.constantFrom('hop' as const, 'link' as const), choice: fc.nat(5) }), { maxLength: 8 });

test('the reply takes the route back, over any nodes, links and hops; and nothing is left when all stop', async () => {
  await fc.assert(
    fc.asyncProperty(
      topologies({ nodeCountMax: 4, relayCountMax: 0 }),
      fc.array(steps, { minLength: 1, maxLength: 3 }),
      payloads(),
      async (topology, walks, payload) => {
        const world = await World.make(topology);
        const near = world.node('node-0');
        for (const each of walks) {
          const to = route(...walk(world, each));
          const answer = await world.clock.runUntil(near.request(to, payload));
          const seen = world.echoed.at(-1)!;
          expect(answer.payload).toEqual(payload);
          expect(seen.localInfo).toEqual([]);
          // Each address that the message passed stands in its way back, and each is passed again: the reply has as many.
          expect(seen.returnRoute.length).toBe(to.length);
        }
        await world.stop();
        for (const { node, watch } of world.nodes.values()) {
          expect([node.addresses, node.flows.isEmpty, node.deadLetters.count(), watch.faults]).toEqual([[], true, 0, []]);
        }
        expect([world.clock.pendingCount, world.network.streamCount]).toEqual([0, 0]);
      },
    ),
    { numRuns: 400 / SHARE },
  );
});

test('the reply takes the route back through any workers of one node, whoever forwards in whichever way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom('step', 'async', 'alias'), { maxLength: 20 }), payloads(), async (kinds, payload) => {
      const { node, watch } = smallNode();
      node.start('echo', { onMessage: (message, context) => context.reply(message, message.payloadChunks) });
      node.start('step', hop);
      node.start('async', {
        onMessage: async (message, context) => {
          await Promise.resolve();
          context.forward(message.step(context.address));
        },
      });
      node.start(
        'own',
        { onMessage: (message, context) => context.forward(message.step(message.destination), { from: message.destination }) },
        { also: [{ address: 'alias' }] },
      );
      expect((await node.request(route(...kinds, 'echo'), payload)).payload).toEqual(payload);
      expect([watch.faults, watch.handled]).toEqual([[], 2 * kinds.length + 2]);
    }),
    { numRuns: 1_000 / SHARE },
  );
});
