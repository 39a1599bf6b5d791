// Inlets played by hand, as an original or an enemy would: what they say wrong ends their stream, and no byte of it comes out.
import { type Message, type Node, outlet, type Outlet, type OutletOptions, type Route, route, tcp } from 'postern';
import { everyMessageEnds, type Scenario } from 'postern/simulation';
import { Program } from './parts.ts';

const WINDOW_BYTES = 16 * 1024;
const STREAMS_MAX = 2;
const ORIGINAL_PING = Uint8Array.of(0x00);
/** It numbers its bytes, and takes 65,535 of them. */
const PING = Uint8Array.of(0x00, 0x50, 0x53, 0x54, 1, 0, 0xff, 0xff, 0x03);
/** As the original sends a piece: with a counter. */
const counted = (byte: number, counter: number) => Uint8Array.of(0x03, 1, byte, 1, counter & 0xff, counter >> 8);
const LOST = 33;

export const scenario: Scenario = {
  name: 'portal peers',
  invariants: [everyMessageEnds],
  play: async (world) => {
    const [server, enemy] = world.nodes('server', 'enemy');
    const targets: Program[] = [];
    const vault = world.node('vault', async ({ network, node }) => {
      const listener = await network.listen({ host: '0.0.0.0', port: 5432 }, (stream) => {
        const program = new Program(stream);
        targets.push(program);
        return program;
      });
      node.onStop(() => void listener.close());
    });
    await vault.ready;
    const on = await server.node.listen(tcp(), '0.0.0.0:4000');
    const serve = (address: string, options: Partial<OutletOptions> = {}): Outlet =>
      outlet(server.node, { address, target: 'vault:5432', on, allow: { allows: () => true }, windowBytes: WINDOW_BYTES, ...options });
    const connection = await enemy.node.connect(tcp(), 'server:4000');
    /** Pings an outlet. @returns how to say more in that stream */
    const begin = async (address: string, ping: Uint8Array) => {
      const peer = inletByHand(enemy.node);
      peer.say(route(connection, address), ping);
      await world.pass('1s');
      return (payload: Uint8Array) => peer.say(peer.wayBack, payload);
    };

    serve('counted');
    const say = await begin('counted', ORIGINAL_PING);
    for (const [byte, counter] of [
      [31, 0],
      [32, 1],
      [LOST, 3],
    ] as const)
      say(counted(byte, counter));
    await world.pass('1s');
    const out = targets.at(-1)?.bytesOut.flatMap((bytes) => [...bytes]) ?? [];
    if (out.length < 2) throw new Error('an original is not served');
    if (out.includes(LOST)) throw new Error('a piece came out though the one before it was lost');

    const overrun = serve('window');
    (await begin('window', PING))(Uint8Array.of(0x10, 0, ...new Uint8Array(WINDOW_BYTES + 1)));
    await world.pass('1s');
    if (overrun.streams > 0) throw new Error('a peer that overran its window is still served');

    const claims = serve('claims');
    (await begin('claims', PING))(Uint8Array.of(0x11, 100, 0xff, 0xff, 0x03));
    await world.pass('1s');
    if (claims.streams > 0) throw new Error('a peer that has received what was never sent is still served');

    const strict = serve('strict', { requireNumbers: true });
    await begin('strict', ORIGINAL_PING);
    if (strict.streams > 0) throw new Error('a peer without numbers is served where they are required');

    const few = serve('few', { streamsPerPeerMax: STREAMS_MAX });
    for (let more = 0; more < STREAMS_MAX + 2; more++) await begin('few', PING);
    if (few.streams > STREAMS_MAX) throw new Error(`one peer has ${few.streams} streams, and may have ${STREAMS_MAX}`);
  },
};

/** A worker that sends what it is told, and keeps the way back of what it hears. */
function inletByHand(node: Node) {
  let wayBack: Route | undefined;
  const address = node.newAddress();
  let say: (to: Route, payload: Uint8Array) => void = () => undefined;
  node.start(address, {
    onStart: (context) => {
      say = (to, payload) => {
        const flow = node.flows.ofAnswersThrough(to.next);
        if (flow !== undefined) node.flows.addConsumer(address, flow.id);
        context.enter(() => context.send(to, payload));
      };
    },
    onMessage: ({ returnRoute }: Message) => void (wayBack ??= returnRoute.owned()),
  });
  return {
    say: (to: Route, payload: Uint8Array) => say(to, payload),
    get wayBack(): Route {
      if (wayBack === undefined) throw new Error('The outlet has not answered.');
      return wayBack;
    },
  };
}
