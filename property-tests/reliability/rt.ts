import { tcp } from '../../transports/tcp.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { route } from '../../runtime/route.ts';
import { echo } from '../../workers/echo.ts';
import { registerRelay } from '../../workers/relay/remote-relay.ts';
import { relayWorld, sayWho } from '../relay-world.ts';
import { rows as names } from './relay-names.ts';
import { rows as workers } from './routing-workers.ts';
import { inTurn, type Row } from './row.ts';

/** Source: reliability.md RT12 */
const HANDLED_PER_SECOND = 100;
/** What may wait for a slow worker: the soft bound of an ingress, and what both sockets hold. Source: decisions.md A3 */
const WAITING_MAX = 8 * 1_024;

/** Routing, workers and flow control, of reliability.md 2.6; RT9 kills a process: see po.ts. */
export const rows: readonly Row[] = [
  ...workers,
  ...names,
  {
    id: 'RT8',
    about: 'a second identity asks for a live relay name: refused, and traffic still reaches the first',
    full: 100,
    run: async ({ count, seed }) => {
      const world = relayWorld(seed);
      await world.relayNode('relay');
      const [alice, mallory] = [await world.party('alice'), await world.party('mallory')];
      const [owner, thief] = [await alice.join('one', 'relay'), await mallory.join('two', 'relay')];
      sayWho(owner.node, owner.channel);
      sayWho(thief.node, thief.channel);
      await world.clock.runUntil(registerRelay(owner.node, owner.channel.route, { name: 'bank' }));
      await world.pass(1_000);
      const asker = world.node('asker');
      const through = await world.connect(asker, 'relay');
      return inTurn(count, async () => {
        const stolen = registerRelay(thief.node, thief.channel.route, { name: 'bank', timeoutMs: 200 }).catch(() => undefined);
        if ((await world.clock.runUntil(stolen)) !== undefined) return 'the name was taken over';
        const holder = await world.who(asker, through, 'bank');
        return holder === 'alice-one' ? undefined : `traffic reaches ${holder ?? 'nobody'}`;
      });
    },
  },
  {
    id: 'RT12',
    about: 'a flood to a worker that handles 100 messages a second: bounded, and the echo of another connection answers within 50 ms',
    full: 1_000_000,
    run: async ({ count, seed }) => {
      const world = relayWorld(seed);
      const server = world.node('server');
      const listener = await server.listen(tcp(), '0.0.0.0:4000');
      let handled = 0;
      const pause = () => new Promise<void>((resolve) => void world.clock.setTimer(1_000 / HANDLED_PER_SECOND, resolve));
      server.start('slow', {
        onMessage: async () => {
          handled++;
          await pause();
        },
      });
      server.start('echo', echo);
      for (const address of ['slow', 'echo']) server.publish(address, { on: listener, allow: allowEveryone });
      const [flooder, other] = [world.node('flooder'), world.node('other')];
      const toFlood = route(await world.connect(flooder, 'server'), 'slow');
      const toEcho = route(await world.connect(other, 'server'), 'echo');
      let sent = 0;
      const flood = async () => {
        for (; sent < count; sent++) await flooder.send(toFlood, Uint8Array.of(1));
      };
      const flooding = flood();
      let waitingMax = 0;
      let slowestMs = 0;
      while (sent < count || handled + server.deadLetters.count('overflow') < count) {
        await world.pass(500);
        waitingMax = Math.max(waitingMax, sent - handled - server.deadLetters.count('overflow') - flooder.deadLetters.count('overflow'));
        const askedAtMs = world.clock.monotonicMs();
        await world.clock.runUntil(other.request(toEcho, Uint8Array.of(2)));
        slowestMs = Math.max(slowestMs, world.clock.monotonicMs() - askedAtMs);
        if (world.clock.monotonicMs() > (20 * count * 1_000) / HANDLED_PER_SECOND) break;
      }
      const worst = `${waitingMax} messages waited, echo after ${slowestMs} ms, ${handled} handled`;
      const isGood = waitingMax <= WAITING_MAX && slowestMs <= 50 && sent === count;
      if (sent === count) await flooding;
      return { attempted: count, passed: isGood ? count : 0, worst };
    },
  },
];
