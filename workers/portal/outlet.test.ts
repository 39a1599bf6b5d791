import { describe, expect, test, vi } from 'vitest';
import { PortalWorld, type Program } from '../../property-tests/portal-world.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import type { Context } from '../../runtime/context.ts';
import type { Message } from '../../runtime/message.ts';
import { route } from '../../runtime/route.ts';
import { tcp } from '../../transports/tcp.ts';
import { peerInfo } from '../secure-channel/local-info.ts';
import { inlet } from './inlet.ts';
import { encodeReset, type ResetReason } from './portal-message.ts';

const areReset = (clients: readonly Program[]) => clients.map(({ wasReset }) => wasReset);

async function connectMany(world: PortalWorld, count: number, at = world.inlet.local): Promise<Program[]> {
  const clients: Program[] = [];
  for (let index = 0; index < count; index++) clients.push(await world.connect(at));
  await world.run(100);
  return clients;
}

/** Another way to the same outlet: an inlet with a connection of its own, through these workers of the far node. */
async function anotherInlet(world: PortalWorld, ...through: string[]) {
  const connection = await world.clock.runUntil(world.near.connect(tcp(), 'far:4000'));
  const options = { listen: '127.0.0.1:0', outlet: route(connection, ...through, 'outlet'), allow: allowEveryone };
  return (await world.clock.runUntil(inlet(world.near, options))).local;
}

describe('dials', () => {
  const toNowhere = async (dialsMax?: number) => {
    const world = await PortalWorld.make({ outlet: { target: 'hole:5432', ...(dialsMax !== undefined && { dialsMax }) } });
    world.network.host('hole');
    world.network.partition('far', 'hole');
    return world;
  };

  /** How often the target is dialled, as the far node's network sees it. */
  const dialsOf = (world: PortalWorld) => vi.spyOn(world.far.network, 'connect');

  test('no more are under way than may be; the rest waits as long as a dial may take, and is told that it was too many', async () => {
    const world = await toNowhere(3);
    const dials = dialsOf(world);
    const answers: string[] = [];
    world.relay.edit = (message, direction) => {
      if (direction === 'back') answers.push(Buffer.from(message.payload).toString('hex'));
      return [message];
    };
    const clients = await Promise.all(Array.from({ length: 5 }, () => world.connect()));
    await world.run(100);
    expect([dials.mock.calls.length, world.outlet.streams, areReset(clients)]).toEqual([3, 5, Array(5).fill(false)]);
    await world.run(4_100);
    expect([dials.mock.calls.length, world.outlet.streams, areReset(clients)]).toEqual([3, 0, Array(5).fill(true)]);
    const said = (reason: ResetReason) => Buffer.from(encodeReset(reason)).toString('hex');
    expect(answers.toSorted()).toEqual([...Array<string>(3).fill(said('target-silent')), said('limit'), said('limit')].toSorted());
    await connectMany(world, 4);
    expect(dials.mock.calls.length).toBe(6);
  });

  test('one that is called off makes room for the next in line', async () => {
    const world = await toNowhere(1);
    const dials = dialsOf(world);
    const other = await anotherInlet(world);
    await connectMany(world, 1);
    await connectMany(world, 1, other);
    expect([dials.mock.calls.length, world.outlet.streams]).toEqual([1, 2]);
    await world.clock.runUntil(world.mid.stop()); // the way by which the first Ping came is gone
    await world.run(100);
    expect([dials.mock.calls.length, world.outlet.streams]).toEqual([2, 1]);
  });

  test('256 unless told otherwise; when the target is fast, a crowd that comes at once is served whole', async () => {
    const world = await toNowhere();
    const dials = dialsOf(world);
    await Promise.all(Array.from({ length: 270 }, () => world.connect()));
    await world.run(100);
    expect([dials.mock.calls.length, world.outlet.streams]).toEqual([256, 270]);
    const fast = await PortalWorld.make({ outlet: { dialsMax: 4 } });
    const clients = await Promise.all(Array.from({ length: 100 }, () => fast.connect()));
    await fast.run(1_000);
    expect([fast.targets.length, fast.outlet.streams, clients.some(({ wasReset }) => wasReset)]).toEqual([100, 100, false]);
  });

  test('one that has succeeded is under way no more', async () => {
    const world = await PortalWorld.make({ outlet: { dialsMax: 1 } });
    for (let index = 0; index < 3; index++) expect(areReset(await connectMany(world, 1))).toEqual([false]);
    expect(world.outlet.streams).toBe(3);
  });
});

describe('one peer has half of the streams', () => {
  test('which is one connection where no channel is', async () => {
    const world = await PortalWorld.make({ outlet: { streamsMax: 4 } });
    const other = await anotherInlet(world);
    const clients = await connectMany(world, 3);
    expect(areReset(clients)).toEqual([false, false, true]);
    expect(areReset(await connectMany(world, 2, other))).toEqual([false, false]);
    clients[0]!.stream.reset();
    await world.run(100);
    expect(areReset(await connectMany(world, 2))).toEqual([false, true]);
  });

  test('and whoever is at the other end of a channel, by however many connections it comes', async () => {
    const world = await PortalWorld.make({ outlet: { streamsMax: 4 } });
    // What a channel's end does: it says of all that comes by it whose it is.
    const endOf = (identifier: string) => {
      const info = [peerInfo({ identifier: identifier as Identifier, credentials: [], clock: world.clock })];
      return {
        onMessage: (message: Message, context: Context) => {
          const stepped = message.step(context.address);
          context.forward(stepped.flow === undefined ? stepped : stepped.arrived(stepped.flow, info));
        },
      };
    };
    for (const [name, who] of Object.entries({ first: 'Ialice', second: 'Ialice', third: 'Ibob' })) {
      world.far.start(name, endOf(who));
      world.far.publish(name, { on: world.farListener, allow: allowEveryone });
    }
    const seen: boolean[][] = [];
    for (const name of ['first', 'second', 'first', 'third', 'third'])
      seen.push(areReset(await connectMany(world, 1, await anotherInlet(world, name))));
    expect(seen.flat()).toEqual([false, false, true, false, false]);
  });

  test('or as many as it is told', async () => {
    const world = await PortalWorld.make({ outlet: { streamsMax: 4, streamsPerPeerMax: 3 } });
    expect(areReset(await connectMany(world, 4))).toEqual([false, false, false, true]);
  });
});
