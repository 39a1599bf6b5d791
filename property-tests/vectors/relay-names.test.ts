import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Address } from '../../runtime/address.ts';
import { route } from '../../runtime/route.ts';
import { registerRelay } from '../../workers/relay/remote-relay.ts';
import { relayWorld, sayWho } from '../relay-world.ts';
import { readVectors } from './read-vectors.ts';

const { accept, reject } = readVectors<{ accept: readonly string[]; reject: readonly string[] }>('strings/names.json');
const naughty = readVectors<readonly string[]>('strings/blns.json');

test('76 names and 515 naughty strings', () => {
  expect(accept.length + reject.length).toBe(76);
  expect(naughty.length).toBe(515);
});

/** The library takes any text of 1 to 244 bytes; what people may type is the command's affair. Source: reliability.md RT11 */
const PREFIX_BYTES = 11;
const isTakeable = (name: string) => {
  const bytes = new TextEncoder().encode(name).length;
  return bytes > 0 && bytes <= 255 - PREFIX_BYTES;
};

test.each([
  ['names', [...accept, ...reject]],
  ['naughty strings', naughty],
])('each of the %s becomes a relay under exactly that name or is refused, and the service lives on', async (_, names) => {
  const world = relayWorld();
  const relay = await world.relayNode('relay', { relaysPerOwnerMax: 1_000 });
  const [server, client] = [world.node('server'), world.node('client')];
  const connection = await world.connect(server, 'relay');
  sayWho(server, connection);
  const through = await world.connect(client, 'relay');
  let confirmed = 0;
  for (const name of names) {
    const registering = registerRelay(server, connection.route, { name, timeoutMs: 50 }).catch(() => undefined);
    const made = await world.clock.runUntil(registering);
    expect([name, made !== undefined]).toEqual([name, isTakeable(name)]);
    if (made === undefined) continue;
    confirmed++;
    const address = Address.local(`forward_to_${name}`);
    expect(made.address.key).toBe(address.key);
    const asked = client.request(route(through, address, 'who'), Uint8Array.of(1), { timeoutMs: 200 });
    expect(new TextDecoder().decode((await world.clock.runUntil(asked)).payload)).toBe('server');
    await world.clock.runUntil(made.close());
  }
  expect(confirmed).toBe(names.filter(isTakeable).length);
  expect(confirmed).toBeGreaterThan(names.length * 0.9);
  expect(relay.node.deadLetters.count('failed')).toBe(0);
  expect(['blns.fail', 'blns.shellshock1.fail', 'blns.shellshock2.fail'].filter((file) => existsSync(file))).toEqual([]);
});
