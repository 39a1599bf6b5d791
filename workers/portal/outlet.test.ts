import { describe, expect, test } from 'vitest';
import { PortalWorld, type Program } from '../../property-tests/portal-world.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import type { Context } from '../../runtime/context.ts';
import type { Message } from '../../runtime/message.ts';
import { route } from '../../runtime/route.ts';
import { tcp } from '../../transports/tcp.ts';
import { peerInfo } from '../secure-channel/local-info.ts';
import { inlet } from './inlet.ts';
import { encodeReset } from './portal-message.ts';

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

  test('no more are under way than may be; the rest is told the reason at once, and when they are over there is room', async () => {
    const world = await toNowhere(3);
    const answers: string[] = [];
    world.relay.edit = (message, direction) => {
      if (direction === 'back') answers.push(Buffer.from(message.payload).toString('hex'));
      return [message];
    };
    expect(areReset(await connectMany(world, 5))).toEqual([false, false, false, true, true]);
    expect(answers).toEqual(Array(2).fill(Buffer.from(encodeReset('limit')).toString('hex')));
    expect(world.outlet.streams).toBe(3);
    await world.run(4_000);
    expect(world.outlet.streams).toBe(0);
    expect(areReset(await connectMany(world, 4))).toEqual([false, false, false, true]);
  });

  test('one that is called off makes room', async () => {
    const world = await toNowhere(1);
    await connectMany(world, 1);
    const other = await anotherInlet(world);
    expect(areReset(await connectMany(world, 1, other))).toEqual([true]);
    await world.clock.runUntil(world.mid.stop()); // the way by which the Ping came is gone
    expect(areReset(await connectMany(world, 2, other))).toEqual([false, true]);
  });

  test('256 unless told otherwise', async () => {
    const world = await toNowhere();
    const clients = await connectMany(world, 20);
    const more = await Promise.all(Array.from({ length: 250 }, () => world.connect()));
    await world.run(100);
    expect([world.outlet.streams, areReset([...clients, ...more]).filter(Boolean).length]).toEqual([256, 14]);
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
