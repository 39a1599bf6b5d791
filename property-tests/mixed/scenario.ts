import { type Route, route } from '../../runtime/route.ts';
import type { Ends } from '../../simulation/invariants/prefix.ts';
import {
  backAfterFaults,
  bytesOutPrefixOfBytesIn,
  everyMessageEnds,
  noNonceTwice,
  noPlaintext,
  nothingLeft,
  onlyAllowed,
  oneOwner,
  orderPerSender,
} from '../../simulation/invariants/index.ts';
import type { Scenario } from '../../simulation/simulate.ts';
import type { MessageEvent } from '../../simulation/trace.ts';
import type { World } from '../../simulation/world.ts';
import type { Session } from '../../workers/session/session.ts';
import { askServer, run, SECRET, talk } from './errands.ts';
import { planOf } from './plan.ts';
import { type Desk, programOf, Stage } from './programs.ts';

/** Source: reliability.md R-B1 */
export const BACK_MS = 60_000;
/** How often it is tried whether all works again. */
const TRY_MS = 1_000;
/** An answer, in the last part or before it. */
const ANSWERED = 'answered';

/** Of the run that is going on, or of the last one. */
let talks: Stage['talks'] = new Map();

function ends(): Readonly<Record<string, Ends>> {
  const all: Record<string, Ends> = {};
  for (const { number, there, back } of talks.values()) {
    all[`talk ${number}, there`] = there;
    all[`talk ${number}, back`] = back;
  }
  return all;
}

/** What nobody published, and what is published for others. */
function mayHandle({ destination, isFromAfar }: MessageEvent): boolean {
  return !isFromAfar || (destination !== '0#vault' && destination !== '0#spinner');
}

async function play(world: World): Promise<void> {
  const plan = planOf(world.seed);
  const stage = new Stage(world, plan);
  talks = stage.talks;
  for (const { dialer, listener } of plan.links) world.link(dialer, listener, plan.linkOptions);
  for (const name of plan.nodes) {
    const limits =
      name === 'client' || name === plan.hub ? { limits: { ingress: { messages: plan.ingressMessages, bytes: 4 << 20 } } } : {};
    world.node(name, programOf(stage, name), { host: plan.hosts[name] ?? {}, ...limits });
  }
  for (const step of plan.steps) {
    await world.at(step.atMs, () => run(stage, step));
  }
  await world.at(plan.endMs + 1, () => undefined);
  // Faults of so many pieces last until those have passed: what is left of them ends here.
  for (const sieve of stage.sieves.values()) sieve.rest();
  for (const { dialer, listener } of plan.links) {
    world.network.tamper(dialer, listener, undefined);
    world.network.tamper(listener, dialer, undefined);
  }
  const untilMs = world.nowMs + BACK_MS;
  for (const name of plan.nodes) await world.get(name).ready;
  const isDone = { answer: false, stream: false, guest: !plan.nodes.includes('guest') };
  const trying = new Set<keyof Done>();
  while (!(isDone.answer && isDone.stream && isDone.guest)) {
    if (world.nowMs > untilMs) throw new Error(`not back within ${BACK_MS} ms: ${missing(isDone)}`);
    attempt(stage, isDone, trying);
    await world.pass(TRY_MS);
  }
  const short = [...stage.talks.values()].find(({ outcome }) => outcome === 'short');
  if (short !== undefined) throw new Error(`talk ${short.number} ended cleanly before its last byte`);
}

interface Done {
  answer: boolean;
  stream: boolean;
  guest: boolean;
}

const missing = (done: Done) =>
  Object.entries(done)
    .flatMap(([name, isDone]) => (isDone ? [] : [name]))
    .join(', ');

/** Tries each thing that did not work yet, and is not being tried. */
function attempt(stage: Stage, isDone: Done, trying: Set<keyof Done>): void {
  const begin = (what: keyof Done, way: Session, work: (way: Route) => Promise<boolean>) => {
    way.need();
    if (isDone[what] || trying.has(what) || way.current === undefined) return;
    trying.add(what);
    void work(way.current).then((hasWorked) => {
      trying.delete(what);
      isDone[what] = hasWorked;
    });
  };
  const { client, guest } = stage;
  if (client !== undefined) {
    begin('answer', client.channel, () => askServer(stage, client, 1));
    begin('stream', client.channel, () => talkWhole(stage, client));
  }
  if (guest !== undefined) {
    const { node } = guest.home;
    begin('guest', guest.toHub, (way) =>
      node.request(way.concat(route('echo')), Uint8Array.of(1), { timeoutMs: TRY_MS }).then(
        () => true,
        () => false,
      ),
    );
  }
}

const talkWhole = (stage: Stage, client: Desk) =>
  new Promise<boolean>((resolve) => {
    talk(stage, client, client.inlets.service, 1, ({ outcome }) => resolve(outcome === 'whole'));
  });

/** Everything at once, on a small network: what happens is decided by the seed. */
export const scenario: Scenario = {
  name: 'mixed',
  keepBytes: true,
  invariants: [
    noPlaintext([SECRET]),
    noNonceTwice,
    everyMessageEnds,
    orderPerSender,
    oneOwner(),
    onlyAllowed(mayHandle),
    bytesOutPrefixOfBytesIn(ends),
    nothingLeft,
    backAfterFaults({ withinMs: BACK_MS, sign: ANSWERED }),
  ],
  play,
};
