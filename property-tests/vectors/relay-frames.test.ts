import { describe, expect, test } from 'vitest';
import { text } from '../../runtime/codec/codec.ts';
import { bareString } from '../../runtime/codec/bare.ts';
import { decodeEnvelope } from '../../runtime/codec/envelope.ts';
import { parseRoute } from '../../runtime/route.ts';
import { hex } from '../../runtime/random.ts';
import { registerRelay } from '../../workers/relay/remote-relay.ts';
import { confirms, decodeRegistration } from '../../workers/relay/relay-message.ts';
import { frameOf, RELAY_PORT, relayWorld, ScriptedPeer } from '../relay-world.ts';
import { fromHex, readVectors } from './read-vectors.ts';

/** A server registers `n3`; a client calls its echo. Addresses are short here: `s1`, `m1`, … Source: routing.md 5.3 */
const FRAMES = {
  register: '000000298381820058197374617469635f666f7277617264696e675f73657276696365818200426d3143026e33',
  response: '0000002783818200426d318182004d666f72776172645f746f5f6e334e0d666f72776172645f746f5f6e33',
  toRelay: '00000024838282004d666f72776172645f746f5f6e338200446563686f8182004361707043026869',
  toServer: '0000001983818200446563686f82820042733282004361707043026869',
  reply: '0000001983828200427332820043617070818200446563686f43026869',
  toClient: '000000198381820043617070828200426b318200446563686f43026869',
};

describe('the worked example, byte for byte', () => {
  test('at the relay', async () => {
    const { network, pass, relayNode } = relayWorld();
    const relay = await relayNode('relay');
    const [server, client] = [new ScriptedPeer(), new ScriptedPeer()];
    const target = { host: 'relay', port: RELAY_PORT };
    const [toRelay] = [network.host('server'), network.host('client')].map((host, index) =>
      host.connect(target, [server, client][index]!.reader),
    );
    await pass(20);
    await toRelay;

    server.send(fromHex(FRAMES.register));
    await pass(20);
    expect(server.received.map((envelope) => hex(frameOf(envelope)))).toEqual([FRAMES.response]);

    client.send(fromHex(FRAMES.toRelay));
    await pass(20);
    // The connections' addresses are random: the server's is `k1` at the relay, the client's `s2`.
    const [s2] = [...server.received[1]!.returnRoute];
    const k1 = [...relay.node.connections].find(({ address }) => !address.equals(s2!))!.address;
    const names = new Map([
      [s2!.key, 's2'],
      [k1.key, 'k1'],
    ]);
    expect(hex(frameOf(server.received[1]!, names))).toBe(FRAMES.toServer);

    server.sendTo(parseRoute(`${s2!.name} => app`), parseRoute('echo'), bareString('hi'));
    expect(hex(frameOf({ onward: parseRoute('s2 => app'), returnRoute: parseRoute('echo'), payload: bareString('hi') }))).toBe(
      FRAMES.reply,
    );
    await pass(20);
    expect(client.received.map((envelope) => hex(frameOf(envelope, names)))).toEqual([FRAMES.toClient]);
    expect(server.received).toHaveLength(2);
  });

  test('at the server that registers', async () => {
    const { clock, network, node, pass, connect } = relayWorld();
    const relay = new ScriptedPeer();
    await network.host('relay').listen({ host: '0.0.0.0', port: RELAY_PORT }, relay.reader);
    const server = node('server');
    const connection = await connect(server, 'relay');
    const registering = registerRelay(server, connection.route, { name: 'n3' });
    await pass(20);
    const [m1] = [...relay.received[0]!.returnRoute];
    expect(hex(frameOf(relay.received[0]!, new Map([[m1!.key, 'm1']])))).toBe(FRAMES.register);

    const response = decodeEnvelope(fromHex(FRAMES.response).subarray(4));
    relay.sendTo(parseRoute(m1!.name), response.returnRoute, response.payload);
    const registered = await clock.runUntil(registering);
    expect(registered.address.name).toBe('forward_to_n3');
    expect([...registered.route].map(({ key }) => key)).toEqual([connection.address.key, 'forward_to_n3']);

    // A service that does not strip our address: what has hops left goes on, with the way back unchanged.
    server.start('app', { onMessage: (message, context) => context.reply(message, message.payload) });
    server.start('private', { onMessage: () => expect.unreachable('it was never published') });
    server.publish('app', { on: connection, allow: { allows: () => true } });
    relay.sendTo(parseRoute(`${m1!.name} => app`), parseRoute('far'), bareString('hi'));
    relay.sendTo(parseRoute(`${m1!.name} => private`), parseRoute('far'), bareString('hi'));
    relay.sendTo(parseRoute(`${m1!.name} => ${m1!.name}`), parseRoute('far'), bareString('hi'));
    await pass(20);
    expect(relay.received.slice(1).map(({ onward, payload }) => [String(onward), text.decode(payload)])).toEqual([['0#far', 'hi']]);
    expect(server.deadLetters.count('denied-outgoing') + server.deadLetters.count('denied-flow')).toBe(1);
    expect(server.deadLetters.count('refused')).toBe(1);

    await clock.runUntil(registered.close());
    expect(await registered.closed).toBe(undefined);
    expect(server.addresses.some(({ key }) => key === m1!.key)).toBe(false);
  });
});

describe('frames of running nodes of the original', () => {
  interface Frame {
    readonly scenario: string;
    readonly frame: string;
  }
  const { connections } = readVectors<{ connections: readonly { frames: readonly Frame[] }[] }>('recorded/frames.json');
  const of = (scenario: string) =>
    connections
      .flatMap(({ frames }) => frames)
      .filter((frame) => frame.scenario === scenario)
      .map(({ frame }) => decodeEnvelope(fromHex(frame).subarray(4)));

  test('a registration of r1, its confirmation, a ping and its pong', () => {
    const [register, confirmation, ping, pong, ...others] = of('relay-create');
    expect(others).toEqual([]);
    expect(decodeRegistration(register!.payload)).toEqual({ name: 'r1' });
    expect(confirms(confirmation!.payload, 'r1')).toBe(true);
    expect(String(confirmation!.returnRoute)).toBe('0#forward_to_r1');
    expect(hex(pong!.payload)).toBe(hex(ping!.payload));
    expect(ping!.payload[0]).toBe(0x1b);
  });

  test('relayed traffic, replayed against our relay, comes out as it did there', async () => {
    const [toServer, reply, toRelay, answer, ...others] = of('relay-message');
    expect(others).toEqual([]);
    const { network, pass, relayNode } = relayWorld();
    await relayNode('relay');
    const [server, client] = [new ScriptedPeer(), new ScriptedPeer()];
    const target = { host: 'relay', port: RELAY_PORT };
    void network.host('server').connect(target, server.reader);
    void network.host('client').connect(target, client.reader);
    await pass(20);
    const [register] = of('relay-create');
    server.send(frameOf(register!));
    client.send(frameOf(toRelay!));
    await pass(20);
    expect(confirms(server.received[0]!.payload, 'r1')).toBe(true);
    const [ourClientHop, app] = [...server.received[1]!.returnRoute];
    const [theirClientHop] = [...toServer!.returnRoute];
    expect(hex(frameOf(server.received[1]!, new Map([[ourClientHop!.key, theirClientHop!.name]])))).toBe(hex(frameOf(toServer!)));

    server.sendTo(parseRoute(`${ourClientHop!.name} => ${app!.name}`), reply!.returnRoute, reply!.payload);
    await pass(20);
    const ourServerHop = client.received[0]!.returnRoute.next;
    const names = new Map([[ourServerHop.key, answer!.returnRoute.next.name]]);
    expect(hex(frameOf(client.received[0]!, names))).toBe(hex(frameOf(answer!)));
  });
});
