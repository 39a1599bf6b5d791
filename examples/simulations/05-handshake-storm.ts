// Thousands of handshakes that never end, beside honest ones: what they cost is bounded, and the honest get in.
import { everyone, route, secureChannel, secureChannelListener, echo, fromAnyPeer, tcp, text } from 'postern';
import type { Scenario } from 'postern/simulation';
import { identityOf } from './parts.ts';

/** Give `STORM=10000` for a real one. */
const STORM = Number(process.env['STORM'] ?? 500);
const HONEST = 10;
/** What a listener keeps of handshakes that are not done, and a bit for its own. */
const ADDRESSES_MAX = 64 * 4;

export const scenario: Scenario = {
  name: 'handshake storm',
  play: async (world) => {
    const server = world.node('server', async (home) => {
      const identity = await identityOf(home);
      const listener = await home.node.listen(tcp(), '0.0.0.0:4000');
      const channels = secureChannelListener(home.node, 'api', { identity, trust: everyone, on: listener });
      home.node.start('echo', echo);
      home.node.publish('echo', { on: channels, allow: fromAnyPeer });
    });
    await server.ready;
    const quiet = server.node.addresses.length;

    const stormer = world.node('stormer');
    const flood = await stormer.node.connect(tcp(), 'server:4000');
    let most = 0;
    const storm = (async () => {
      for (let sent = 0; sent < STORM; sent++) {
        // A first message of Noise XX is any 32 bytes. What comes back is not answered.
        void stormer.node.send(route(flood, 'api'), world.random.bytes(32));
        if (sent % 20 === 19) await world.pass(10);
        most = Math.max(most, server.node.addresses.length - quiet);
      }
    })();

    for (let count = 0; count < HONEST; count++) {
      const client = world.node(`client-${count}`);
      const identity = await identityOf(client.home);
      const connection = await client.node.connect(tcp(), 'server:4000');
      const channel = await secureChannel(client.node, route(connection, 'api'), { identity, trust: everyone });
      const answer = await client.node.request(route(channel, 'echo'), text.encode('hello'));
      if (text.decode(answer.payload) !== 'hello') throw new Error('The echo said something else.');
      await world.pass('100ms');
    }
    await storm;
    world.note(`at most ${most} addresses more, under ${STORM} handshakes that never ended`);
    if (most > ADDRESSES_MAX) throw new Error(`The storm took ${most} addresses.`);
  },
};
