import type { Context } from '../../runtime/context.ts';
import { route } from '../../runtime/route.ts';
import type { OnFailure } from '../../runtime/worker.ts';
import { echo } from '../../workers/echo.ts';
import { checkLives } from '../models/lives.ts';
import { smallNode } from '../node-watch.ts';
import { inTurn, type Row, type RowResult } from './row.ts';
import { tcpFrame, TcpWorld } from './tcp-world.ts';

/** Source: reliability.md RT5 */
const FORWARDS_MAX = 64;
const LOOP_HOPS = 512;
const ECHO_MS_MAX = 50;
/** Source: reliability.md RT13 */
const RING = 100;
const STALL_MS_MAX = 5_000;

/** Routes of `a`, `b`, `a`, `b` …: stopped at the hop limit, while others are served. */
async function loops(count: number, seed: number): Promise<RowResult> {
  const world = await TcpWorld.start({ seed });
  const onward = Array.from({ length: LOOP_HOPS }, (_, index) => (index % 2 === 0 ? 'a' : 'b'));
  const result = await inTurn(count, async (index, tally) => {
    const peer = await world.knock();
    peer.send(Uint8Array.of(1));
    world.forwards = 0;
    // Few hops arrive and are walked to the limit; routes with too many for an envelope are turned away whole.
    peer.send(tcpFrame(onward.slice(0, 2 + ((index * 17) % LOOP_HOPS)), ['me'], Uint8Array.of(1)));
    const tookMs = await world.echoMs();
    await world.pass(1_000);
    peer.reset();
    tally.measured(world.forwards, 'forwards at most');
    if (world.forwards > FORWARDS_MAX) return `${world.forwards} forwards`;
    return tookMs <= ECHO_MS_MAX ? undefined : `an honest echo took ${tookMs} ms`;
  });
  await world.stop();
  return result;
}

/** Each worker of a ring forwards two messages for each it gets: progress or counted drops, until the hop limit ends it. */
async function ring(messages: number): Promise<string | undefined> {
  const { node, clock, watch } = smallNode();
  for (let index = 0; index < RING; index++) {
    const next = route(`ring-${(index + 1) % RING}`);
    node.start(`ring-${index}`, {
      onMessage: (message, context) => {
        for (let copy = 0; copy < 2; copy++) context.forward(message.rerouted(next));
      },
    });
  }
  for (let index = 0; index < messages; index++) void node.send(`ring-${index % RING}`, Uint8Array.of(1));
  await clock.runUntilQuiet({ stepsMax: 10_000_000 });
  await new Promise<void>((resolve) => void setImmediate(resolve));
  if (clock.monotonicMs() > STALL_MS_MAX) return `it took ${clock.monotonicMs()} ms`;
  if (watch.handled < messages) return 'no progress';
  const lost = node.deadLetters.count('overflow') + node.deadLetters.count('hop-limit');
  if (node.deadLetters.count() !== lost) return 'something was lost for another reason';
  return watch.faults[0];
}

const PLACES = ['onStart', 'onStart later', 'onMessage', 'onMessage later', 'onStop', 'onStop later', 'timer', 'enter'] as const;
const THROWN: readonly unknown[] = [new Error('an error'), 'text', undefined, null, 5];
const POLICIES: readonly OnFailure[] = ['continue', 'stop', { restart: { limit: 2, withinMs: 1_000, backoffMs: 1 } }];

/** A worker throws something somewhere: only that fails. */
async function throws(index: number): Promise<string | undefined> {
  const place = PLACES[index % PLACES.length];
  const what = THROWN[Math.floor(index / PLACES.length) % THROWN.length];
  const onFailure = POLICIES[Math.floor(index / (PLACES.length * THROWN.length)) % POLICIES.length] ?? 'continue';
  const unhandled: unknown[] = [];
  const note = (cause: unknown) => unhandled.push(cause);
  process.on('unhandledRejection', note);
  const { node, clock, watch } = smallNode();
  const fail = (at: (typeof PLACES)[number]): void | Promise<void> => {
    if (place === at) throw what;
    if (place === `${at} later`) return Promise.reject(what); // eslint-disable-line @typescript-eslint/prefer-promise-reject-errors -- likewise
  };
  const onStart = (context: Context) => {
    context.setTimer(1, () => void fail('timer'));
    context.enter(() => void fail('enter'));
    return fail('onStart');
  };
  const worker = { onStart, onMessage: () => fail('onMessage'), onStop: () => fail('onStop') };
  try {
    node.start('w', worker, { onFailure });
  } catch (thrown) {
    if (place !== 'onStart' || thrown !== what) throw thrown; // what fails at once is the caller's
  }
  node.start('echo', echo);
  void node.send('w', Uint8Array.of(1));
  await clock.run({ untilMs: 5 });
  const answer = await clock.runUntil(node.request('echo', Uint8Array.of(7)));
  await clock.runUntil(node.stop());
  await new Promise<void>((resolve) => void setImmediate(resolve));
  process.off('unhandledRejection', note);
  if (answer.payload[0] !== 7) return 'the node answers wrongly';
  if (node.addresses.length + clock.pendingCount > 0) return `${place}: something is left`;
  return unhandled.length > 0 ? `${place}: a rejection was not handled` : watch.faults[0];
}

export const rows: readonly Row[] = [
  {
    id: 'RT5',
    about: 'routes that go round in a loop of 512: under 64 forwards, others unaffected',
    full: 1_000,
    run: ({ count, seed }) => loops(count, seed),
  },
  {
    id: 'RT13',
    about: '100 workers in a ring, two messages on for each: progress or counted drops, no stall over 5 s',
    full: 10,
    run: ({ count }) => inTurn(count, (index) => ring(1 + 10 * index)),
  },
  {
    id: 'RT14',
    about: 'a worker throws an error or anything else, in each of its places, under each policy: the node lives',
    full: PLACES.length * THROWN.length * POLICIES.length,
    run: ({ count }) => inTurn(count, throws),
  },
  {
    id: 'RT15',
    about: 'random orders of start, stop, send and failure: errors, not hangs, and nothing left',
    full: 10_000,
    run: async ({ count, seed }) => {
      await checkLives(count, seed);
      return { attempted: count, passed: count };
    },
  },
];
