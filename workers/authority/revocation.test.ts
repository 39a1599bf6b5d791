import { expect, test } from 'vitest';
import { AuthorityCalls } from '../../property-tests/authority-calls.ts';
import { AuthorityWorld, type Party } from '../../property-tests/authority-world.ts';
import { createIdentity } from '../../identities/identity.ts';
import { everyone } from '../../identities/trust.ts';
import { encodeCbor } from '../../runtime/codec/cbor.ts';
import { route } from '../../runtime/route.ts';
import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { apiService } from '../api/api-service.ts';
import { type RelayService, relayService } from '../relay/relay-service.ts';
import { registerRelay } from '../relay/remote-relay.ts';
import { fromHolders } from '../secure-channel/local-info.ts';
import { type ChannelListener, secureChannel, secureChannelListener } from '../secure-channel/secure-channel.ts';
import { AttestedSubjects } from '../trust/attested-subjects.ts';
import { followRevocations } from '../trust/follow-revocations.ts';
import { type Heard, MemoryHeardRepository, RevokedList } from './heard-revocations.ts';
import { relayGrants } from './relay-permission.ts';
import { decodeRevocation, encodeRevocation, encodeRevocationsAnswer, type RevocationsAnswer } from './revocation-bodies.ts';
import { type RevocationWatch, revocationWatch } from './revocation-watch.ts';

/** A member with a node that guards something: it hears of revocations, and listens for channels. */
interface Guard extends Party {
  readonly watch: RevocationWatch;
  readonly channels: ChannelListener;
  readonly subjects: AttestedSubjects;
  readonly relays: RelayService;
}

const KEY = new Map([['ockam-relay', 'bank']]);

async function guard(world: AuthorityWorld, name: string, repository = new MemoryHeardRepository()): Promise<Guard> {
  const party = await world.party(name);
  const { node, identity } = party;
  const authority = world.authority.identifier;
  await world.authority.membership.add('host', identity.identifier, new Map());
  const watch = await revocationWatch(node, { identity, authority, to: party.toAuthority, repository });
  const subjects = new AttestedSubjects({ authority, clock: world.clock });
  followRevocations(watch, { subjects });
  const on = await world.run(node.listen(tcp(), '0.0.0.0:5000'));
  const channels = secureChannelListener(node, 'api', {
    identity,
    trust: everyone,
    on,
    authorities: [authority],
    revocations: watch,
    onCredentials: subjects.learn,
  });
  const relays = relayService(node, { on: channels, allow: fromHolders(authority), ...relayGrants(subjects, world.clock) });
  return { ...party, watch, channels, subjects, relays };
}

async function open(world: AuthorityWorld, from: Party, to: string, credential = world.retriever(from)) {
  const connection = await world.run(from.node.connect(tcp(), `${to}:5000`));
  const channel = await world.run(
    secureChannel(from.node, route(connection, 'api'), { identity: from.identity, trust: everyone, credential }),
  );
  await world.pass(20);
  return channel;
}

test('the channels and facts of a removed member are gone within 1 s at every connected node; the receipt says who has acknowledged', async () => {
  const world = await AuthorityWorld.make();
  const guards = [await guard(world, 'one'), await guard(world, 'two')];
  const bob = await world.party('bob');
  const id = bob.identity.identifier;
  await world.authority.membership.add('host', id, KEY);
  for (const name of ['one', 'two']) await open(world, bob, name);
  await world.pass(1_000);
  for (const { channels, subjects, watch } of guards) {
    expect(channels.channels.size).toBe(1);
    expect(subjects.factsOf(id)).toBeDefined();
    expect(watch.state).toBe('current');
  }
  const { revocation } = await world.run(world.authority.membership.remove('host', id));
  const begun = world.clock.monotonicMs();
  const receipt = await world.run(world.authority.revocations.receiptOfRemoval(revocation));
  expect(world.clock.monotonicMs() - begun).toBeLessThan(1_000);
  expect(receipt).toMatchObject({ number: 1, revoked: { kind: 'subject', identifier: id }, waiting: [] });
  expect([...receipt!.acknowledged].sort()).toEqual(guards.map(({ identity }) => identity.identifier).sort());
  for (const { channels, subjects } of guards) {
    expect(channels.channels.size).toBe(0);
    expect(subjects.factsOf(id)).toBeUndefined();
  }
  // It can be asked again, and the credential that is void is worth nothing when it is shown again.
  expect(await world.run(world.authority.revocations.receipt('host', 1))).toEqual(receipt);
  await expect(world.run(world.authority.revocations.receipt('host', 2))).rejects.toMatchObject({ status: 404 });
});

test('a member that is added again works at once: its own node replaces what is void', async () => {
  const world = await AuthorityWorld.make();
  const { channels, subjects } = await guard(world, 'one');
  const bob = await world.party('bob');
  const id = bob.identity.identifier;
  await world.authority.membership.add('host', id, KEY);
  const retriever = world.retriever(bob);
  const first = await world.run(retriever.retrieve());
  await open(world, bob, 'one', retriever);
  await world.run(world.authority.membership.remove('host', id));
  await world.authority.membership.add('host', id, KEY);
  await world.pass(1_000);
  expect(channels.channels.size).toBe(0);
  // A node that does not hear of it still shows the void one, which counts for nothing.
  await open(world, bob, 'one', retriever);
  expect(channels.channels.size).toBe(1);
  expect(subjects.factsOf(id)).toBeUndefined();
  await world.run(retriever.refresh());
  expect(await world.run(retriever.retrieve())).not.toEqual(first);
  await open(world, bob, 'one', retriever);
  expect(subjects.factsOf(id)).toBeDefined();
  retriever.close();
});

test('the own credential of a node that hears it is void is fetched anew at once', async () => {
  const world = await AuthorityWorld.make();
  const bob = await guard(world, 'bob');
  const retriever = world.retriever(bob, { revocations: bob.watch });
  const first = await world.run(retriever.retrieve());
  let newer = 0;
  retriever.subscribe(() => newer++);
  await world.run(world.authority.revocations.revoke('host', { kind: 'issuer', identifier: world.authority.identifier }));
  await world.pass(500);
  expect(newer).toBe(1);
  expect(await world.run(retriever.retrieve())).not.toEqual(first);
  retriever.close();
});

test('a node that was cut off learns what it missed before it believes a credential; one without a route waits for nothing', async () => {
  const world = await AuthorityWorld.make();
  const repository = new MemoryHeardRepository();
  const one = await guard(world, 'one', repository);
  const bob = await world.party('bob');
  const id = bob.identity.identifier;
  await world.authority.membership.add('host', id, KEY);
  const retriever = world.retriever(bob);
  await open(world, bob, 'one', retriever);
  await world.pass(500);
  await world.run(one.watch.close());
  await world.run(world.authority.membership.remove('host', id));

  const later = await revocationWatch(one.node, {
    identity: one.identity,
    authority: world.authority.identifier,
    to: one.toAuthority,
    repository,
  });
  expect(later.state).toBe('behind');
  await world.run(later.whenCurrent());
  expect(later.state).toBe('current');
  const bytes = (await world.run(retriever.retrieve()))!;
  const credential = await one.identity.verifyCredential(bytes, [world.authority.identifier]);
  const facts = { issuer: credential.issuer, subject: credential.subject, createdAt: credential.createdAt, hash: '' };
  expect(later.isRevoked(facts)).toBe(true);
  expect(later.isRevoked({ ...facts, createdAt: facts.createdAt + 10_000 })).toBe(false);
  await world.run(later.close());
  // What was kept is known without asking anybody.
  const offline = await revocationWatch(one.node, { identity: one.identity, authority: world.authority.identifier, repository });
  const before = world.clock.monotonicMs();
  await world.run(offline.whenCurrent());
  expect(world.clock.monotonicMs()).toBe(before);
  expect(offline.isRevoked(facts)).toBe(true);
  retriever.close();
});

test('an authority that does not answer counts as not connected after 5 s', async () => {
  const world = await AuthorityWorld.make();
  const one = await world.party('one');
  await world.run(world.authority.close());
  const watch = await revocationWatch(one.node, { identity: one.identity, authority: world.authority.identifier, to: one.toAuthority });
  const before = world.clock.monotonicMs();
  await world.run(watch.whenCurrent());
  expect(world.clock.monotonicMs() - before).toBe(5_000);
  await world.run(watch.whenCurrent());
  expect(world.clock.monotonicMs() - before).toBe(6_000);
  await world.run(watch.close());
});

/** An authority whose service says what the test likes. */
async function saying(answer: () => RevocationsAnswer | 'unknown path') {
  const world = await AuthorityWorld.make();
  const one = await world.party('one');
  await world.run(world.authority.close());
  const node = world.node('liar');
  const on = await world.run(node.listen(tcp(), '0.0.0.0:4000'));
  const channels = secureChannelListener(node, 'api', { identity: world.authorityIdentity, trust: everyone, on });
  const asked: number[] = [];
  const endpoint = {
    method: 'GET',
    path: '/revocations',
    mayWait: true,
    handle: async () => {
      const said = answer();
      asked.push(world.clock.monotonicMs());
      if (asked.length > 3) await new Promise((resolve) => void world.clock.setTimer(10_000, resolve as () => void));
      return encodeRevocationsAnswer(said as RevocationsAnswer);
    },
  } as const;
  node.start('credential_issuer', apiService(answer() === 'unknown path' ? [] : [endpoint]));
  node.publish('credential_issuer', { on: channels, allow: { allows: () => true } });
  const to = route(await world.run(one.node.connect(tcp(), 'liar:4000')), 'api');
  const watch = await revocationWatch(one.node, { identity: one.identity, authority: world.authority.identifier, to });
  await world.pass(3_000);
  return { world, watch, asked };
}

test('an authority that knows nothing of revocations is none that was lost', async () => {
  const { world, watch } = await saying(() => 'unknown path');
  expect(watch.state).toBe('none');
  const before = world.clock.monotonicMs();
  await world.run(watch.whenCurrent());
  expect(world.clock.monotonicMs()).toBe(before);
  await world.run(watch.close());
});

test('what is forged, or said by somebody else, changes nothing and is not acknowledged', async () => {
  const clock = (await AuthorityWorld.make()).clock;
  const stranger = await createIdentity({ clock, random: seededRandom(99) });
  const revocation = {
    number: 1,
    revoked: { kind: 'subject', identifier: stranger.identifier },
    notAfter: 2 ** 40,
    keptUntil: 2 ** 41,
  } as const;
  const signed = await stranger.signStatement('revocation', encodeRevocation(revocation), 0);
  for (const bytes of [signed, encodeCbor(1), signed.subarray(1)]) {
    const { world, watch } = await saying(() => ({ statements: [bytes], upTo: 1, hasMore: false }));
    expect(watch.number).toBe(0);
    expect(watch.state).toBe('behind');
    expect(watch.isRevoked({ issuer: world.authority.identifier, subject: stranger.identifier, createdAt: 1, hash: '' })).toBe(false);
    await world.run(watch.close());
  }
});

test('statements: no bit can be turned over; kinds that are not known are passed over; another type of record is refused', async () => {
  const calls = await AuthorityCalls.make();
  const { identity } = calls;
  const id = identity.identifier;
  const revocation = { number: 7, revoked: { kind: 'credential', hash: 'ab'.repeat(32) }, notAfter: 5, keptUntil: 9 } as const;
  const bytes = await identity.signStatement('revocation', encodeRevocation(revocation), 9);
  expect(decodeRevocation(await identity.verifyStatement('revocation', bytes, id))).toEqual(revocation);
  for (let at = 0; at < bytes.length; at++) {
    const turned = bytes.slice();
    turned[at]! ^= 1 << (at % 8);
    await expect(identity.verifyStatement('revocation', turned, id)).rejects.toThrow();
  }
  expect(decodeRevocation(encodeCbor([1, 9, new Uint8Array(32), 5, 9]))).toBeUndefined();
  await identity.importHistory(await identity.exportHistory());
  const credential = await identity.issueCredential(id, {}, { lifeSeconds: 10 });
  await expect(identity.verifyStatement('revocation', credential, id)).rejects.toMatchObject({ code: 'RECORD_TYPE' });
});

test('a list takes only the latest of each target, and only of its authority', () => {
  const [authority, bob] = [`I${'a'.repeat(64)}`, `I${'b'.repeat(64)}`] as const;
  const list = new RevokedList(authority);
  const about = (number: number, notAfter: number) =>
    ({ number, revoked: { kind: 'subject', identifier: bob }, notAfter, keptUntil: 100 }) as const;
  const held = (createdAt: number, issuer: `I${string}` = authority) => list.has({ issuer, subject: bob, createdAt, hash: 'h' });
  expect(list.add(about(2, 50))).toBe(true);
  expect(list.add(about(1, 40))).toBe(false);
  expect(list.add(about(2, 50))).toBe(false);
  expect([held(50), held(51), held(50, bob)]).toEqual([true, false, false]);
  list.forget(100);
  expect(held(50)).toBe(true);
  list.forget(101);
  expect(held(50)).toBe(false);
});

test('a relay that a removed member made is gone within 1 s', async () => {
  const world = await AuthorityWorld.make();
  const { relays } = await guard(world, 'one');
  const bob = await world.party('bob');
  await world.authority.membership.add('host', bob.identity.identifier, KEY);
  const channel = await open(world, bob, 'one');
  await world.run(registerRelay(bob.node, channel.route, { name: 'bank', timeoutMs: 2_000 }));
  expect(relays.relays.length).toBe(1);
  await world.run(world.authority.membership.remove('host', bob.identity.identifier));
  await world.pass(900);
  expect(relays.relays.length).toBe(0);
});

test('nobody hears of revocations who never was a member, unless the host names it', async () => {
  const world = await AuthorityWorld.make();
  const { node, identity, toAuthority } = await world.party('stranger');
  const watch = await revocationWatch(node, { identity, authority: world.authority.identifier, to: toAuthority });
  await world.pass(1_000);
  expect(watch.state).toBe('behind');
  await world.run(world.authority.close());
  await world.run(watch.close());

  const calls = await AuthorityCalls.make({ listeners: [identity.identifier] });
  const through = calls.node.start('channel', { onMessage: () => undefined });
  const answer = calls.authority.revocations.after(identity.identifier, through, { after: 0, waitMs: 0 });
  expect(await answer).toEqual({ statements: [], upTo: 0, hasMore: false });
});

test('numbers go on where they were when the authority starts again, and a node that heard all asks for nothing twice', async () => {
  const world = await AuthorityWorld.make();
  const heard: Heard[] = [];
  class Noting extends MemoryHeardRepository {
    override keep(...[authority, what]: Parameters<MemoryHeardRepository['keep']>) {
      heard.push(what);
      return super.keep(authority, what);
    }
  }
  const one = await guard(world, 'one', new Noting());
  const two = await world.party('two');
  const revoke = () => world.run(world.authority.revocations.revoke('host', { kind: 'subject', identifier: two.identity.identifier }));
  await world.pass(500);
  await revoke();
  const again = await AuthorityCalls.make({ clock: world.clock, identity: world.authorityIdentity, store: world.store });
  const receipt = await world.run(again.authority.revocations.revoke('host', { kind: 'subject', identifier: one.identity.identifier }));
  expect(receipt.number).toBe(2);
  await world.pass(500);
  expect(one.watch.number).toBe(2);
  expect(heard.flatMap(({ revocations }) => revocations.map(({ number }) => number))).toEqual([1, 2]);
});
