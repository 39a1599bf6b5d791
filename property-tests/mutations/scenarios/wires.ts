// Peers that speak the TCP protocol by hand, and badly: what they send reaches nobody, and they do not stay.
import { echo, route, tcp } from 'postern';
import { onlyAllowed, type Scenario } from 'postern/simulation';
import { encodeEnvelopeHead } from 'postern/wire';
import { Program } from './parts.ts';

const FRAME_BYTES_MAX = 256 * 1024;
/** So that a message tells by its size who sent it. */
const OF_ANOTHER_VERSION = 7;
const STRANGERS_MAX = 32;

function frame(payloadBytes: number): Uint8Array {
  const head = encodeEnvelopeHead(route('echo'), route('nobody'), payloadBytes, 4);
  const bytes = new Uint8Array(head.length + payloadBytes);
  bytes.set(head);
  new DataView(bytes.buffer).setUint32(0, bytes.length - 4);
  return bytes;
}

export const scenario: Scenario = {
  name: 'wires',
  invariants: [onlyAllowed(({ payloadBytes }) => payloadBytes <= FRAME_BYTES_MAX && payloadBytes !== OF_ANOTHER_VERSION)],
  play: async (world) => {
    const { node: bank } = world.node('bank');
    const on = await bank.listen(tcp(), '0.0.0.0:4000');
    bank.start('echo', echo);
    bank.publish('echo', { on, allow: { allows: () => true } });

    let count = 0;
    const peer = async (...bytes: readonly Uint8Array[]) => {
      const { home } = world.node(`peer-${count++}`);
      const made = await Program.dial(home.network, { host: 'bank', port: 4_000 });
      made.write(...bytes);
      return made;
    };
    const version = (number: number) => Uint8Array.of(number);
    const heartbeat = Uint8Array.of(0, 0, 0, 4, 0x83, 0x80, 0x80, 0x40);
    const honest = await peer(version(1), frame(5));
    await peer(version(1), frame(FRAME_BYTES_MAX + 1));
    await peer(version(2), frame(OF_ANOTHER_VERSION));
    const endless = await peer(version(1), Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    const mute = await peer();
    const halting = await peer(version(1), frame(9).subarray(0, 12));
    const dying = await peer(version(1), heartbeat);

    await world.pass('6s');
    if (honest.isOver || honest.byteCount === 0) throw new Error('an honest peer was sent away');
    if (!endless.isOver) throw new Error('a peer whose frame has 4 GiB is still listened to');
    if (!mute.isOver) throw new Error('a peer that does not say its version is still waited for');
    await world.pass('30s');
    if (!halting.isOver) throw new Error('a peer that does not end its frame is still waited for');
    if (!dying.isOver) throw new Error('a peer that has fallen silent counts as there');

    const crowd = world.node('crowd').home.network;
    const before = bank.connections.size;
    for (let more = 0; more < STRANGERS_MAX + 8; more++)
      await Program.dial(crowd, { host: 'bank', port: 4_000 }).then(
        (one) => one.write(version(1)),
        () => undefined,
      );
    await world.pass('1s');
    const taken = bank.connections.size - before;
    if (taken > STRANGERS_MAX) throw new Error(`${taken} strangers were taken in from one address`);
  },
};
