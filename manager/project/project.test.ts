import { expect, test } from 'vitest';
import { ProjectWorld } from '../../property-tests/project-world.ts';
import { via, whenThere } from '../../runtime/way.ts';
import { relaySession } from '../../workers/relay/relay-session.ts';
import { askAuthority, askProject } from './member.ts';
import { memoryProjectState } from './state.ts';

test('a newcomer with a ticket becomes a member, reaches the project with its credential, and makes the relay it was promised', async () => {
  const world = await ProjectWorld.make();
  const { project } = world;
  const bob = await world.newcomer('bob');
  const ticket = await project.ticket({ attributes: { 'ockam-relay': 'bank', 'postgres-outlet': 'true' } });
  const enrolled = await world.enroll(bob, ticket);
  expect(enrolled).toMatchObject({ outcome: 'joined', identifier: project.identifier, authority: project.authority.identifier });
  expect([...enrolled.attributes].sort()).toEqual([
    ['ockam-relay', 'bank'],
    ['postgres-outlet', 'true'],
    ['trust_context_id', project.id],
  ]);
  expect(await world.enroll(bob, ticket)).toMatchObject({ outcome: 'already-member' });
  const carol = await world.newcomer('carol');
  await expect(world.enroll(carol, ticket)).rejects.toMatchObject({ code: 'API_REFUSED', refusal: { status: 403 } });

  const member = await world.member('dave', { 'ockam-relay': 'shop' });
  const registered = relaySession(member.node, member.channel, { name: 'shop' });
  await world.run(whenThere(registered));
  expect(project.relays.map(String)).toEqual(['0#forward_to_shop']);
  const other = relaySession(member.node, member.channel, { name: 'bank', timeoutMs: 1_000 });
  await world.pass(3_000);
  expect(other.current).toBeUndefined();
  const answer = world.run(member.node.request(await world.run(whenThere(via(member.channel, 'echo'))), Uint8Array.of(7)));
  expect((await answer).payload).toEqual(Uint8Array.of(7));
});

test('routes and histories stand in the project information; who cannot dial what it says is told so', async () => {
  const world = await ProjectWorld.make({ id: 'p1', name: 'sales' });
  const { information, authority } = world.project;
  expect(information).toMatchObject({
    id: 'p1',
    name: 'sales',
    accessRoute: '/dnsaddr/project/tcp/4000/service/p1/service/api',
    authorityAccessRoute: '/dnsaddr/project/tcp/4000/service/p1/service/authority/service/api',
    identity: world.project.identifier,
  });
  expect(authority.identifier).not.toBe(world.project.identifier);
  const other = { state: memoryProjectState() };
  for (const wrong of [
    { publicAddress: undefined },
    { publicAddress: '0.0.0.0:4000' },
    { publicAddress: 'project:0' },
    { id: 'a/b' },
    { id: '' },
  ])
    await expect(ProjectWorld.make({ ...other, ...wrong } as never)).rejects.toMatchObject({ code: 'PROJECT_SETTING' });
  await world.project.close();
  await expect(world.start({ id: 'p2' })).rejects.toMatchObject({ code: 'PROJECT_SETTING' });
});

test('a project that is started again from its state is the same: ids, members, open tickets', async () => {
  const world = await ProjectWorld.make({ name: 'sales' });
  const before = world.project;
  const bob = await world.newcomer('bob');
  const { project } = await world.enroll(bob, await before.ticket());
  const [once, twice] = [await before.ticket(), await before.ticket({ useCount: 2 })];
  const carol = await world.newcomer('carol');
  await world.enroll(carol, twice);
  await world.run(before.close());

  const after = await world.start();
  expect(after.information).toEqual(before.information);
  const { node, ...rest } = bob;
  await world.run(askAuthority(node, { ...rest, project }, (authority) => authority.credential()));
  for (const [name, ticket] of [
    ['dave', once],
    ['erin', twice],
  ] as const)
    expect(await world.enroll(await world.newcomer(name), ticket)).toMatchObject({ outcome: 'joined' });
  for (const ticket of [once, twice])
    await expect(world.enroll(await world.newcomer('late'), ticket)).rejects.toMatchObject({ code: 'API_REFUSED' });
});

test('members come back by themselves after the project was away', async () => {
  const world = await ProjectWorld.make();
  const bob = await world.member('bob', { 'ockam-relay': 'bank' });
  const registered = relaySession(bob.node, bob.channel, { name: 'bank' });
  await world.run(whenThere(registered));
  await world.run(world.project.close());
  await world.pass(20_000);
  await world.start();
  await world.pass(15_000);
  expect(world.project.relays.map(String)).toEqual(['0#forward_to_bank']);
});

test('an administrator is made by the administrator ticket, once, or named by the host', async () => {
  const world = await ProjectWorld.make();
  const ticket = await world.project.administratorTicket();
  expect(await world.project.administratorTicket()).toBeUndefined();
  const root = await world.newcomer('root');
  const { project } = await world.enroll(root, ticket!);
  expect(await world.project.administratorTicket()).toBeUndefined();
  const { node, ...rest } = root;
  await world.run(
    askAuthority(node, { ...rest, project }, async (authority) => {
      await authority.createToken({ attributes: new Map([['ockam-role', 'enroller']]) });
    }),
  );

  const named = await world.newcomer('named');
  const other = await ProjectWorld.make({ administrators: [named.identity.identifier] });
  expect(await other.project.administratorTicket()).toBeUndefined();
});

test('of a damaged state no project is started, and the error says so', async () => {
  const world = await ProjectWorld.make();
  await world.run(world.project.close());
  await world.state.nodes.change('project', (before) => ({ settings: { ...before!.settings, authority: 'I0' }, state: {} }));
  await expect(world.start()).rejects.toMatchObject({ code: 'PROJECT_STATE' });
  const other = `I${'0'.repeat(64)}`;
  await world.state.nodes.change('project', (before) => ({ settings: { ...before!.settings, authority: other }, state: {} }));
  await expect(world.start()).rejects.toMatchObject({ code: 'PROJECT_STATE' });
});

test('a project says to members what it is now, and to nobody else', async () => {
  const world = await ProjectWorld.make({ name: 'sales' });
  const bob = await world.newcomer('bob');
  const { project } = await world.enroll(bob, await world.project.ticket());
  const { node, ...rest } = bob;
  const old = { ...project, name: 'before' };
  expect(await world.run(askProject(node, { ...rest, project: old }))).toEqual({ ...world.project.information, running: true });
  const { node: elsewhere, ...carol } = await world.newcomer('carol');
  await expect(world.run(askProject(elsewhere, { ...carol, project, timeoutMs: 1_000 }))).rejects.toMatchObject({ code: 'API_TIMEOUT' });
});

test('who has joined is told to the host, and whether there is an administrator', async () => {
  const joined: string[] = [];
  const world = await ProjectWorld.make({ onJoined: (identifier: string) => joined.push(identifier) });
  expect(await world.run(world.project.hasAdministrator())).toBe(false);
  const bob = await world.newcomer('bob');
  const ticket = await world.project.administratorTicket();
  await world.enroll(bob, ticket ?? '');
  await world.enroll(bob, ticket ?? '');
  expect(joined).toEqual([bob.identity.identifier]);
  expect(await world.run(world.project.hasAdministrator())).toBe(true);
});
