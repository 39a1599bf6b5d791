import { type Edit, PortalWorld, type Program } from '../portal-world.ts';
import { DemoWorld } from './demo-world.ts';
import { EDIT_KINDS, type EditKind, OneEdit } from './edits.ts';
import { inTurn, type Row } from './row.ts';
import { faultOf, script, speak } from './streams.ts';

const PIECE_BYTES = 23;
/** Messages that come after the one that is edited. */
const TAIL = 12;
/** The stream has closed or completed by then. Source: reliability.md PO1 */
const OVER_MS_MAX = 10_000;

type World = Pick<PortalWorld, 'clock' | 'connect' | 'until' | 'run' | 'inlet' | 'outlet' | 'onTarget'>;
type Hop = PortalWorld['relay'];

/** Trial by trial: each position, each direction, each kind of edit. */
function caseOf(index: number): { kind: EditKind; direction: 'there' | 'back'; position: number } {
  const kinds = EDIT_KINDS.length;
  return {
    kind: EDIT_KINDS[index % kinds] ?? 'drop',
    direction: Math.floor(index / kinds) % 2 === 0 ? 'there' : 'back',
    position: Math.floor(index / (2 * kinds)),
  };
}

/** An edit before may have cost the channel, and this stream with it, before its own message came: it is tried again. */
const TRIES_MAX = 3;

async function edited(world: World, hop: Hop, index: number, seed: number): Promise<string | undefined> {
  for (let tries = 1; ; tries++) {
    const outcome = await editedStream(world, hop, index, seed);
    if (outcome !== NOT_EDITED || tries === TRIES_MAX) return outcome;
  }
}

const NOT_EDITED = 'nothing was edited';

async function editedStream(world: World, hop: Hop, index: number, seed: number): Promise<string | undefined> {
  const { kind, direction, position } = caseOf(index);
  const many = (position + TAIL) * PIECE_BYTES;
  const said = script(direction === 'there' ? many : 200, direction === 'back' ? many : 200, seed + 2 * index);
  let target: Program | undefined;
  world.onTarget = (program) => {
    target = program;
    speak(program, said.back, PIECE_BYTES);
  };
  const editor = new OneEdit(world.clock, kind, direction, position);
  hop.counts.there = 0;
  hop.counts.back = 0;
  hop.edit = editor.edit;
  const client = await world.connect();
  speak(client, said.there, PIECE_BYTES);
  const tookMs = await world.until(() => client.isOver);
  await world.until(() => world.inlet.streams + world.outlet.streams === 0, 90_000);
  const passAll: Edit = (message) => [message];
  hop.edit = passAll;
  const fault =
    faultOf(client, target, said) ??
    (tookMs < OVER_MS_MAX ? undefined : `over after ${tookMs} ms`) ??
    (world.inlet.streams + world.outlet.streams === 0 ? undefined : 'streams are left');
  if (fault === undefined && !editor.wasDone) return NOT_EDITED;
  return fault && `${kind} ${direction} at ${position}: ${fault}`;
}

/** A new world now and then: edits leave gaps in a channel, which it may bear 32 at a time. */
function perWorld<W>(make: (seed: number) => Promise<W>, trial: (world: W, index: number) => Promise<string | undefined>, trials: number) {
  return async ({ count, seed }: { count: number; seed: number }) => {
    let world: W;
    return inTurn(count, async (index) => {
      if (index % trials === 0) world = await make(seed + index);
      return trial(world, index);
    });
  };
}

export const rows: readonly Row[] = [
  {
    id: 'PO1',
    about: 'a relay that reads portal messages drops, swaps, repeats, delays or cuts one of them, at 1,000 positions in both directions',
    full: 10_000,
    run: (options) =>
      perWorld(
        (seed) => PortalWorld.make({ seed, inlet: { pongTimeoutMs: 8_000 } }),
        (world, index) => edited(world, world.relay, index, options.seed),
        500,
      )(options),
  },
  {
    id: 'R-C5',
    about: 'the same to the frames of an end-to-end channel, by a relay that cannot read them',
    full: 10_000,
    run: (options) =>
      perWorld(
        (seed) => DemoWorld.make({ seed, inlet: { pongTimeoutMs: 8_000 } }),
        (world, index) => edited(world, world.editor, index, options.seed),
        20,
      )(options),
  },
];
