import { everyone } from '../../identities/trust.ts';
import { randomFraction } from '../../runtime/random.ts';
import { route } from '../../runtime/route.ts';
import { via } from '../../runtime/way.ts';
import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { revocationWatch } from '../../workers/authority/revocation-watch.ts';
import { channelSession } from '../../workers/secure-channel/channel-session.ts';
import { fixedCredential } from '../../workers/secure-channel/credential-source.ts';
import { fromHolders } from '../../workers/secure-channel/local-info.ts';
import { secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { connectionSession } from '../../workers/session/connection-session.ts';
import { AuthorityWorld } from '../authority-world.ts';
import { type Row, Tally } from './row.ts';

/** A connected node has heard of a revocation by then. Source: decisions.md D6 */
const CONNECTED_MS = 1_000;
/** Once its way is back, one that was cut off has: the pauses of its network and of its sessions go before. */
const AFTER_CUT_MS = 8_000;
/** By so much a clock may be behind that of the authority: from one that is further behind no credential is taken. Source: reliability.md CR5 */
const TOLERANCE_SECONDS = 60;
/** An expiry closes what depended on it within this. Source: decisions.md D7 */
const EXPIRY_MS = 2_000;
const TICK_MS = 50;

/** `connected`: its way to the authority stands. `cut`: it falls away for a while. `off`: it never comes back. */
const CASES = ['connected', 'cut', 'cut', 'off'] as const;
type Case = (typeof CASES)[number];

/** What came of one seed; times in milliseconds. */
interface Run {
  readonly fault: string | undefined;
  readonly kind: Case;
  /** The longest time by which the last byte came after the removal, or since the way was back when that was later. */
  readonly lateMs: number;
  readonly delivered: number;
}

/**
 * A guard hears of revocations and lets members in; one of them sends a byte every 50 ms and comes again by itself. The authority
 * removes it at a random moment, while ways are cut and reset at others.
 */
async function run(seed: number): Promise<Run> {
  const random = seededRandom(seed);
  const between = (from: number, to: number) => Math.round(from + (to - from) * randomFraction(random));
  const kind = CASES[seed % CASES.length] ?? 'off';
  const lifeSeconds = kind === 'off' ? between(10, 40) : 3_600;
  // A clock that is far ahead takes no credential of a short life at all.
  const skewSeconds = kind === 'off' ? between(-TOLERANCE_SECONDS, lifeSeconds / 4) : 0;
  const world = await AuthorityWorld.make({ credentialLifeSeconds: lifeSeconds });
  const { authority, clock, network } = world;
  const [guard, bob] = [await world.party('guard', skewSeconds), await world.party('bob')];
  for (const { identity } of [guard, bob]) await authority.membership.add('host', identity.identifier, new Map());

  const toAuthority = via(connectionSession(guard.node, tcp(), 'authority:4000', { isNeeded: true }), 'api');
  const watch = await revocationWatch(guard.node, { identity: guard.identity, authority: authority.identifier, to: toAuthority });
  const on = await world.run(guard.node.listen(tcp(), '0.0.0.0:5000'));
  const channels = secureChannelListener(guard.node, 'api', {
    identity: guard.identity,
    trust: everyone,
    on,
    authorities: [authority.identifier],
    revocations: watch,
  });
  const arrivals: number[] = [];
  guard.node.start('inbox', { onMessage: () => void arrivals.push(clock.monotonicMs()) });
  guard.node.publish('inbox', { on: channels, allow: fromHolders(authority.identifier) });

  // Where only the revocation can stop it, it shows what it has for as long as it likes. Otherwise it renews for as long as it may.
  const retriever = world.retriever(bob);
  const credential = kind === 'off' ? retriever : fixedCredential((await world.run(retriever.retrieve()))!);
  const toGuard = via(connectionSession(bob.node, tcp(), 'guard:5000', { isNeeded: true }), 'api');
  const channel = channelSession(bob.node, toGuard, { identity: bob.identity, trust: everyone, credential, isNeeded: true });
  const tick = () => {
    if (channel.current !== undefined) void bob.node.send(route(channel.current, 'inbox'), Uint8Array.of(1));
    clock.setTimer(TICK_MS, tick);
  };
  tick();
  await world.pass(between(1_000, 3_000));

  let heardAtMs = Infinity;
  watch.onRevoked(() => (heardAtMs = clock.monotonicMs()));
  const startMs = clock.monotonicMs();
  const cut = { atMs: startMs + between(0, 3_000), ms: between(500, 8_000), isReset: between(0, 1) === 0 };
  const others = { connected: [], cut: ['authority', 'bob'], off: ['authority'] }[kind];
  clock.setTimer(kind === 'off' ? 0 : cut.atMs - startMs, () => {
    for (const other of others) {
      if (cut.isReset) network.reset('guard', other);
      network.partition('guard', other);
    }
  });
  if (kind === 'cut') clock.setTimer(cut.atMs - startMs + cut.ms, () => network.heal());
  // Whoever it is, it comes again a few times.
  for (let count = between(0, 4); count > 0; count--) clock.setTimer(between(0, 9_000), () => network.reset('guard', 'bob'));
  await world.pass(between(10, 6_000));
  await world.run(authority.membership.remove('host', bob.identity.identifier));
  const removedAtMs = clock.monotonicMs();
  await world.pass(kind === 'off' ? (lifeSeconds + TOLERANCE_SECONDS) * 1_000 + 20_000 : 25_000);

  const backAtMs = cut.atMs + cut.ms;
  const isCutOff = kind === 'cut' && removedAtMs < backAtMs + AFTER_CUT_MS && removedAtMs > cut.atMs - CONNECTED_MS;
  const fromMs = isCutOff ? Math.max(removedAtMs, backAtMs) : removedAtMs;
  // By its own clock, which is so much ahead, the guard takes no credential any longer than its life.
  const offMs = (lifeSeconds - skewSeconds) * 1_000 + EXPIRY_MS;
  const boundMs = kind === 'off' ? offMs : isCutOff ? AFTER_CUT_MS : CONNECTED_MS;
  const lastMs = arrivals.at(-1) ?? 0;
  const facts = JSON.stringify({ seed, kind, cut, lifeSeconds, skewSeconds, removedAtMs, heardAtMs, lastMs, boundMs });
  const isHeard = kind === 'off' || heardAtMs <= fromMs + boundMs;
  const fault = !isHeard
    ? `heard too late: ${facts}`
    : lastMs > Math.min(heardAtMs, fromMs + boundMs)
      ? `delivered too late: ${facts}`
      : kind === 'off' && heardAtMs < Infinity
        ? `it was not cut off: ${facts}`
        : undefined;
  await world.run(watch.close());
  retriever.close();
  await world.run(Promise.all([guard.node.stop(), bob.node.stop()]));
  return { fault, kind: kind === 'cut' && !isCutOff ? 'connected' : kind, lateMs: lastMs - fromMs, delivered: arrivals.length };
}

const races: Row = {
  id: 'R-D6',
  about:
    'revocations race with reconnects: no byte 1 s after one at a connected node, nor 8 s after the way of one that was cut is back, nor at one that stays cut off beyond credential life and clock tolerance',
  full: 400,
  run: async ({ count, seed }) => {
    const tally = new Tally();
    const worst: Record<Case, number> = { connected: 0, cut: 0, off: 0 };
    const counts: Record<Case, number> = { connected: 0, cut: 0, off: 0 };
    for (let index = 0; index < count; index++)
      await tally.trial(async () => {
        const { fault, kind, lateMs, delivered } = await run(seed + index);
        worst[kind] = Math.max(worst[kind], lateMs);
        counts[kind] += 1;
        return fault ?? (delivered < 10 ? `seed ${seed + index} delivered ${delivered} bytes in all, so it shows nothing` : undefined);
      });
    const figures = `last byte ${worst.connected} ms after it (${counts.connected} seeds), ${worst.cut} ms after the way was back (${counts.cut}), ${worst.off} ms after it at one cut off (${counts.off})`;
    return { worst: figures, ...tally.result };
  },
};

/** What is taken back, of reliability.md 4.4. */
export const rows: readonly Row[] = [races];
