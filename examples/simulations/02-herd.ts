// Nodes registered at three relays; one relay dies and returns. All come back, and not all at once.
import { channelSession, connectionSession, peers, relaySession, tcp, via, whenThere } from 'postern';
import type { Scenario } from 'postern/simulation';
import { identityOf, relay } from './parts.ts';

/** Give `NODES=1000` for the whole herd. */
const NODES = Number(process.env['NODES'] ?? 30);

export const scenario: Scenario = {
  name: 'herd',
  play: async (world) => {
    const relays = [world.node('relay-0', relay), world.node('relay-1', relay), world.node('relay-2', relay)] as const;
    const identifiers = await Promise.all(relays.map(async (each) => (await each.ready).identity.identifier));
    const back = new Map<number, number>();
    const nodes = Array.from({ length: NODES }, (_, index) =>
      world.node(`node-${index}`, async (home) => {
        const at = index % relays.length;
        const identity = await identityOf(home);
        const connection = connectionSession(home.node, tcp(), `relay-${at}:4000`);
        const channel = channelSession(home.node, via(connection, 'api'), { identity, trust: peers(identifiers) });
        const registered = relaySession(home.node, channel, { name: `node-${index}` });
        await whenThere(registered);
        return registered;
      }),
    );
    const sessions = await Promise.all(nodes.map((node) => node.ready));
    const [, victim] = relays;
    world.crash(victim);
    await world.pass('60s'); // nobody is told: they find out by its silence
    const { service } = await world.restart(victim);
    const returnedMs = world.nowMs;
    const theirs = sessions.filter((_, index) => index % relays.length === 1);
    await world.until(() => service.relays.length === theirs.length, { within: '2m' });
    for (const { atMs, ...event } of world.trace.events)
      if (atMs >= returnedMs && event.kind === 'stream' && event.what === 'opened' && event.to === victim.name) {
        const second = Math.floor((atMs - returnedMs) / 1_000);
        back.set(second, (back.get(second) ?? 0) + 1);
      }
    const worst = Math.max(0, ...back.values());
    const average = theirs.length / Math.max(1, ...[...back.keys()].map((second) => second + 1));
    world.note(`all ${theirs.length} were back after ${Math.round(world.nowMs - returnedMs)} ms, at most ${worst} in one second`);
    if (worst > 3 * average) throw new Error(`${worst} of ${theirs.length} came in the same second`);
  },
};
