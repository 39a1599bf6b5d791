import { expect, test } from 'vitest';
import { route } from '../../runtime/route.ts';
import { tableOf } from '../page-table.ts';
import { TrustWorld } from '../trust-world.ts';

const SKEWS = [-3_600, -1_800, -600, -300, -61, -60, 0, 60, 61, 300, 600, 1_800, 3_600];
const LIFE_SECONDS = 3_600;
/** What the log says when something was refused for its time, and what is left then. */
const REFUSALS: Readonly<Record<string, string>> = {
  'channel.peer.refused': 'no channel',
  'channel.credential.refused': 'no credential',
  'subject.credential.expired': 'no credential',
};

interface Outcome {
  readonly outcome: string;
  /** Who found it, and the code; `-` when nothing was refused. */
  readonly by: string;
  readonly code: string;
}

/**
 * A client with a new credential of an authority whose clock is right opens a channel and uses an echo behind the default policy,
 * while the clock of one side is wrong. Keys are made at once, or were made two hours before the clock went wrong.
 */
async function outcomeOf(keys: string, side: 'client' | 'server', seconds: number): Promise<Outcome> {
  const world = await TrustWorld.make(keys === 'new' ? { skews: { [side]: seconds } } : {});
  if (keys === 'old') {
    await world.issue({});
    await world.run((await world.open()).close());
    await world.pass(2 * 3_600_000);
    world[side].skew.seconds = seconds;
  }
  for (const { lines } of [world.client, world.server]) lines.length = 0;
  let thrown: unknown;
  const credential = await world.issue({}, { lifeSeconds: LIFE_SECONDS });
  const channel = await world.open(credential).catch((cause: unknown) => void (thrown = cause));
  const asked = channel && world.client.node.request(route(channel.route, 'echo'), Uint8Array.of(1), { timeoutMs: 100 });
  const isAllowed = asked !== undefined && (await world.run(asked.catch(() => undefined))) !== undefined;
  const sides = [['client', world.client.lines] as const, ['server', world.server.lines] as const];
  const refusals = sides.flatMap(([by, lines]) => lines.filter(({ event }) => event in REFUSALS).map((line) => ({ by, ...line })));
  await world.stop();
  if (isAllowed) {
    expect(refusals).toEqual([]);
    return { outcome: 'allowed', by: '-', code: '-' };
  }
  expect(refusals.length).toBe(1);
  const { by, event, fields } = refusals[0]!;
  const text = String(fields['reason']);
  // A credential that is refused for its end tells how long that is past: the skew, less its life.
  const told = fields['code'] === 'CREDENTIAL_EXPIRED' ? seconds - LIFE_SECONDS : Math.abs(seconds);
  expect(text).toMatch(new RegExp(` ${told} s (ahead of|ago by) the clock of this machine: .*compare both clocks\\.`));
  if (by === 'client') expect((thrown as Error).message).toContain(text);
  return { outcome: REFUSALS[event]!, by, code: String(fields['code']) };
}

/** One line of the page for each skew. */
const listed = tableOf('policies.md', 'When clocks differ').flatMap(
  ([keys = '', side = '', skews = '', outcome = '', by = '', code = '']) =>
    skews.split(',').map((text) => ({ keys, side: side as 'client' | 'server', seconds: Number(text.trim()), outcome, by, code })),
);

test('docs/policies.md has every one of 13 skews on either side, for new keys and for old ones', () => {
  const cells = ['new', 'old'].flatMap((keys) =>
    ['client', 'server'].flatMap((side) => SKEWS.map((seconds) => `${keys} ${side} ${seconds}`)),
  );
  expect(listed.map(({ keys, side, seconds }) => `${keys} ${side} ${seconds}`).sort()).toEqual(cells.sort());
});

test.each(listed)('$keys keys, the clock of the $side is wrong by $seconds s: $outcome', async ({ keys, side, seconds, ...expected }) => {
  expect(await outcomeOf(keys, side, seconds)).toEqual(expected);
});
