import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { codeOf, ManagerWorld } from '../property-tests/manager-world.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Node } from '../runtime/node.ts';
import { seededRandom } from '../simulation/random.ts';
import { readDecisions } from './decisions.ts';
import { createManager, type Manager } from './manager.ts';

let world: ManagerWorld;
let folder: string;
beforeEach(async () => {
  world = new ManagerWorld();
  folder = await mkdtemp(join(tmpdir(), 'postern-decisions-'));
});
afterEach(async () => {
  await withFiles(Promise.all(world.managers.map((manager) => manager.close())));
  await rm(folder, { recursive: true });
});

/** As `world.run`, for what also waits for real files: virtual time stands still for some turns of the real event loop. */
async function withFiles<Value>(promise: Promise<Value>): Promise<Value> {
  const waiting = new Set([promise]);
  const over = () => void waiting.delete(promise);
  promise.then(over, over);
  for (let turns = 1; waiting.size > 0; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (turns % 50 === 0) world.clock.step();
  }
  return promise;
}

/** `blue` trusts an authority that attests `team: x` of `green`; each asks for a role that `green` has not. */
async function denied(file?: string) {
  const { identity: authority } = await world.run(world.identity('authority'));
  const green = await world.run(world.identity('green'));
  const { identifier: subject } = green.identity;
  await authority.importHistory(await green.identity.exportHistory());
  const credential = await world.run(authority.issueCredential(subject, { team: 'x' }, { lifeSeconds: 3_600 }));
  const expiresAt = world.clock.wallSeconds() + 3_600;
  await green.repository.cacheCredential({ subject, issuer: authority.identifier, scope: 's', expiresAt, credential });
  const trust = { kind: 'authority', history: await authority.exportHistory() } as const;
  const start = async () => {
    const ports = { clock: world.clock, random: seededRandom(77), network: world.network.host('far'), logger: silentLogger };
    const [node, home] = [new Node({ name: 'blue', ...ports }), world.home('far')];
    const made = await withFiles(
      createManager({
        node,
        home,
        ...(await world.identity('blue')),
        trust,
        listen: '0.0.0.0:4000',
        ...(file && { decisionFile: file }),
      }),
    );
    world.managers.push(made);
    return made;
  };
  const [server, client] = [await start(), await world.start('green', { trust: { ...trust, scope: 's' } })];
  await world.run(server.policies.set({ name: 'echo' }, 'role'));
  return { server, client, subject, start };
}

const asks = (from: Manager, to: string) =>
  world.run(from.sendMessage({ to, payload: Uint8Array.of(0), timeoutMs: 500 }).then(() => 'answered', codeOf));
const SEALED = '/dnsaddr/far/tcp/4000/secure/api/service/echo';
const PLAIN = '/dnsaddr/far/tcp/4000/service/echo';

test('a denial says who was denied what, by which policy, and is explained with what would have turned it', async () => {
  const { server, client, subject } = await denied();
  for (const to of [SEALED, SEALED, PLAIN]) expect(await asks(client, to)).toBe('REQUEST_TIMEOUT');
  const [plain, sealed] = await server.decisions.list();
  expect(sealed).toEqual({
    number: expect.any(Number) as number,
    first_at: expect.any(Number) as number,
    last_at: expect.any(Number) as number,
    count: 2,
    resource: 'echo',
    type: 'echoer',
    action: 'handle_message',
    direction: 'in',
    identifier: subject,
    attributes: { team: 'x' },
    expression: '(= subject.role "true")',
    rule: 'echo',
    reason: expect.any(String) as string,
  });
  expect(plain).toMatchObject({ resource: 'echo', identifier: null, attributes: null, expression: null });
  await world.run(server.policies.set({ name: 'echo' }, 'team'));
  const explained = await server.decisions.explain(sealed!);
  expect(explained).toMatchObject({
    allowed: false,
    expression: '(= subject.role "true")',
    tree: { expression: '(= subject.role "true")', parts: [] },
    facts: [{ name: 'subject.role', value: null }],
    change: [{ name: 'subject.role', value: '"true"' }],
    is_exact: true,
    text: expect.stringContaining('Smallest change') as string,
  });
  expect(await server.decisions.explain({ number: plain!.number })).toMatchObject({ tree: null, change: null, reason: plain!.reason });
  await expect(server.decisions.explain({ number: 9 })).rejects.toMatchObject({ code: 'RESOURCE_UNKNOWN' });
  expect(JSON.parse(JSON.stringify(explained))).toEqual(explained);
});

test('denials are in a file of their own, are there after a restart, and can be read when the node has stopped', async () => {
  const file = join(folder, 'nodes', 'blue', 'decisions.log');
  const { server, client, subject, start } = await denied(file);
  await asks(client, SEALED);
  const before = await server.decisions.list();
  await world.pass(1_500);
  while ((await readDecisions(file)).length < before.length) await new Promise((resolve) => setImmediate(resolve));
  expect(await server.decisions.list()).toEqual(before);
  await withFiles(server.close());
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readDecisions(file)).toEqual(before);
  await world.pass(2_000);
  const again = await start();
  await asks(client, PLAIN);
  const after = await again.decisions.list();
  expect(after[0]).toMatchObject({ identifier: null });
  expect(after.slice(-before.length)).toEqual(before);
  const written = before.find(({ identifier }) => identifier !== null)!;
  expect(await again.decisions.explain(written)).toMatchObject({ identifier: subject, allowed: false });
});

test('a policy is asked about somebody, as it is known or as it might be', async () => {
  const { server, client, subject } = await denied();
  expect(server.explain({ resource: 'echo', identifier: subject })).toMatchObject({ allowed: false, rule: 'echo' });
  await world.run(server.policies.set({ name: 'echo' }, '(= subject.team "x")'));
  expect(server.explain({ resource: 'echo', identifier: subject }).allowed).toBe(false);
  expect(await asks(client, SEALED)).toBe('answered');
  expect(server.explain({ resource: 'echo', identifier: subject })).toMatchObject({ allowed: true, change: [{ name: 'subject.team' }] });
  expect(server.explain({ resource: 'echo', identifier: subject, attributes: { team: 'y' } }).allowed).toBe(false);
  expect(server.explain({ resource: 'uppercase', identifier: subject })).toMatchObject({ allowed: true, rule: 'echoer' });
  expect(server.explain({ resource: 'uppercase', identifier: subject, attributes: null }).allowed).toBe(false);
  expect(() => server.explain({ resource: 'none', identifier: subject })).toThrow(
    expect.objectContaining({ code: 'RESOURCE_UNKNOWN' }) as Error,
  );
});

test('a plan says who reaches what and what a change would turn, and changes nothing', async () => {
  const { server, client, subject } = await denied();
  await world.run(server.outlets.create({ name: 'db', to: '127.0.0.1:5432', allow: 'dba' }));
  const nobody = client.identity.identifier.replace(/.$/, '0');
  const members = [
    { identifier: subject, attributes: { role: 'true', dba: 'true' } },
    { identifier: nobody, attributes: null },
  ];
  const { reach, turned } = server.plan({ members });
  expect(turned).toEqual([]);
  expect(reach.filter(({ allowed }) => allowed).map(({ resource, identifier }) => [resource, identifier])).toEqual([
    ['db', subject],
    ['echo', subject],
    ['uppercase', subject],
  ]);
  const changes = [
    { selector: { name: 'db' }, expression: '(= 1 2)' },
    { selector: { name: 'echo' }, expression: null },
    { selector: { type: 'echoer' }, expression: '(= 1 1)' },
  ] as const;
  const changed = server.plan({ members, changes });
  expect(changed.turned).toEqual([
    { resource: 'db', type: 'tcp-outlet', identifier: subject, gains: false },
    { resource: 'echo', type: 'echoer', identifier: nobody, gains: true },
    { resource: 'uppercase', type: 'echoer', identifier: nobody, gains: true },
  ]);
  expect(server.plan({ members }).reach).toEqual(reach);
  expect(() => server.plan({ members, changes: [{ selector: { name: 'db' }, expression: '(' }] })).toThrow(/boolean policy/);
});

test('what is open is told as such, and a policy of its own closes it', async () => {
  const blue = await world.start('blue');
  const { identifier } = blue.identity;
  expect(blue.explain({ resource: 'echo', identifier })).toMatchObject({ allowed: true, tree: null, rule: null });
  const members = [{ identifier, attributes: null }];
  const { reach, turned } = blue.plan({ members, changes: [{ selector: { name: 'echo' }, expression: 'a' }] });
  expect(reach.map(({ resource, allowed }) => [resource, allowed])).toEqual([
    ['echo', false],
    ['uppercase', true],
  ]);
  expect(turned).toEqual([{ resource: 'echo', type: 'echoer', identifier, gains: false }]);
});
