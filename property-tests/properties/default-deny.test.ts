import { beforeAll, describe, expect, test } from 'vitest';
import { parsePolicy } from '../../policies/policy.ts';
import type { Resource } from '../../policies/resource.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { type Route, route } from '../../runtime/route.ts';
import type { Inlet } from '../../workers/portal/inlet.ts';
import { outlet } from '../../workers/portal/outlet.ts';
import { registerRelay } from '../../workers/relay/remote-relay.ts';
import { tableOf } from '../page-table.ts';
import { TARGET_PORT } from '../portal-world.ts';
import { ECHO, INLET, OUTLET, RELAY, type TrustNode, TrustWorld } from '../trust-world.ts';

const AUTHORITIES = ['yes', 'no'];
const CREDENTIALS = ['none', 'expired', 'other issuer', 'other subject', 'valid'];
const POLICIES: Readonly<Record<string, string | undefined>> = {
  none: undefined,
  default: '(= subject.has_credential true)',
  role: '(= subject.role "dba")',
  everyone: '(= 1 1)',
  nobody: '(= 1 2)',
  error: '(not (= subject.role 1))',
};
const RESOURCES: Readonly<Record<string, Resource>> = { outlet: OUTLET, inlet: INLET, relay: RELAY, echo: ECHO };
const WAYS = ['channel', 'direct'];
const MACHINES = ['same', 'other'];

const cellOf = (...parts: string[]) => parts.join(' · ');

/** What the page says is allowed: a cell of its table is one value, several with commas, or `any`. */
function listed(): Set<string> {
  const dimensions = [AUTHORITIES, CREDENTIALS, Object.keys(POLICIES), WAYS, MACHINES, Object.keys(RESOURCES)];
  const allowed = new Set<string>();
  for (const row of tableOf('policies.md', 'What is allowed')) {
    const values = row.map((cell, at) => (cell === 'any' ? dimensions[at]! : cell.split(',').map((each) => each.trim())));
    values.forEach((some, at) => some.forEach((value) => expect(dimensions[at]).toContain(value)));
    const [first = [], ...rest] = values;
    for (const cell of rest.reduce((all, some) => all.flatMap((before) => some.map((value) => cellOf(before, value))), first))
      allowed.add(cell);
  }
  return allowed;
}

async function presented(world: TrustWorld, kind: string): Promise<Uint8Array | undefined> {
  const attributes = { role: 'dba', 'ockam-relay': '*' };
  switch (kind) {
    case 'none':
      return undefined;
    case 'expired': {
      const credential = await world.issue(attributes, { lifeSeconds: 5 });
      await world.pass(7_000);
      return credential;
    }
    case 'other issuer':
      return world.issue(attributes, { by: await world.identity() });
    case 'other subject':
      return world.issue(attributes, { to: await world.identity() });
    default:
      return world.issue(attributes);
  }
}

/** Whether bytes come back through an inlet. */
async function carries(world: TrustWorld, at: TrustNode, inlet: Inlet): Promise<boolean> {
  const program = await world.connectTo(at, inlet);
  program.stream.write([Uint8Array.of(1)]);
  await world.pass(120);
  await world.run(inlet.close());
  return program.byteCount > 0;
}

/** Tries everything that can be tried in one world. @returns the cells that were allowed, and how many there were */
async function allowedIn(authority: string, credential: string, machine: string) {
  const world = await TrustWorld.make({ hasAuthority: authority === 'yes', isLoopback: machine === 'same' });
  const { client, server } = world;
  const channel = await world.open(await presented(world, credential));
  outlet(client.node, { target: `127.0.0.1:${TARGET_PORT + 1}`, on: [channel, client.listener], allow: allowEveryone });
  // A peer that is known by its channel is nobody when it comes directly.
  const there: Record<string, Route> = { channel: channel.route, direct: await world.connect() };
  const back: Record<string, Route> = { channel: [...server.channels.channels][0]!.route, direct: await world.connect(server, client) };
  const asks: Record<string, (way: string) => Promise<boolean>> = {
    echo: async (way) => {
      const asked = client.node.request(route(there[way]!, 'echo'), Uint8Array.of(1), { timeoutMs: 50 });
      return (await world.run(asked.catch(() => undefined))) !== undefined;
    },
    relay: async (way) => {
      const asked = registerRelay(client.node, there[way]!, { name: `name-${server.log.total}`, timeoutMs: 50 });
      return (await world.run(asked.catch(() => undefined))) !== undefined;
    },
    outlet: async (way) => carries(world, client, await world.inlet(client, route(there[way]!, 'outlet'))),
    inlet: async (way) => {
      const controls = { allow: server.gate.incoming(INLET), allowTo: server.gate.outgoing(INLET) };
      return carries(world, server, await world.inlet(server, route(back[way]!, 'outlet'), controls));
    },
  };
  const allowed: string[] = [];
  let count = 0;
  for (const [policy, text] of Object.entries(POLICIES)) {
    for (const [name, { type }] of Object.entries(RESOURCES)) {
      if (text === undefined) server.policies.delete({ type });
      else server.policies.set({ type }, parsePolicy(text));
      for (const way of WAYS) {
        count += 1;
        const deniedBefore = server.log.total;
        const isAllowed = await asks[name]!(way);
        if (isAllowed) allowed.push(cellOf(authority, credential, policy, way, machine, name));
        // An attribute that a relay's owner lacks is no policy.
        else if (name !== 'relay') expect(server.log.total, cellOf(policy, name, way)).toBeGreaterThan(deniedBefore);
      }
    }
  }
  await world.stop();
  return { allowed, count };
}

describe('what nobody allowed is denied', () => {
  const allowed: string[] = [];
  let count = 0;

  beforeAll(async () => {
    for (const authority of AUTHORITIES) {
      for (const credential of CREDENTIALS) {
        for (const machine of MACHINES) {
          const found = await allowedIn(authority, credential, machine);
          allowed.push(...found.allowed);
          count += found.count;
        }
      }
    }
  }, 120_000);

  test('of 960 cells those are allowed that docs/policies.md lists, and no other', () => {
    expect(count).toBe(960);
    expect([...allowed].sort()).toEqual([...listed()].sort());
    expect(allowed.length).toBe(88);
  });
});
