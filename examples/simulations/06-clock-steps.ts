// Clocks that jump by an hour on either side, around the end of a credential: who gets in is told by the clock of whoever decides.
import {
  createIdentity,
  echo,
  holdsCredential,
  everyone,
  fromAnyPeer,
  route,
  secureChannel,
  secureChannelListener,
  tcp,
  text,
} from 'postern';
import type { Scenario } from 'postern/simulation';
import { identityOf } from './parts.ts';

const LIFE_SECONDS = 3_600;
/** What two clocks may differ without anybody minding. */
const DRIFT_SECONDS = 5;
const STEPS_SECONDS = [-3_600, 0, 3_600];
const WAITS_SECONDS = [60, 3_500, 3_700];

export const scenario: Scenario = {
  name: 'clock steps',
  play: async (world) => {
    const table: string[] = [];
    let port = 4_000;
    for (const server of STEPS_SECONDS)
      for (const client of STEPS_SECONDS)
        for (const waits of WAITS_SECONDS) {
          const isIn = await getsIn(world, ++port, server, client, waits);
          // The server asks whether the credential still holds, the client whether the server's key is of the past.
          const wanted = waits + server <= LIFE_SECONDS && waits + server >= -DRIFT_SECONDS && waits + client >= -DRIFT_SECONDS;
          table.push(`server ${server}, client ${client}, after ${waits} s: ${isIn ? 'in' : 'out'}`);
          if (isIn !== wanted) throw new Error(`${table.at(-1) ?? ''}, and not as it should`);
        }
    for (const row of table) world.note(row);
  },
};

async function getsIn(
  world: Parameters<Scenario['play']>[0],
  port: number,
  server: number,
  client: number,
  waits: number,
): Promise<boolean> {
  const authority = await createIdentity(world.node(`authority-${port}`).home);
  const [serving, asking] = [world.node(`server-${port}`), world.node(`client-${port}`)];
  const [serverId, clientId] = [await identityOf(serving.home), await identityOf(asking.home)];
  await authority.importHistory(await clientId.exportHistory());
  await serverId.importHistory(await authority.exportHistory(), { keep: true });
  const credential = await authority.issueCredential(clientId.identifier, { role: 'dba' }, { lifeSeconds: LIFE_SECONDS });

  const listener = await serving.node.listen(tcp(), `0.0.0.0:${port}`);
  const trust = holdsCredential(authority.identifier, { role: 'dba' });
  const channels = secureChannelListener(serving.node, 'api', { identity: serverId, trust, on: listener });
  serving.node.start('echo', echo);
  serving.node.publish('echo', { on: channels, allow: fromAnyPeer });
  const connection = await asking.node.connect(tcp(), `server-${port}:${port}`);
  const presents = { retrieve: () => Promise.resolve(credential), subscribe: () => () => undefined };
  const ask = async () => {
    const channel = await secureChannel(asking.node, route(connection, 'api'), {
      identity: clientId,
      trust: everyone,
      credential: presents,
    });
    try {
      await asking.node.request(route(channel, 'echo'), text.encode('hello'), { timeoutMs: 1_000 });
    } finally {
      await channel.close();
    }
  };
  await ask(); // while all clocks are right: the keys of both are made now
  world.skewClock(serving, server);
  world.skewClock(asking, client);
  await world.pass(waits * 1_000);
  const isIn = await ask().then(
    () => true,
    () => false,
  );
  await asking.stop();
  await serving.stop();
  return isIn;
}
