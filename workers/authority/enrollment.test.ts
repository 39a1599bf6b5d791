import { expect, test } from 'vitest';
import { AuthorityWorld } from '../../property-tests/authority-world.ts';
import { route } from '../../runtime/route.ts';
import { registerRelay } from '../relay/remote-relay.ts';
import { ApiError } from '../api/errors.ts';

const ADMINISTRATOR = new Map([['postern-role', 'administrator']]);
const ENROLLER = new Map([['ockam-role', 'enroller']]);

test('a newcomer enrolls by a ticket, gets a credential, presents it, and may make the relay that it names, and no other', async () => {
  const world = await AuthorityWorld.make();
  const code = await world.authority.issueCode({ attributes: new Map([['ockam-relay', 'bank']]) });
  const bob = await world.party('bob');

  await expect(world.ask(bob, (authority) => authority.credential())).rejects.toMatchObject({
    code: 'API_REFUSED',
    refusal: { status: 403, error: { message: 'unauthorized member' } },
  });
  expect(await world.ask(bob, (authority) => authority.redeem(code))).toBe('joined');
  expect(await world.ask(bob, (authority) => authority.redeem(code))).toBe('already-member');

  const credential = world.retriever(bob);
  const channel = await world.toProject(bob, { credential });
  await world.pass(10);
  const known = await world.projectRepository.attributes(bob.identity.identifier, world.authority.identifier, world.clock.wallSeconds());
  expect([...known!.attributes].sort()).toEqual([
    ['ockam-relay', 'bank'],
    ['trust_context_id', 'p1'],
  ]);
  expect(known!.expiresAt - world.clock.wallSeconds()).toBeLessThanOrEqual(3_600);

  const register = (name: string, over = channel.route) => world.run(registerRelay(bob.node, over, { name, timeoutMs: 2_000 }));
  await register('bank');
  await expect(register('other')).rejects.toMatchObject({ code: 'RELAY_TIMEOUT' });
  const without = await world.toProject(bob);
  await expect(register('bank', without.route)).rejects.toMatchObject({ code: 'RELAY_TIMEOUT' });
  credential.close();
});

test('another identity never redeems a used code, and over plain TCP nothing but the listener is reached', async () => {
  const world = await AuthorityWorld.make();
  const code = await world.authority.issueCode({ attributes: new Map() });
  const [bob, carol] = [await world.party('bob'), await world.party('carol')];
  expect(await world.ask(bob, (authority) => authority.redeem(code))).toBe('joined');
  await expect(world.ask(carol, (authority) => authority.redeem(code))).rejects.toMatchObject({
    refusal: { error: { message: 'Unknown enrollment token' } },
  });
  for (const service of ['direct_authenticator', 'enrollment_token_issuer', 'enrollment_token_acceptor', 'credential_issuer', 'echo']) {
    const plain = route(carol.toAuthority.withoutLast, service);
    await expect(world.run(carol.node.request(plain, Uint8Array.of(0), { timeoutMs: 500 }))).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
    });
  }
});

test('a credential is renewed at half of its life, and live channels present the new one', async () => {
  const world = await AuthorityWorld.make({ credentialLifeSeconds: 100 });
  const bob = await world.party('bob');
  await world.authority.membership.add('host', bob.identity.identifier, new Map([['k', '1']]));
  const credential = world.retriever(bob);
  await world.toProject(bob, { credential });
  const startedAt = world.clock.wallSeconds();
  await world.authority.membership.add('host', bob.identity.identifier, new Map([['k', '2']]));
  const known = () => world.projectRepository.attributes(bob.identity.identifier, world.authority.identifier, world.clock.wallSeconds());

  await world.pass(45_000);
  expect((await known())?.attributes.get('k')).toBe('1');
  await world.pass(12_000);
  expect((await known())?.attributes.get('k')).toBe('2');
  expect((await known())!.expiresAt).toBeGreaterThan(startedAt + 140);
  // It goes on: no moment finds the channel without a credential that holds.
  for (let each = 0; each < 40; each++) {
    await world.pass(10_000);
    expect(await known()).toBeDefined();
  }
  credential.close();
});

test('after a sleep that outlasted it, a new credential is fetched at once; while the authority is away, the old one is used until it expires', async () => {
  const world = await AuthorityWorld.make({ credentialLifeSeconds: 100 });
  const bob = await world.party('bob');
  await world.authority.membership.add('host', bob.identity.identifier, new Map());
  const credential = world.retriever(bob);
  const first = await world.run(credential.retrieve());
  let isNewer = false;
  credential.subscribe(() => (isNewer = true));
  world.clock.jumpWall(1_000);
  await world.pass(6_000);
  expect(isNewer).toBe(true);
  const second = await world.run(credential.retrieve());
  expect(second).not.toEqual(first);

  // Another run of the same node finds it in its cache.
  const again = world.retriever(bob);
  expect(await world.run(again.retrieve())).toEqual(second);
  await world.authority.close();
  await world.pass(90_000);
  expect(await world.run(again.retrieve())).toEqual(second);
  await world.pass(10_000);
  await expect(world.run(again.retrieve())).rejects.toThrow();
  for (const each of [credential, again]) each.close();
});

test('members are managed over a channel, by whoever may', async () => {
  const world = await AuthorityWorld.make();
  const [root, erin, bob] = [await world.party('root'), await world.party('erin'), await world.party('bob')];
  const id = bob.identity.identifier;
  const code = await world.authority.administratorCode();
  expect(await world.authority.administratorCode()).toBeUndefined();
  expect(await world.ask(root, (authority) => authority.redeem(code!))).toBe('joined');
  expect(await world.authority.administratorCode()).toBeUndefined();

  await world.ask(root, async (authority) => {
    await authority.addMember(erin.identity.identifier, ENROLLER);
    expect([...(await authority.members()).keys()].sort()).toEqual([root.identity.identifier, erin.identity.identifier].sort());
  });
  const refusal = (message: string) =>
    expect.objectContaining({ refusal: { status: 403, error: expect.objectContaining({ message }) as object } }) as ApiError;
  await world.ask(erin, async (authority) => {
    await authority.addMember(
      id,
      new Map([
        ['k', 'v'],
        ['ockam-relay', 'bank'],
      ]),
    );
    expect((await authority.member(id)).attributes).toEqual(
      new Map([
        ['k', 'v'],
        ['ockam-relay', 'bank'],
      ]),
    );
    expect(await authority.memberIds()).toHaveLength(3);
    await expect(authority.addMember(id, ADMINISTRATOR)).rejects.toEqual(refusal('Not admin is trying to make an administrator'));
    await expect(authority.addMember(id, ENROLLER)).rejects.toEqual(refusal('Not pre trusted enroller is trying to create an enroller'));
    await expect(authority.addMember(root.identity.identifier, new Map())).rejects.toEqual(
      refusal('Not admin is trying to replace an enroller'),
    );
    await expect(authority.removeMember(root.identity.identifier)).rejects.toEqual(refusal('Not admin is trying to delete an enroller'));
    await expect(authority.createToken({ attributes: new Map([['ockam-relay', '*']]) })).rejects.toEqual(
      refusal('Not admin is trying to grant every relay'),
    );
    await expect(authority.createToken({ attributes: new Map([['ockam-relay', 'bank']]) })).rejects.toEqual(
      refusal('Another member holds this relay name'),
    );
    const ticket = await authority.createToken({ attributes: new Map([['ockam-relay', 'shop']]) });
    expect(ticket).toHaveLength(32);
    await expect(authority.createToken({ attributes: new Map([['ockam-relay', 'shop']]) })).rejects.toEqual(
      refusal('An open ticket holds this relay name'),
    );
    await expect(authority.createToken({ attributes: new Map([['ockam-relay', 'till']]), useCount: 2 })).rejects.toEqual(
      refusal('A ticket with a relay name has one use'),
    );
    await expect(authority.createToken({ attributes: new Map(), useCount: 1_001 })).rejects.toMatchObject({ refusal: { status: 400 } });
    await expect(authority.createToken({ attributes: new Map(), lifeSeconds: 2_592_001 })).rejects.toMatchObject({
      refusal: { status: 400 },
    });
    const [open] = await authority.openTokens();
    expect(open).toMatchObject({ issuedBy: erin.identity.identifier, usesLeft: 1 });
    await authority.revokeToken(open!.reference);
    expect(await authority.openTokens()).toEqual([]);
    await authority.createToken({ attributes: new Map([['ockam-relay', 'shop']]) });
  });
  await world.ask(root, async (authority) => {
    await expect(authority.removeMember(root.identity.identifier)).rejects.toEqual(refusal('The last administrator stays'));
    await expect(authority.addMember(root.identity.identifier, new Map())).rejects.toEqual(refusal('The last administrator stays'));
    const removal = await authority.removal(erin.identity.identifier);
    expect(removal).toMatchObject({ wasMember: true, added: [id], revocation: undefined });
    expect(removal.voidedTokens).toHaveLength(1);
    await authority.removeAllMembers();
    expect(await authority.memberIds()).toEqual([root.identity.identifier]);
  });
});

test('a removed member that is added again gets a credential that is newer than what was revoked', async () => {
  const world = await AuthorityWorld.make();
  const bob = await world.party('bob');
  const id = bob.identity.identifier;
  await world.authority.membership.add('host', id, new Map());
  const createdAt = async () =>
    (await bob.identity.verifyCredential(await world.ask(bob, (authority) => authority.credential()), [world.authority.identifier]))
      .createdAt;
  const before = await createdAt();
  const { revocation } = await world.authority.membership.remove('host', id);
  expect(revocation).toBe(1);
  await world.authority.membership.add('host', id, new Map());
  const [statement] = await world.store.transact(({ revocations }) => revocations.after(0, 10));
  expect(statement!.notAfter).toBeGreaterThanOrEqual(before);
  expect(await createdAt()).toBeGreaterThan(statement!.notAfter);
});

test('wrong codes are answered once a second, a right one at once', async () => {
  const world = await AuthorityWorld.make();
  const bob = await world.party('bob');
  const code = await world.authority.issueCode({ attributes: new Map() });
  await world.ask(bob, async (authority) => {
    const startedMs = world.clock.monotonicMs();
    const wrong = Array.from({ length: 5 }, (_, index) =>
      authority.redeem(new Uint8Array(32).fill(index)).catch((thrown: unknown) => thrown),
    );
    expect(await authority.redeem(code)).toBe('joined');
    expect(world.clock.monotonicMs() - startedMs).toBeLessThan(100);
    for (const each of await Promise.all(wrong)) expect(each).toBeInstanceOf(ApiError);
    expect(world.clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(4_000);
  });
});

test('an authority is not started with settings that make no sense', async () => {
  for (const wrong of [{ project: '' }, { credentialLifeSeconds: 0 }, { credentialLifeSeconds: 1.5 }])
    await expect(AuthorityWorld.make(wrong)).rejects.toMatchObject({ code: 'AUTHORITY_SETTING' });
});
