import { expect, test } from 'vitest';
import { allowEveryone } from '../../runtime/access-control.ts';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { route } from '../../runtime/route.ts';
import { whenThere } from '../../runtime/way.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedNetwork } from '../../simulation/network.ts';
import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { echo } from '../echo.ts';
import { connectionSession } from '../session/connection-session.ts';
import { relayService } from './relay-service.ts';
import { relaySession } from './relay-session.ts';
import { registerRelay } from './remote-relay.ts';

const RELAY = 'relay:4000';

function world() {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock, latencyMs: 5 });
  let seed = 1;
  const node = (name: string) => new Node({ name, clock, random: seededRandom(seed++), network: network.host(name), logger: silentLogger });
  return { clock, network, node };
}

async function relayNode(node: Node) {
  const listener = await node.listen(tcp(), '0.0.0.0:4000');
  node.start('echo', echo);
  node.publish('echo', { on: listener, allow: allowEveryone });
  return { listener, service: relayService(node, { on: listener, allow: allowEveryone }) };
}

test('a session keeps a relay up through the loss of its connection', async () => {
  const { clock, network, node } = world();
  const [cloud, server, client] = [node('relay'), node('server'), node('client')];
  await relayNode(cloud);
  server.start('echo', echo);
  const toCloud = connectionSession(server, tcp(), RELAY);
  server.publish('echo', { on: toCloud, allow: allowEveryone });
  const relay = relaySession(server, toCloud, { name: 'n3' });
  await clock.runUntil(whenThere(relay));

  const connection = await clock.runUntil(client.connect(tcp(), RELAY));
  const ask = () => clock.runUntil(client.request(route(connection, 'forward_to_n3', 'echo'), Uint8Array.of(7), { timeoutMs: 1_000 }));
  expect([...(await ask()).payload]).toEqual([7]);

  network.reset('server', 'relay');
  await clock.run({ untilMs: clock.monotonicMs() + 1_000 });
  expect(relay.state).toBe('up');
  expect([...(await ask()).payload]).toEqual([7]);

  await Promise.all([relay.close(), toCloud.close()].map((closing) => clock.runUntil(closing)));
  expect(server.flows.consumedBy(server.addresses[0]!)).toEqual([]);
  expect(server.addresses.map(String)).toEqual(['0#echo']);
});

test('a session registers its name again that was given to another while it was silent', async () => {
  const { clock, network, node } = world();
  const [cloud, server, rival, client] = [node('relay'), node('server'), node('rival'), node('client')];
  await relayNode(cloud);
  for (const each of [server, rival]) each.start('echo', echo);
  const toCloud = connectionSession(server, tcp(), RELAY);
  server.publish('echo', { on: toCloud, allow: allowEveryone });
  await clock.runUntil(whenThere(relaySession(server, toCloud, { name: 'n3' })));
  const connection = await clock.runUntil(client.connect(tcp(), RELAY));
  const asked = () => client.request(route(connection, 'forward_to_n3', 'echo'), Uint8Array.of(7), { timeoutMs: 1_000 });
  const answers = () =>
    clock.runUntil(
      asked().then(
        () => true,
        () => false,
      ),
    );

  // Too short a silence for the connection to be lost by it.
  network.partition('server', 'relay');
  const fromRival = await clock.runUntil(rival.connect(tcp(), RELAY));
  await clock.runUntil(registerRelay(rival, fromRival.route, { name: 'n3' }));
  network.heal('server', 'relay');
  await clock.runUntil(fromRival.close());
  expect(await answers()).toBe(false);
  await clock.run({ untilMs: clock.monotonicMs() + 45_000 });
  expect(await answers()).toBe(true);
});
