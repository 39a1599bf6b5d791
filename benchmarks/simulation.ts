// What simulated worlds cost. usage: npm run bench:simulation
import { createIdentity, everyone, hop, Route, route, secureChannel, secureChannelListener, tcp } from 'postern';
import { type Play, simulate, World } from 'postern/simulation';

const HOPS = 10;
const MESSAGES = 50_000;
const BATCH = 500;
const IDLE_NODES = 20_000;
const CHANNEL_NODES = 1_000;

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Runs it once and says how long that took, in seconds of this machine. */
async function secondsOf(play: Play, eventsMax?: number): Promise<number> {
  const start = performance.now();
  await simulate({ seed: 1, replays: false, logLevel: 'error', ...(eventsMax !== undefined && { eventsMax }) }, play);
  return (performance.now() - start) / 1_000;
}

async function deliveries(): Promise<void> {
  let handled = 0;
  const seconds = await secondsOf(async (world) => {
    const [one] = world.nodes('one');
    const hops = Array.from({ length: HOPS }, (_, index) => one.node.start(`hop-${index}`, hop));
    one.node.start('sink', { onMessage: () => void (handled += 1) });
    const way = Route.of([...hops, 'sink']);
    for (let sent = 0; sent < MESSAGES; sent++) {
      void one.node.send(way, Uint8Array.of(1));
      if (sent % BATCH === BATCH - 1) await world.pass(1);
    }
    await world.settled();
  }, 0);
  const rate = (MESSAGES * (HOPS + 1)) / seconds;
  console.log(
    `${HOPS}-hop route: ${Math.round(rate).toLocaleString('en')} deliveries a second (${handled} of ${MESSAGES} arrived); to be 100,000`,
  );
}

async function idleNodes(): Promise<void> {
  const before = process.memoryUsage.rss();
  const world = new World({ seed: 1 });
  for (let count = 0; count < IDLE_NODES; count++) world.node(`node-${count}`);
  await world.drive(world.pass('1m'));
  console.log(`${IDLE_NODES.toLocaleString('en')} idle nodes: ${mib(process.memoryUsage.rss() - before)}; to be under 1,024 MiB`);
  await world.drive(world.stop());
}

async function channels(): Promise<void> {
  let open = 0;
  const seconds = await secondsOf(async (world) => {
    const server = world.node('server', async (home) => {
      const identity = await createIdentity(home);
      const listener = await home.node.listen(tcp(), '0.0.0.0:4000');
      secureChannelListener(home.node, 'api', { identity, trust: everyone, on: listener });
    });
    await server.ready;
    const clients = Array.from({ length: CHANNEL_NODES - 1 }, (_, index) =>
      world.node(`client-${index}`, async (home) => {
        await new Promise<void>((resolve) => home.clock.setTimer(index * 10, resolve));
        const identity = await createIdentity(home);
        const connection = await home.node.connect(tcp(), 'server:4000');
        await secureChannel(home.node, route(connection, 'api'), { identity, trust: everyone });
        open += 1;
      }),
    );
    await Promise.all(clients.map((client) => client.ready));
  });
  console.log(
    `${CHANNEL_NODES.toLocaleString('en')} nodes with a secure channel each: ${seconds.toFixed(1)} s (${open} open); to be under 60 s`,
  );
}

await idleNodes();
await deliveries();
await channels();
