import { describe, expect, test } from 'vitest';
import { INLET, OUTLET, TrustWorld } from '../../property-tests/trust-world.ts';
import { parsePolicy } from '../../policies/policy.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { route } from '../../runtime/route.ts';
import { outlet } from '../portal/outlet.ts';
import { RESET_REASONS } from '../portal/portal-message.ts';
import { registerRelay } from '../relay/remote-relay.ts';
import type { CredentialSource } from '../secure-channel/credential-source.ts';

const DBA = parsePolicy('(= subject.role "dba")');

/** A source whose credential can be replaced. */
function renewable(first: Uint8Array) {
  let tell: () => void = () => undefined;
  let current = first;
  const source: CredentialSource = {
    retrieve: () => Promise.resolve(current),
    subscribe: (onNewer) => {
      tell = onNewer;
      return () => undefined;
    },
  };
  const renew = (next: Uint8Array) => {
    current = next;
    tell();
  };
  return { source, renew };
}

async function opened(attributes: Record<string, string>, lifeSeconds?: number) {
  const world = await TrustWorld.make();
  const first = await world.issue(attributes, { ...(lifeSeconds !== undefined && { lifeSeconds }) });
  const { source, renew } = renewable(first);
  const channel = await world.open(source);
  const { identifier } = world.client.identity;
  const facts = () => Object.fromEntries(world.server.subjects!.factsOf(identifier)?.attributes ?? []);
  return { world, channel, identifier, facts, first, renew };
}

describe('what is known of a subject', () => {
  test('is there when its channel is, follows a newer credential, and goes when that expires', async () => {
    const { world, facts, renew } = await opened({ role: 'dev' }, 60);
    expect(facts()).toEqual({ role: 'dev' });
    await world.pass(5_000);
    renew(await world.issue({ role: 'dba' }, { lifeSeconds: 60 }));
    await world.pass(50);
    expect(facts()).toEqual({ role: 'dba' });
    await world.pass(58_900);
    expect(facts()).toEqual({ role: 'dba' });
    await world.pass(2_100);
    expect(facts()).toEqual({});
    await world.stop();
  });

  test('an older credential that is shown again brings nothing back', async () => {
    const { world, facts, first, renew } = await opened({ role: 'dba' });
    await world.pass(2_000);
    renew(await world.issue({ role: 'dev' }));
    await world.pass(50);
    await world.open(first);
    await world.open();
    expect(facts()).toEqual({ role: 'dev' });
    await world.stop();
  });

  test('what another issuer says, or says of somebody else, is not learned', async () => {
    const world = await TrustWorld.make();
    const [stranger, other] = [await world.identity(), await world.identity()];
    await world.open(await world.issue({ role: 'dba' }, { by: stranger }));
    await world.open(await world.issue({ role: 'dba' }, { to: other }));
    const { subjects } = world.server;
    const held = { issuer: stranger.identifier, attributes: new Map(), createdAt: 1, expiresAt: 2 ** 40 };
    subjects!.learn({ identifier: other.identifier, credentials: [held] });
    subjects!.learn({ identifier: other.identifier, credentials: [{ ...held, issuer: world.authority.identifier, expiresAt: 2 }] });
    expect([world.client.identity, other].map(({ identifier }) => subjects!.factsOf(identifier))).toEqual([undefined, undefined]);
    await world.stop();
  });

  test('is forgotten when it is revoked', async () => {
    const { world, identifier, facts } = await opened({ role: 'dba' });
    world.server.subjects!.forget(identifier);
    expect(facts()).toEqual({});
    await world.stop();
  });
});

/** A stream of the client through the channel to the server's outlet, with bytes that come back. */
async function streaming(attributes: Record<string, string>, lifeSeconds?: number) {
  const base = await opened(attributes, lifeSeconds);
  const { world, channel } = base;
  world.server.policies.set({ name: 'outlet' }, DBA);
  const inlet = await world.inlet(world.client, route(channel.route, 'outlet'));
  const client = await world.connectTo(world.client, inlet);
  let sent = 0;
  const send = () => client.stream.write([new Uint8Array(1_000).fill(sent++ % 256)]);
  send();
  await world.pass(100);
  expect([client.byteCount, client.isOver]).toEqual([1_000, false]);
  const target = world.targets.at(-1)!;
  /** Sends every 20 ms for so long. @returns how many bytes the target has then */
  const talk = async (ms: number) => {
    for (let at = 0; at < ms; at += 20) {
      if (!client.isOver) send();
      await world.pass(20);
    }
    return target.byteCount;
  };
  const prefixes = () => {
    const whole = Buffer.concat(Array.from({ length: sent }, (_, index) => new Uint8Array(1_000).fill(index % 256)));
    return [target, client].every(({ received }) => whole.subarray(0, received.length).equals(received));
  };
  return { ...base, inlet, client, target, talk, prefixes };
}

describe('an open stream at an outlet', () => {
  test('ends at once with its policy; no byte comes after, and the peer hears only that the portal stopped', async () => {
    const { world, client, target, talk, prefixes } = await streaming({ role: 'dba' });
    await talk(200);
    const resets: Uint8Array[] = [];
    world.client.node.trace(({ message }) => {
      if (message.payload[0] === 0x13) resets.push(message.payload.slice());
    });
    const atMs = world.clock.monotonicMs();
    world.server.policies.set({ name: 'outlet' }, parsePolicy('(= subject.role "admin")'));
    const byteCount = target.byteCount;
    expect(await talk(1_000)).toBe(byteCount);
    expect([target.wasReset, client.wasReset, world.outlet.streams, prefixes()]).toEqual([true, true, 0, true]);
    expect(world.server.log.denials()[0]).toMatchObject({
      resource: OUTLET,
      identifier: world.client.identity.identifier,
      direction: 'in',
    });
    expect(world.server.lines.filter(({ event }) => event === 'portal.stream.reset')).toMatchObject([{ fields: { reason: 'denied' } }]);
    expect(world.client.lines.filter(({ event }) => event === 'portal.stream.reset')).toMatchObject([{ fields: { reason: 'peer' } }]);
    expect(new Set(resets.map((reset) => RESET_REASONS[reset[1]!]))).toEqual(new Set(['stopped']));
    expect(world.clock.monotonicMs() - atMs).toBeLessThan(1_100);
    await world.stop();
  });

  test('ends when what attests its peer is revoked', async () => {
    const { world, identifier, client, target, talk } = await streaming({ role: 'dba' });
    world.server.subjects!.forget(identifier);
    const byteCount = target.byteCount;
    expect(await talk(500)).toBe(byteCount);
    expect([target.wasReset, client.wasReset]).toEqual([true, true]);
    await world.stop();
  });

  test('ends when the credential is replaced by one that says less, and goes on with one that says the same', async () => {
    const { world, renew, client, talk } = await streaming({ role: 'dba' });
    await world.pass(1_000);
    renew(await world.issue({ role: 'dba' }));
    await talk(500);
    expect(client.isOver).toBe(false);
    await world.pass(1_000);
    renew(await world.issue({ role: 'dev' }));
    await talk(100);
    expect(client.wasReset).toBe(true);
    await world.stop();
  });

  test.each([true, false])('ends at the expiry, to the second, even when nobody says anything (talks: %s)', async (talks) => {
    const { world, client, target, talk, prefixes } = await streaming({ role: 'dba' }, 10);
    const endsAt = world.server.subjects!.factsOf(world.client.identity.identifier)!.expiresAt;
    const untilEnd = async (step: () => Promise<unknown>) => {
      while (world.clock.wallSeconds() < endsAt) await step();
    };
    await untilEnd(() => (talks ? talk(20) : world.pass(20)));
    const byteCount = target.byteCount;
    await (talks ? talk(1_000) : world.pass(1_000));
    expect([client.wasReset, target.wasReset, world.outlet.streams, prefixes()]).toEqual([true, true, 0, true]);
    expect(target.byteCount - byteCount).toBeLessThanOrEqual(1_000); // what was let in before is in no other chunk
    await world.stop();
  });

  test('what is left out ends the stream, even where a control lets the next chunk in and cannot be watched', async () => {
    const { world, channel } = await opened({});
    let isOpen = true;
    const { node, channels } = world.server;
    outlet(node, { address: 'other', target: '127.0.0.1:5432', on: channels, allow: { allows: () => isOpen } });
    const client = await world.connectTo(world.client, await world.inlet(world.client, route(channel.route, 'other')));
    const say = async (mayPass: boolean) => {
      isOpen = mayPass;
      client.stream.write([Uint8Array.of(1)]);
      await world.pass(50);
    };
    for (const mayPass of [true, false, true]) await say(mayPass);
    expect([client.wasReset, world.targets[0]!.wasReset, world.targets[0]!.byteCount]).toEqual([true, true, 1]);
    const reset = world.server.lines.find(({ event }) => event === 'portal.stream.reset');
    expect(reset?.fields).toMatchObject({ reason: 'denied' });
    await world.stop();
  });
});

describe('an inlet', () => {
  const inletOf = async () => {
    const base = await opened({ role: 'dba' });
    const { world } = base;
    const { gate, policies, channels } = world.server;
    policies.set({ name: 'inlet' }, DBA);
    outlet(world.client.node, { target: '127.0.0.1:5433', on: base.channel, allow: allowEveryone });
    const toClient = route([...channels.channels][0]!.route, 'outlet');
    const inlet = await world.inlet(world.server, toClient, { allow: gate.incoming(INLET), allowTo: gate.outgoing(INLET) });
    return { ...base, inlet, policies };
  };

  test('asks before it sends anything, and resets the client at once when that is denied', async () => {
    const { world, inlet, policies } = await inletOf();
    policies.set({ name: 'inlet' }, parsePolicy('(= subject.role "admin")'));
    const client = await world.connectTo(world.server, inlet);
    await world.pass(20);
    expect([client.wasReset, world.targets.length, inlet.streams]).toEqual([true, 0, 0]);
    expect(world.server.log.denials()[0]).toMatchObject({ resource: INLET, direction: 'out' });
    await world.stop();
  });

  test('ends its streams when who answers may do so no more, and the far end hears of it', async () => {
    const { world, inlet, policies } = await inletOf();
    const client = await world.connectTo(world.server, inlet);
    client.stream.write([Uint8Array.of(1, 2, 3)]);
    await world.pass(100);
    expect([client.byteCount, inlet.streams]).toEqual([3, 1]);
    policies.set({ name: 'inlet' }, parsePolicy('(= subject.role "admin")'));
    await world.pass(100);
    expect([client.wasReset, world.targets[0]!.wasReset, inlet.streams]).toEqual([true, true, 0]);
    await world.stop();
  });
});

describe('a relay', () => {
  const register = (world: TrustWorld, via: ReturnType<typeof route>, name: string) =>
    world.run(
      registerRelay(world.client.node, via, { name, timeoutMs: 200 }).then(
        () => true,
        () => false,
      ),
    );

  test.each([
    ['*', 'foo', true],
    ['foo', 'foo', true],
    ['foo', 'bar', false],
    ['', 'foo', false],
    ['foo', 'forward_to_foo', false],
  ])('ockam-relay %j, asked for %s: %s', async (permitted, name, isMade) => {
    const { world, channel } = await opened({ 'ockam-relay': permitted });
    expect(await register(world, channel.route, name)).toBe(isMade);
    expect(await register(world, await world.connect(), name)).toBe(false);
    await world.stop();
  });

  test.each(['policy', 'attribute', 'revocation', 'expiry'])('ends with its owner’s permission: %s', async (why) => {
    const { world, channel, identifier, renew } = await opened({ 'ockam-relay': 'foo' }, 60);
    expect(await register(world, channel.route, 'foo')).toBe(true);
    await world.pass(2_000);
    expect(world.relays.relays.length).toBe(1);
    if (why === 'policy') world.server.policies.set({ type: 'relay' }, parsePolicy('(= subject.role "admin")'));
    if (why === 'attribute') renew(await world.issue({ 'ockam-relay': 'bar' }));
    if (why === 'revocation') world.server.subjects!.forget(identifier);
    if (why === 'expiry') await world.pass(58_000);
    await world.pass(1_000);
    expect(world.relays.relays.length).toBe(0);
    await world.stop();
  });

  test('what went past it by then is cut off with it', async () => {
    const { world, channel, identifier } = await opened({ 'ockam-relay': 'foo' });
    outlet(world.client.node, { target: '127.0.0.1:5433', on: channel, allow: allowEveryone });
    expect(await register(world, channel.route, 'foo')).toBe(true);
    const third = await world.stranger('third');
    const inlet = await world.inlet(third, route(await world.connect(third), 'forward_to_foo', 'outlet'));
    const program = await world.connectTo(third, inlet);
    program.stream.write([Uint8Array.of(1)]);
    await world.pass(200);
    expect(program.byteCount).toBe(1);
    world.server.subjects!.forget(identifier);
    program.stream.write([Uint8Array.of(2)]);
    await world.pass(1_000);
    expect([program.byteCount, world.targets[0]!.byteCount]).toEqual([1, 1]);
    await world.pass(30_000);
    expect([program.wasReset, world.targets[0]!.wasReset]).toEqual([true, true]);
    await world.stop();
  });
});
