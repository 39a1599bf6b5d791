import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../identities/node-crypto.ts';
import { everyone } from '../identities/trust.ts';
import { DecisionLog } from '../policies/decision-log.ts';
import { parsePolicy } from '../policies/policy.ts';
import { PolicyGate } from '../policies/policy-access-control.ts';
import type { Resource } from '../policies/resource.ts';
import { ResourcePolicies } from '../policies/resource-policies.ts';
import { via, whenThere } from '../runtime/way.ts';
import type { Receipt } from '../workers/authority/revocation-bodies.ts';
import type { Revoked } from '../workers/authority/revocations.ts';
import { inlet } from '../workers/portal/inlet.ts';
import { outlet } from '../workers/portal/outlet.ts';
import { relaySession } from '../workers/relay/relay-session.ts';
import { channelSession } from '../workers/secure-channel/channel-session.ts';
import { peerOf } from '../workers/secure-channel/local-info.ts';
import { factsOf } from '../workers/secure-channel/revocation-check.ts';
import { secureChannelListener } from '../workers/secure-channel/secure-channel.ts';
import { Program } from './portal-world.ts';
import { ProjectWorld } from './project-world.ts';
import { INLET, OUTLET } from './trust-world.ts';

/** Source: decisions.md D6 */
const WITHIN_MS = 1_000;
const TICK_MS = 10;
const CHUNK_BYTES = 1_000;

type Member = Awaited<ReturnType<ProjectWorld['member']>>;
type Side = 'bank' | 'analysis';

const chunkOf = (index: number) => new Uint8Array(CHUNK_BYTES).fill(index % 251);

/** The way of the demo: a database behind the outlet of one member, a client at the inlet of another, who meet at the project. */
class Portal {
  readonly targets: Program[] = [];
  readonly world: ProjectWorld;
  readonly sides: Readonly<Record<Side, Member>>;
  readonly #port: number;

  private constructor(world: ProjectWorld, sides: Readonly<Record<Side, Member>>, port: number, targets: Program[]) {
    this.world = world;
    this.sides = sides;
    this.#port = port;
    this.targets = targets;
  }

  static async make(): Promise<Portal> {
    const world = await ProjectWorld.make();
    const bank = await world.member('bank', { 'ockam-relay': 'postgres', 'postgres-outlet': 'true' });
    const analysis = await world.member('analysis', { 'postgres-inlet': 'true' });
    const targets: Program[] = [];
    await world.network.host('bank').listen({ host: '127.0.0.1', port: 5_432 }, (stream) => {
      const target = new Program();
      target.stream = stream;
      targets.push(target);
      let answered = 0;
      target.onMore = () => {
        for (; answered < target.chunks.length; answered++) stream.write([target.chunks[answered]!]);
      };
      return target;
    });
    const registered = relaySession(bank.node, bank.channel, { name: 'postgres' });
    const on = secureChannelListener(bank.node, 'api', { identity: bank.identity, trust: everyone, on: bank.channel, ...bank.channels });
    outlet(bank.node, { target: '127.0.0.1:5432', on, allow: gateOf(bank, OUTLET, '(= subject.postgres-inlet "true")').incoming(OUTLET) });
    await world.run(whenThere(registered));
    const toBank = channelSession(analysis.node, via(analysis.channel, 'forward_to_postgres', 'api'), {
      identity: analysis.identity,
      trust: everyone,
      ...analysis.channels,
    });
    const gate = gateOf(analysis, INLET, '(= subject.postgres-outlet "true")');
    const made = inlet(analysis.node, {
      listen: '127.0.0.1:0',
      outlet: via(toBank, 'outlet'),
      allow: gate.incoming(INLET),
      allowTo: gate.outgoing(INLET),
      pongTimeoutMs: 2_000,
    });
    const { local } = await world.run(made);
    await world.run(whenThere(toBank));
    return new Portal(world, { bank, analysis }, local.port, targets);
  }

  /** A client that sends a chunk every 10 ms for as long as it is let, and gets each back. */
  async open() {
    const { clock, network } = this.world;
    const client = new Program();
    const arrivals = { atMs: 0 };
    client.onMore = () => (arrivals.atMs = clock.monotonicMs());
    const connected = network.host('analysis').connect({ host: '127.0.0.1', port: this.#port }, (stream) => {
      client.stream = stream;
      return client;
    });
    await this.world.run(connected.then(() => undefined));
    let sent = 0;
    const tick = () => {
      if (client.isOver) return;
      client.stream.write([chunkOf(sent++)]);
      clock.setTimer(TICK_MS, tick);
    };
    tick();
    await this.world.pass(WITHIN_MS);
    return { client, arrivals, sent: () => Buffer.concat(Array.from({ length: sent }, (_, index) => chunkOf(index))) };
  }
}

function gateOf({ node, subjects }: Member, { name }: Resource, expression: string): PolicyGate {
  const { clock, logger } = node;
  const policies = ResourcePolicies.restored();
  policies.set({ name }, parsePolicy(expression));
  const log = new DecisionLog({ clock });
  return new PolicyGate({ policies, subjects, log, clock, logger, peerOf, terminal: (address) => node.terminal(address) });
}

async function credentialOf({ identity, authority, credential }: Member): Promise<Revoked> {
  const held = await identity.verifyCredential((await credential.retrieve())!, [authority], identity.identifier);
  return { kind: 'credential', hash: factsOf(nodeCrypto, held).hash };
}

describe('an open stream of a database', () => {
  const cases = (['bank', 'analysis'] as const).flatMap((side) =>
    (['member', 'credential', 'issuer'] as const).map((what) => ({ side, what })),
  );

  test.each(cases)('ends within 1 s when the $what of the $side is revoked, and the receipt says what was cut', async ({ side, what }) => {
    const portal = await Portal.make();
    const { world, sides } = portal;
    const { project } = world;
    const { client, arrivals, sent } = await portal.open();
    const target = portal.targets[0]!;
    expect([client.isOver, target.isOver, client.byteCount > 50 * CHUNK_BYTES]).toEqual([false, false, true]);
    const { identifier } = sides[side].identity;
    const revoked: Revoked =
      what === 'credential'
        ? await world.run(credentialOf(sides[side]))
        : what === 'issuer'
          ? { kind: 'issuer', identifier: project.authority.identifier }
          : { kind: 'subject', identifier };

    const fromMs = world.clock.monotonicMs();
    let receipt: Receipt | undefined;
    if (what === 'member') ({ receipt } = await world.run(project.removeMember(identifier)));
    else receipt = await world.run(project.authority.revocations.revoke('host', revoked));
    expect(world.clock.monotonicMs() - fromMs).toBeLessThanOrEqual(WITHIN_MS + 100);
    expect(receipt).toMatchObject({ revoked, waiting: [] });
    // The project and whoever is still a member have cut what depended on it.
    const others = [project.identifier, ...Object.values(sides).map(({ identity }) => identity.identifier)];
    for (const each of others.filter((other) => what !== 'member' || other !== identifier)) expect(receipt!.acknowledged).toContain(each);

    const restMs = WITHIN_MS - (world.clock.monotonicMs() - fromMs);
    if (restMs > 0) await world.pass(restMs);
    expect(client.wasReset).toBe(true);
    expect(arrivals.atMs - fromMs).toBeLessThanOrEqual(WITHIN_MS);
    const counts = [client.byteCount, target.byteCount];
    // Who is told by its authority that its own credential is void needs no peer to end.
    expect(target.wasReset).toBe(true);
    await world.pass(5_000);
    expect([client.byteCount, target.byteCount]).toEqual(counts);
    for (const { received } of [client, target]) expect(sent().subarray(0, received.length).equals(received)).toBe(true);

    // Who is still a member has a new credential by now, and gets in again; who is none, or has nobody to go to, does not.
    const again = await portal.open();
    await world.pass(3_000);
    expect(again.client.byteCount > 0).toBe(what !== 'member');
  });

  test('goes on when somebody else is removed', async () => {
    const portal = await Portal.make();
    const other = await portal.world.member('other', { 'postgres-inlet': 'true' });
    const { client } = await portal.open();
    await portal.world.run(portal.world.project.removeMember(other.identity.identifier));
    const { byteCount } = client;
    await portal.world.pass(WITHIN_MS);
    expect([client.isOver, client.byteCount > byteCount]).toEqual([false, true]);
  });
});
