import { expect, test } from 'vitest';
import { type Newcomer, ProjectWorld } from '../../property-tests/project-world.ts';
import { everyone } from '../../identities/trust.ts';
import { route } from '../../runtime/route.ts';
import { via, whenThere } from '../../runtime/way.ts';
import { MemoryHeardRepository } from '../../workers/authority/heard-revocations.ts';
import { echo } from '../../workers/echo.ts';
import { relaySession } from '../../workers/relay/relay-session.ts';
import { fromHolders } from '../../workers/secure-channel/local-info.ts';
import { type ChannelListener, secureChannel, secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { askAuthority, projectMember, type ProjectMember } from './member.ts';

type Member = Newcomer & ProjectMember;

/** Whether a message gets to the far side of a relay and back. */
async function reaches(world: ProjectWorld, { node, channel }: Member, ...to: readonly string[]): Promise<boolean> {
  if (channel.current === undefined) return false;
  const asked = node.request(route(channel.current, ...to), Uint8Array.of(7), { timeoutMs: 900 });
  return world.run(
    asked.then(
      () => true,
      () => false,
    ),
  );
}

/** Makes a relay to a member's `echo`, and a listener that guards another one for holders of credentials. */
async function serve(world: ProjectWorld, member: Member, name: string): Promise<ChannelListener> {
  const { node, identity, authority, channel, channels } = member;
  node.start('echo', echo);
  node.publish('echo', { on: channel, allow: everyone });
  const listener = secureChannelListener(node, 'api', { identity, trust: everyone, on: channel, ...channels });
  node.start('guarded', echo);
  node.publish('guarded', { on: listener, allow: fromHolders(authority) });
  await world.run(whenThere(relaySession(node, channel, { name })));
  return listener;
}

test('a removed member’s channel, relay and traffic at the project end within one second, and the others’ go on', async () => {
  const world = await ProjectWorld.make();
  const { project } = world;
  const [bob, carol, dave] = [
    await world.member('bob', { 'ockam-relay': 'bank' }),
    await world.member('carol'),
    await world.member('dave', { 'ockam-relay': 'shop' }),
  ];
  await serve(world, bob, 'bank');
  await serve(world, dave, 'shop');
  for (const to of ['forward_to_bank', 'forward_to_shop']) expect(await reaches(world, carol, to, 'echo')).toBe(true);

  // Whose relay it is.
  const removal = await world.run(project.removeMember(bob.identity.identifier));
  expect(removal).toMatchObject({ wasMember: true, receipt: { number: 1, waiting: [] } });
  const there = [project.identifier, ...[carol, dave].map(({ identity }) => identity.identifier)];
  for (const each of there) expect(removal.receipt!.acknowledged).toContain(each);
  await world.pass(900);
  expect(project.relays.map(String)).toEqual(['0#forward_to_shop']);
  expect(await reaches(world, carol, 'forward_to_bank', 'echo')).toBe(false);
  expect(await reaches(world, bob, 'forward_to_shop', 'echo')).toBe(false);
  expect(await reaches(world, bob, 'echo')).toBe(false);
  expect(await reaches(world, carol, 'forward_to_shop', 'echo')).toBe(true);

  // Who sends by one.
  await world.run(project.removeMember(carol.identity.identifier));
  expect(await reaches(world, carol, 'forward_to_shop', 'echo')).toBe(false);
  expect(await reaches(world, dave, 'forward_to_shop', 'echo')).toBe(true);

  // Added again it is served again at once.
  await project.authority.membership.add('host', bob.identity.identifier, new Map([['ockam-relay', 'bank']]));
  await world.pass(5_000);
  expect(project.relays.map(String).sort()).toEqual(['0#forward_to_bank', '0#forward_to_shop']);
  expect(await reaches(world, dave, 'forward_to_bank', 'echo')).toBe(true);
});

test('a member’s own channels to a removed one end within one second, and what it knew of it is gone', async () => {
  const world = await ProjectWorld.make();
  const [bob, carol] = [await world.member('bob', { 'ockam-relay': 'bank' }), await world.member('carol', { team: 'x' })];
  const listener = await serve(world, bob, 'bank');
  const to = await world.run(whenThere(via(carol.channel, 'forward_to_bank', 'api')));
  const channel = await world.run(secureChannel(carol.node, to, { identity: carol.identity, trust: everyone, ...carol.channels }));
  const asks = () =>
    world.run(
      carol.node.request(route(channel, 'guarded'), Uint8Array.of(7), { timeoutMs: 900 }).then(
        () => 'answered',
        () => 'silence',
      ),
    );
  expect(await asks()).toBe('answered');
  expect(bob.subjects.factsOf(carol.identity.identifier)?.attributes.get('team')).toBe('x');
  const removal = await world.run(world.project.removeMember(carol.identity.identifier));
  expect(removal.receipt!.acknowledged).toContain(bob.identity.identifier);
  expect(listener.channels.size).toBe(0);
  expect(bob.subjects.factsOf(carol.identity.identifier)).toBeUndefined();
  expect(await asks()).toBe('silence');
});

test('an administrator removes from afar with the same receipt', async () => {
  const world = await ProjectWorld.make();
  const root = await world.newcomer('root');
  const { project } = await world.enroll(root, (await world.project.administratorTicket())!);
  const bob = await world.member('bob', { 'ockam-relay': 'bank' });
  await serve(world, bob, 'bank');
  const { node, ...rest } = root;
  const removal = await world.run(askAuthority(node, { ...rest, project }, (authority) => authority.removal(bob.identity.identifier)));
  expect(removal.receipt).toMatchObject({ revoked: { kind: 'subject', identifier: bob.identity.identifier }, waiting: [] });
  expect(removal.receipt!.acknowledged).toContain(world.project.identifier);
  expect(world.project.relays).toEqual([]);
});

test('a node that was away believes no credential before it has heard what it missed, and keeps what it heard', async () => {
  const world = await ProjectWorld.make();
  const carol = await world.member('carol');
  const void_ = (await world.run(carol.credential.retrieve()))!;
  const bob = await world.newcomer('bob');
  const { project } = await world.enroll(bob, await world.project.ticket());
  await world.run(world.project.removeMember(carol.identity.identifier));

  const heard = new MemoryHeardRepository();
  const { node, ...rest } = bob;
  const member = await world.run(projectMember(node, { ...rest, project, heard, timeoutMs: 10_000 }));
  expect(member.revocations.state).toBe('behind');
  await world.run(member.revocations.whenCurrent());
  const { issuer, subject, createdAt } = await bob.identity.verifyCredential(void_, [member.authority]);
  expect(member.revocations.isRevoked({ issuer, subject, createdAt, hash: '' })).toBe(true);
  await world.run(member.close());
  // The project is away: what was kept is known without it.
  await world.run(world.project.close());
  const again = await world.run(projectMember(node, { ...rest, project, heard, timeoutMs: 10_000 }));
  expect(again.revocations.isRevoked({ issuer, subject, createdAt, hash: '' })).toBe(true);
  const beforeMs = world.clock.monotonicMs();
  await world.run(again.revocations.whenCurrent());
  expect(world.clock.monotonicMs() - beforeMs).toBe(5_000);
  await world.run(again.close());
});
