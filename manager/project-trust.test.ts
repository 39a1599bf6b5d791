import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ManagerWorld, reader } from '../property-tests/manager-world.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Node } from '../runtime/node.ts';
import { seededRandom } from '../simulation/random.ts';
import { encodeProjectJson } from '../workers/authority/project.ts';
import { importProject } from './known-projects.ts';
import type { Manager } from './manager.ts';
import { enroll } from './project/member.ts';
import { createProject, type Project } from './project/project.ts';
import { memoryProjectState } from './project/state.ts';

const TO_BANK = '/project/default/service/forward_to_bank/secure/api/service/outlet';

// Four nodes that talk all the time: slow on a busy machine, though not in their own time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** A project, and managers that trust it, each in a home of its own on a machine of its own. */
class ProjectManagers extends ManagerWorld {
  project!: Project;

  async startProject(): Promise<void> {
    const ports = { clock: this.clock, random: seededRandom(9_000), network: this.network.host('project'), logger: silentLogger };
    const state = memoryProjectState();
    this.project = await this.run(createProject({ state, listen: '0.0.0.0:4000', publicAddress: 'project:4000', ports }));
  }

  /** A member by a ticket, and the node that it starts. */
  async member(name: string, attributes: Readonly<Record<string, string>>): Promise<Manager> {
    const { identity, repository: cache } = await this.run(this.identity(name));
    const ports = { clock: this.clock, random: seededRandom(name.length), network: this.network.host(name), logger: silentLogger };
    const node = new Node({ name: 'newcomer', ...ports });
    const ticket = await this.project.ticket({ attributes });
    const { project, identifier, authority } = await this.run(enroll(node, { identity, cache, ticket, timeoutMs: 10_000 }));
    await this.run(node.stop());
    const information = encodeProjectJson(project);
    await importProject(this.home(name).projects, { id: project.id, name: project.name, identity: identifier, authority, information });
    return this.restart(name);
  }

  restart(name: string): Promise<Manager> {
    return this.start(name, { trust: { kind: 'project', name: 'default' }, listen: '0.0.0.0:4100' }, name);
  }

  /** A client that stays: it says something every 100 ms and counts what comes back, turned round or not. */
  async client(manager: Manager) {
    const [, port] = manager.inlets.show('db').bind_addr.split(':');
    const client = { heard: 0, isOver: false, say: (): void => undefined };
    const over = () => {
      client.isOver = true;
    };
    const seen = { ...reader((bytes) => (client.heard += bytes.length)), onEnd: over, onReset: over };
    const dialled = this.network.host(manager.node.name).connect({ host: '127.0.0.1', port: Number(port) }, () => seen);
    const stream = await this.run(dialled);
    client.say = () => {
      if (!client.isOver) stream.write([Uint8Array.of(1)]);
    };
    return client;
  }
}

let world: ProjectManagers;
let [bank, analysis, audit]: Manager[] = [];
const made = () => ({ bank: bank!, analysis: analysis!, audit: audit! });
const idOf = (manager: Manager) => manager.identity.identifier;

beforeEach(async () => {
  world = new ProjectManagers();
  await world.startProject();
  await world.serve('bank', 5_432);
  bank = await world.member('bank', { 'ockam-relay': 'bank' });
  await world.run(bank.outlets.create({ name: 'outlet', to: '127.0.0.1:5432', allow: 'reader' }));
  await world.run(bank.relays.create({ name: 'bank', at: '/project/default' }));
  analysis = await world.member('analysis', { reader: 'true' });
  audit = await world.member('audit', { reader: 'true' });
  for (const each of [analysis, audit]) await world.run(each.inlets.create({ name: 'db', to: TO_BANK }));
  await world.pass(3_000);
});
afterEach(async () => {
  world.network.heal();
  await world.run(Promise.all(world.managers.map((manager) => manager.close())));
  await world.run(world.project.close());
  await world.pass(1_000);
  expect(world.network.streamCount).toBe(0);
});

test('who was removed is cut off within one second, and only it; added again it is served at once', async () => {
  const { bank, analysis, audit } = made();
  const [removed, other] = [await world.client(analysis), await world.client(audit)];
  const talk = async (ms: number) => {
    for (let spent = 0; spent < ms; spent += 100) {
      for (const each of [removed, other]) each.say();
      await world.pass(100);
    }
  };
  await talk(500);
  for (const each of [removed, other]) expect(each.heard).toBeGreaterThan(0);

  const begunMs = world.clock.monotonicMs();
  const { receipt } = await world.run(world.project.removeMember(idOf(analysis)));
  expect(receipt).toMatchObject({ revoked: { kind: 'subject', identifier: idOf(analysis) }, waiting: [] });
  for (const each of [world.project.identifier, idOf(bank), idOf(audit)]) expect(receipt!.acknowledged).toContain(each);
  const heardBefore = other.heard;
  await talk(begunMs + 1_000 - world.clock.monotonicMs());
  expect(removed.isOver).toBe(true);
  expect(await world.says('analysis', analysis.inlets.show('db').bind_addr)).toBe('');
  await talk(500);
  expect([other.isOver, other.heard > heardBefore]).toEqual([false, true]);

  await world.project.authority.membership.add('host', idOf(analysis), new Map([['reader', 'true']]));
  // The client waits at the inlet, which tries at least every 2 s.
  expect(await world.says('analysis', analysis.inlets.show('db').bind_addr)).toBe('cba');
  await talk(500);
  expect(other.isOver).toBe(false);
});

test('the side that serves is cut off as well', async () => {
  const { bank, analysis } = made();
  const client = await world.client(analysis);
  client.say();
  await world.pass(500);
  expect(client.heard).toBe(1);
  await world.run(world.project.removeMember(idOf(bank)));
  const { heard } = client;
  client.say();
  await world.pass(1_000);
  expect(client.heard).toBe(heard);
  expect(world.project.relays).toEqual([]);
  expect(await world.says('analysis', analysis.inlets.show('db').bind_addr)).toBe('');
});

test.each(['analysis', 'bank'] as const)('%s is cut off where the project is not between, too', async (name) => {
  const { analysis } = made();
  await world.run(analysis.inlets.delete('db'));
  await world.run(analysis.inlets.create({ name: 'db', to: '/dnsaddr/bank/tcp/4100/secure/api/service/outlet' }));
  await world.pass(500);
  const client = await world.client(analysis);
  client.say();
  await world.pass(500);
  expect(client.heard).toBe(1);
  // It hears nothing of it: what ends the stream is the other end.
  world.network.partition(name, 'project');
  await world.run(world.project.removeMember(idOf(made()[name])));
  await world.pass(500);
  expect(client.isOver).toBe(true);
  expect(await world.says('analysis', analysis.inlets.show('db').bind_addr)).toBe('');
});

test('what is heard goes by a connection that carries nothing else', async () => {
  const { analysis } = made();
  const client = await world.client(analysis);
  client.say();
  await world.pass(500);
  // One to the project, for what is relayed; one to its authority.
  expect(analysis.tcpConnections.list().map(({ mode }) => mode)).toEqual(['Outgoing', 'Outgoing']);
});

test('what was heard outlives the node, also what it missed while it was away', async () => {
  const { bank, analysis } = made();
  await world.run(bank.close());
  await world.run(world.project.removeMember(idOf(analysis)));
  const again = await world.restart('bank');
  await world.pass(3_000);
  expect(again.relays.show('bank').connection_status).toBe('Up');
  expect(await world.says('analysis', analysis.inlets.show('db').bind_addr)).toBe('');
  const { revocations } = await world.home('bank').heard.heard(world.project.authority.identifier);
  expect(revocations.map(({ revoked }) => revoked)).toEqual([{ kind: 'subject', identifier: idOf(analysis) }]);
});
