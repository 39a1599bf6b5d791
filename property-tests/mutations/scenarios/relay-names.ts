// Who owns a name at a relay. Mallory registers for the names of others, and nothing that is meant for them may reach her.
import {
  echo,
  everyone,
  fromAnyPeer,
  type Node,
  registerRelay,
  relayService,
  route,
  secureChannel,
  secureChannelListener,
  tcp,
} from 'postern';
import { onlyAllowed, oneOwner, type Scenario, type WorldNode } from 'postern/simulation';
import { bareString } from 'postern/wire';
import { identityOf } from './parts.ts';

const RELAYS_PER_OWNER_MAX = 3;

export const scenario: Scenario = {
  name: 'relay names',
  invariants: [oneOwner(), onlyAllowed(({ node, destination }) => !(node === 'mallory' && destination === '0#inbox'))],
  play: async (world) => {
    const relay = world.node('relay', async (home) => {
      const identity = await identityOf(home);
      const on = await home.node.listen(tcp(), '0.0.0.0:4000');
      const channels = secureChannelListener(home.node, 'api', { identity, trust: everyone, on });
      return relayService(home.node, { on: channels, allow: fromAnyPeer, relaysPerOwnerMax: RELAYS_PER_OWNER_MAX });
    });
    const service = await relay.ready;
    const join = async ({ node, home }: WorldNode<void>, answersPings: boolean) => {
      const identity = await identityOf(home);
      const channel = await secureChannel(node, route(await node.connect(tcp(), 'relay:4000'), 'api'), { identity, trust: everyone });
      node.start('inbox', { onMessage: () => undefined });
      node.start('echo', echo);
      for (const name of answersPings ? ['inbox', 'echo'] : ['inbox']) node.publish(name, { on: channel, allow: everyone });
      return (name: string) =>
        registerRelay(node, channel.route, { name, timeoutMs: 7_000 }).then(
          () => true,
          () => false,
        );
    };
    const registers = {
      alice: await join(world.node('alice'), true),
      // Nobody has heard an answer of his, so that his silence says nothing.
      bob: await join(world.node('bob'), false),
      mallory: await join(world.node('mallory'), true),
    };
    for (const name of ['alice', 'bob'] as const) if (!(await registers[name](name))) throw new Error(`${name} got no relay`);
    await world.pass('6s');
    const asker = world.node('asker');
    const { node } = asker;
    const identity = await identityOf(asker.home);
    const channel = await secureChannel(node, route(await node.connect(tcp(), 'relay:4000'), 'api'), { identity, trust: everyone });
    for (const name of ['alice', 'bob']) {
      await registers.mallory(name);
      await node.send(route(channel, `forward_to_${name}`, 'inbox'), Uint8Array.of(1));
      await world.pass('1s');
    }
    for (let more = 0; more < RELAYS_PER_OWNER_MAX + 2; more++) await registers.mallory(`mallory-${more}`);
    const hers = service.relays.filter(({ name }) => name.includes('mallory')).length;
    if (hers !== RELAYS_PER_OWNER_MAX) throw new Error(`one identity has ${hers} relays, and may have ${RELAYS_PER_OWNER_MAX}`);

    // A relay service that confirms another name than the one it was asked for.
    const liar: Node = world.node('liar').node;
    const listener = await liar.listen(tcp(), '0.0.0.0:4000');
    liar.start('static_forwarding_service', { onMessage: (message, context) => context.reply(message, bareString('forward_to_other')) });
    liar.publish('static_forwarding_service', { on: listener, allow: everyone });
    const toLiar = await node.connect(tcp(), 'liar:4000');
    const isBelieved = await registerRelay(node, toLiar.route, { name: 'asker', timeoutMs: 2_000 }).then(
      () => true,
      () => false,
    );
    if (isBelieved) throw new Error('a relay of another name than the one asked for is believed');
  },
};
