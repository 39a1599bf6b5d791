import { Address } from '../../runtime/address.ts';
import { route } from '../../runtime/route.ts';
import { registerRelay } from '../../workers/relay/remote-relay.ts';
import { relayWorld, sayWho } from '../relay-world.ts';
import { readVectors } from '../vectors/read-vectors.ts';
import { inTurn, type Row } from './row.ts';

/** Of one identity. Source: reliability.md RT10 */
const RELAYS_MAX = 100;
/** An address has at most 255 bytes, of which `forward_to_` takes 11. Source: routing.md 5.1 */
const NAME_BYTES_MAX = 244;

const { accept, reject } = readVectors<{ accept: readonly string[]; reject: readonly string[] }>('strings/names.json');
const NAMES: readonly string[] = [...accept, ...reject, ...readVectors<readonly string[]>('strings/blns.json')];

function isTakeable(name: string): boolean {
  const bytes = new TextEncoder().encode(name).length;
  return bytes > 0 && bytes <= NAME_BYTES_MAX;
}

export const rows: readonly Row[] = [
  {
    id: 'RT10',
    about: 'one identity asks for 110 relays over two channels: 100 are given, and another identity is still served',
    full: 111,
    run: async ({ count, seed }) => {
      const world = relayWorld(seed);
      await world.relayNode('relay');
      const [alice, bob] = [await world.party('alice'), await world.party('bob')];
      const ways = [await alice.join('one', 'relay'), await alice.join('two', 'relay')];
      const other = await bob.join('three', 'relay');
      return inTurn(count, async (index) => {
        const isLast = index === count - 1;
        const { node, channel } = (isLast ? other : ways[index % 2]) ?? other;
        const asked = registerRelay(node, channel.route, { name: `name-${index}`, timeoutMs: 200 }).catch(() => undefined);
        const isGiven = (await world.clock.runUntil(asked)) !== undefined;
        if (isGiven === (isLast || index < RELAYS_MAX)) return undefined;
        return isGiven ? 'one too many' : 'refused, though there is room';
      });
    },
  },
  {
    id: 'RT11',
    about: '76 names and 515 naughty strings as relay names: taken exactly or refused, and the service answers after each',
    full: NAMES.length,
    run: async ({ count, seed }) => {
      const world = relayWorld(seed);
      await world.relayNode('relay', { relaysPerOwnerMax: 1_000 });
      const [server, client] = [world.node('server'), world.node('client')];
      const connection = await world.connect(server, 'relay');
      sayWho(server, connection);
      const through = await world.connect(client, 'relay');
      const registers = async (name: string) => {
        const registering = registerRelay(server, connection.route, { name, timeoutMs: 50 }).catch(() => undefined);
        const made = await world.clock.runUntil(registering);
        if (made === undefined) return false;
        const to = route(through, Address.local(`forward_to_${name}`), 'who');
        const asked = client.request(to, Uint8Array.of(1), { timeoutMs: 200 }).catch(() => undefined);
        const answer = await world.clock.runUntil(asked);
        await world.clock.runUntil(made.close());
        return answer !== undefined;
      };
      return inTurn(count, async (index) => {
        const name = NAMES[index % NAMES.length] ?? '';
        if ((await registers(name)) !== isTakeable(name)) return `${JSON.stringify(name)} is ${isTakeable(name) ? 'refused' : 'taken'}`;
        return (await registers('plain')) ? undefined : `the service is gone after ${JSON.stringify(name)}`;
      });
    },
  },
];
