import { expect, test } from 'vitest';
import { createIdentity } from '../../identities/identity.ts';
import { everyone } from '../../identities/trust.ts';
import { logged, nodeEvent, traceOf } from '../../property-tests/histories.ts';
import { route } from '../../runtime/route.ts';
import { tcp } from '../../transports/tcp.ts';
import { relayService } from '../../workers/relay/relay-service.ts';
import { registerRelay } from '../../workers/relay/remote-relay.ts';
import { secureChannel, secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { simulate } from '../simulate.ts';
import type { TraceEvent } from '../trace.ts';
import type { World } from '../world.ts';
import { type Claim, oneOwner } from './owners.ts';

const relay = '0#forward_to_bank';
const registered = (peer: string | undefined, at: Parameters<typeof logged>[2] = {}) => logged('relay.registered', { relay, peer }, at);
const broken = (...events: TraceEvent[]) => oneOwner().check(traceOf(events));

test("a relay's name stays with whoever registered it until the node hands it on", () => {
  expect(broken(registered('I1'), registered('I1'), logged('relay.taken.over', { relay, peer: 'I2' }), registered('I2'))).toBeUndefined();
  expect(broken(registered('I1'), registered('I1'), registered('I2'))).toEqual({
    invariant: 'one owner per address and relay name',
    text: '0#forward_to_bank on relay was taken by I2 while I1 had it.',
    at: 2,
  });
  expect(broken(registered(undefined), registered('I2'))?.text).toContain('while somebody without an identity had it');
});

test('each relay node has names of its own, and they end with its life', () => {
  expect(broken(registered('I1'), registered('I2', { node: 'other' }))).toBeUndefined();
  expect(broken(registered('I1'), nodeEvent('crashed', { node: 'relay' }), registered('I2'))).toBeUndefined();
  expect(broken(registered('I1'), nodeEvent('crashed', { node: 'other' }), registered('I2'))).toMatchObject({ at: 2 });
});

test('a name that was given up is free, and until then it is not, however long that takes', () => {
  const late = { atMs: 3_600_000 };
  expect(broken(registered('I1'), registered('I2', late))).toMatchObject({ at: 1 });
  expect(broken(registered('I1'), logged('relay.removed', { relay, reason: 'the client is gone' }), registered('I2'))).toBeUndefined();
  expect(broken(registered('I1'), logged('relay.removed', { relay: '0#forward_to_other' }), registered('I2'))).toMatchObject({ at: 2 });
});

test('a relay service says when it gives a name up, and why', async () => {
  const { trace } = await simulate({ seed: 7, invariants: [oneOwner()] }, async (world) => {
    const relay = world.node('relay', async (home) => {
      const on = await home.node.listen(tcp(), '0.0.0.0:4000');
      const channels = secureChannelListener(home.node, 'api', { identity: await createIdentity(home), trust: everyone, on });
      relayService(home.node, { on: channels, allow: everyone, relaysMax: 1 });
    });
    await relay.ready;
    const [alice, bob] = [await register(world, 'alice', 'bank'), await register(world, 'bob', undefined)];
    expect([alice, bob]).toEqual(['registered', 'RELAY_TIMEOUT']);
    await world.get('alice').stop();
    expect(await register(world, 'carol', 'till')).toBe('registered'); // in the place of Alice's
    await world.get('carol').stop();
    await world.pass('61s');
    expect(await register(world, 'dave', 'bank')).toBe('registered');
  });
  const removed = trace.events.filter((event) => event.kind === 'log' && event.event === 'relay.removed');
  expect(removed.map((event) => event.kind === 'log' && [event.fields['relay'], event.fields['reason']])).toEqual([
    ['0#forward_to_bank', 'others need the room'],
    ['0#forward_to_till', 'the client is gone'],
    ['0#forward_to_bank', 'the service ends'],
  ]);
  // Without those lines Dave would seem to have taken what was Alice's.
  expect(oneOwner().check({ ...trace, events: trace.events.filter((event) => !removed.includes(event)) })).toBeDefined();
});

async function register(world: World, who: string, name: string | undefined): Promise<string> {
  const { node, home } = world.node(who);
  const identity = await createIdentity(home);
  const channel = await secureChannel(node, route(await node.connect(tcp(), 'relay:4000'), 'api'), { identity, trust: everyone });
  const options = { timeoutMs: 2_000, ...(name !== undefined && { name }) };
  return registerRelay(node, channel.route, options).then(
    () => 'registered',
    (error: unknown) => (error as { code: string }).code,
  );
}

test('addresses have owners by what a scenario notes', () => {
  const claimOf = (event: TraceEvent): Claim | undefined => {
    if (event.kind !== 'note') return undefined;
    const [what, name = '', owner = ''] = event.text.split(' ');
    const node = event.node ?? '';
    return what === 'takes' ? { what: 'taken', node, name, owner } : { what: 'freed', node, name };
  };
  const note = (text: string): TraceEvent => ({ kind: 'note', atMs: 0, node: 'bank', text });
  const check = (...texts: string[]) => oneOwner(claimOf).check(traceOf(texts.map(note)));
  expect(check('takes 0#echo one', 'frees 0#echo', 'takes 0#echo two', 'takes 0#hop one')).toBeUndefined();
  expect(check('takes 0#echo one', 'takes 0#echo two')).toMatchObject({ at: 1, text: '0#echo on bank was taken by two while one had it.' });
});
