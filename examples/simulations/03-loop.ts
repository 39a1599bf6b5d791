// Two relays that point at each other: what goes round ends by itself, and one message never becomes two.
import { route, Route, tcp } from 'postern';
import type { Scenario } from 'postern/simulation';
import { bareString } from 'postern/wire';
import { openRelay } from './parts.ts';

/** The longest route has 32 addresses, and each round adds two. */
const FORWARDS_MAX = 64;

export const scenario: Scenario = {
  name: 'loop',
  play: async (world) => {
    const [east, west] = [world.node('east', openRelay), world.node('west', openRelay)];
    await Promise.all([east.ready, west.ready]);
    const toWest = await east.node.connect(tcp(), 'west:4000');
    await world.settled();
    const [toEast] = west.node.connections;
    if (toEast === undefined) throw new Error('west does not know of the connection');

    // Each registers with a way back that leads through the relay of the other.
    const forge = async (at: typeof east, name: string, back: Route) => {
      at.node.start('forger', {
        onMessage: (message, context) => context.forward(message.rerouted(route('static_forwarding_service'), back)),
      });
      await at.node.send('forger', bareString(name));
      await world.settled();
    };
    await forge(west, 'x', Route.of([toEast.address, 'forward_to_y', 'end']));
    await forge(east, 'y', Route.of([toWest.address, 'forward_to_x', 'end']));
    east.node.publish('forward_to_y', { on: toWest, allow: { allows: () => true } });

    const stranger = world.node('stranger');
    const way = route(await stranger.node.connect(tcp(), 'east:4000'), 'forward_to_y', 'nowhere');
    const before = world.trace.events.length;
    await stranger.node.send(way, Uint8Array.of(1));
    await world.settled();

    const forwards = world.trace.events
      .slice(before)
      .filter((event) => event.kind === 'message' && event.what === 'handled' && /#forward_to_/.test(event.destination));
    world.note(`it was forwarded ${forwards.length} times`);
    if (forwards.length === 0 || forwards.length > FORWARDS_MAX) throw new Error(`It was forwarded ${forwards.length} times.`);
    const ended = world.trace.events.slice(before).filter((event) => event.kind === 'message' && event.what === 'dead');
    if (ended.length !== 1) throw new Error(`One message ended ${ended.length} times.`);
  },
};
