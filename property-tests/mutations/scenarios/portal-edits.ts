// A portal through a hop that can read its messages, and edits one of each stream. What comes out is a prefix of what went in,
// and it ends in order only when it is the whole.
import { inlet, type Message, outlet, tcp, via } from 'postern';
import { bytesOutPrefixOfBytesIn, type Ends, type Scenario } from 'postern/simulation';
import { Meddler, Program } from './parts.ts';

const PIECES = 10;
const PIECE_BYTES = 100;
const DATA = 0x10;
const END = 0x12;

/** What the hop does to the messages of a stream towards the target: each by its number among those that hold data, or as the end. */
type Edit = (message: Message, index: number | 'end') => readonly Message[];

function edits(): Readonly<Record<string, Edit>> {
  let held: Message | undefined;
  return {
    'left alone': (message) => [message],
    'with a piece lost': (message, index) => (index === 4 ? [] : [message]),
    'with its last piece lost': (message, index) => (index === PIECES - 1 ? [] : [message]),
    'with a piece said twice': (message, index) => (index === 4 ? [message, message.again()] : [message]),
    'with two pieces exchanged': (message, index) => {
      if (index === 4) held = message;
      return index === 4 ? [] : index === 5 && held !== undefined ? [message, held] : [message];
    },
    'with the end before its last piece': (message, index) => {
      if (index === PIECES - 1) held = message;
      return index === PIECES - 1 ? [] : index === 'end' && held !== undefined ? [message, held] : [message];
    },
  };
}

const ends = new Map<string, Ends>();

export const scenario: Scenario = {
  name: 'portal edits',
  invariants: [bytesOutPrefixOfBytesIn(() => Object.fromEntries(ends))],
  play: async (world) => {
    ends.clear();
    const [client, middle, server] = world.nodes('client', 'middle', 'server');
    world.link('client', 'middle', { latencyMs: 5 });
    world.link('server', 'vault', { latencyMs: 50 });
    const targets: Program[] = [];
    const vault = world.node('vault', async ({ network, node }) => {
      const listener = await network.listen({ host: '0.0.0.0', port: 5432 }, (stream) => {
        const program = new Program(stream);
        targets.push(program);
        return program;
      });
      node.onStop(() => void listener.close());
    });
    await vault.ready;
    const on = await server.node.listen(tcp(), '0.0.0.0:4000');
    outlet(server.node, { target: 'vault:5432', on, allow: { allows: () => true } });
    const front = await middle.node.listen(tcp(), '0.0.0.0:4000');
    const back = await middle.node.connect(tcp(), 'server:4000');
    const meddler = new Meddler();
    middle.node.start('meddler', meddler);
    middle.node.publish('meddler', { on: [front, back], allow: { allows: () => true } });
    const connection = await client.node.connect(tcp(), 'middle:4000');
    const way = via(connection.route, 'meddler', back.address, 'outlet');
    const { local } = await inlet(client.node, { listen: '127.0.0.1:5432', outlet: way, allow: { allows: () => true } });

    for (const [name, edit] of Object.entries(edits())) {
      let index = 0;
      meddler.meddle = (message) => {
        const kind = message.onward.next.equals(back.address) ? message.payload[0] : undefined;
        return kind === DATA ? edit(message, index++) : kind === END ? edit(message, 'end') : [message];
      };
      const program = await Program.dial(client.home.network, local);
      const bytesIn = Array.from({ length: PIECES }, (_, piece) => new Uint8Array(PIECE_BYTES).fill(piece));
      for (const piece of bytesIn) {
        program.write(piece);
        await world.pass(20);
      }
      program.stream.end();
      await world.pass('35s');
      const target = targets.at(-1);
      ends.set(`the stream ${name}`, { bytesIn, bytesOut: target?.bytesOut ?? [] });
      const isWhole = target?.byteCount === PIECES * PIECE_BYTES;
      if (name === 'left alone' && !isWhole) throw new Error('a stream that nobody touched is not whole');
      if (target?.hasEnd === true && !isWhole) throw new Error(`the stream ${name} ended in order, and is not whole`);
      if (target?.isOver !== true) throw new Error(`the stream ${name} never ended`);
      target.stream.end();
    }

    // Nothing passes any more, in silence: neither end may wait for ever.
    meddler.meddle = (message) => [message];
    const program = await Program.dial(client.home.network, local);
    program.write(Uint8Array.of(1));
    await world.pass('1s');
    meddler.meddle = () => [];
    await world.pass('40s');
    if (!program.isOver) throw new Error('a client still waits for an outlet that is silent since 40 s');
    if (targets.at(-1)?.isOver !== true) throw new Error('a target still waits for an inlet that is silent since 40 s');
  },
};
