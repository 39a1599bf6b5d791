// What a node holds is bounded: a flood waits at its socket while there is progress, and is shed when there is none.
import { echo, route, tcp } from 'postern';
import { type Invariant, onlyAllowed, queuesWithin, type Scenario } from 'postern/simulation';

const LIMITS = { messages: 8, bytes: 1024 * 1024 };
/** Eight times the limit: nothing at all is taken above it. */
const HARD_MAX = 64;
const FLOOD = 200;

const nothingShed: Invariant = {
  name: 'pressure reaches the socket before anything is lost',
  check: ({ events }) => {
    const at = events.findIndex((event) => event.kind === 'message' && event.reason === 'overflow' && event.destination === '0#slow');
    return at < 0 ? undefined : { invariant: nothingShed.name, text: 'a message to a worker that makes progress was shed.', at };
  },
};

const noLongRouteLeaves: Invariant = {
  name: 'a route that is too long does not leave its node',
  check: ({ events }) => {
    const at = events.findIndex((event) => event.kind === 'message' && event.reason === 'route-limit' && event.node === 'shop');
    return at < 0 ? undefined : { invariant: noLongRouteLeaves.name, text: 'the next node had to refuse it.', at };
  },
};

const shortRoutes = onlyAllowed(({ node, onward }) => node !== 'bank' || onward.split(' => ').length <= 32);
const long = (hops: number) => Array.from({ length: hops }, () => 'echo');

export const scenario: Scenario = {
  name: 'bounds',
  invariants: [
    queuesWithin(({ destination }) => (destination === '0#stuck' ? HARD_MAX : Number.POSITIVE_INFINITY)),
    nothingShed,
    noLongRouteLeaves,
    shortRoutes,
  ],
  play: async (world) => {
    const limits = { ingress: LIMITS };
    const { node: bank } = world.node('bank', undefined, { limits });
    const [{ node: shop }, { node: honest }] = world.nodes('shop', 'honest');
    const { node: hostile } = world.node('hostile', undefined, { limits: { routeAddresses: 1_000 } });
    let handled = 0;
    const waits = (ms: number) => () => world.pass(ms).then(() => void (handled += 1));
    bank.start('slow', { onMessage: waits(20) });
    bank.start('stuck', { onMessage: waits(5_000) });
    for (const node of [bank, shop]) {
      const on = await node.listen(tcp(), '0.0.0.0:4000');
      node.start('echo', echo);
      for (const name of node === bank ? ['slow', 'stuck', 'echo'] : ['echo']) node.publish(name, { on, allow: { allows: () => true } });
    }

    const toShop = await honest.connect(tcp(), 'shop:4000');
    await honest.send(route(toShop, ...long(40)), Uint8Array.of(1));
    const fromHostile = await hostile.connect(tcp(), 'bank:4000');
    await hostile.send(route(fromHostile, ...long(40)), Uint8Array.of(1));
    await world.pass('1s');

    for (const worker of ['slow', 'stuck']) {
      const connection = await honest.connect(tcp(), 'bank:4000');
      for (let sent = 0; sent < FLOOD; sent++) void honest.send(route(connection, worker), Uint8Array.of(sent));
      if (worker === 'slow') await world.until(() => handled === FLOOD, { within: '10s' });
    }
    await world.pass('3s');
  },
};
