// Handshakes that a hop on the way edits open no channel, and those that never end cost the listener a bounded room for a time.
import { everyone, secureChannel } from 'postern';
import { nothingLeft, type Scenario } from 'postern/simulation';
import { channelWorld } from './channel.ts';
import { withPayload } from './parts.ts';

const STORM = 90;
/** 64 handshakes of one connection, of two addresses each, and the listener's own. */
const ADDRESSES_MAX = 64 * 2;

export const scenario: Scenario = {
  name: 'handshakes',
  invariants: [nothingLeft],
  play: async (world) => {
    const { client, server, clientId, serverId, way, meddler, isThere } = await channelWorld(world);
    const opens = (identity = clientId) => {
      const opened = secureChannel(client.node, way, { identity, trust: everyone, handshakeTimeoutMs: 2_000 }).then(
        (channel) => channel.close().then(() => true),
        () => false,
      );
      return Promise.race([
        opened,
        world.pass('10s').then(() => {
          throw new Error('a handshake still goes on after its deadline');
        }),
      ]);
    };
    if (!(await opens())) throw new Error('an honest handshake opens no channel');
    // Message 1 may carry a payload that its reader ignores: only the hash of the handshake tells that one was added.
    meddler.meddle = (message) => [isThere(message) ? withPayload(message, Uint8Array.of(...message.payload, 1)) : message];
    if (await opens()) throw new Error('a handshake that was edited on its way opens a channel');
    meddler.meddle = (message) => [message];
    if (await opens(serverId)) throw new Error('a channel leads to its own identity');

    await world.pass('20s');
    const quiet = server.node.addresses.length;
    for (let sent = 0; sent < STORM; sent++) void client.node.send(way, world.random.bytes(32));
    await world.pass('1s');
    const most = server.node.addresses.length - quiet;
    if (most > ADDRESSES_MAX) throw new Error(`handshakes that never end took ${most} addresses`);
    await world.pass('15s');
    const left = server.node.addresses.length - quiet;
    if (left > 0) throw new Error(`handshakes that never ended still have ${left} addresses`);
  },
};
