// A private database, a relay between, and no dialling into either network: a transaction while the relay crashes and returns.
// It runs in a simulation and, as it is, with real processes.
import {
  channelSession,
  connectionSession,
  fromPeers,
  type Identifier,
  inlet,
  onlyPeer,
  outlet,
  relaySession,
  secureChannelListener,
  tcp,
  via,
  whenThere,
} from 'postern';
import {
  type AnyWorld,
  everyMessageEnds,
  type Home,
  noNonceTwice,
  noPlaintext,
  nothingLeft,
  oneOwner,
  orderPerSender,
  program,
  type Scenario,
} from 'postern/simulation';
import { database, stateOf, transfer } from './database.ts';
import { identityFrom, type Keys, provision, provisionedRelay } from './parts.ts';

const TRANSACTIONS = 20;

/** The bank's database, of which others see nothing. */
export const vault = program(import.meta.url, 'vault', database);

interface BankSettings {
  readonly keys: Keys;
  readonly relay: Identifier;
  readonly analysis: Identifier;
}

/** Lets the analysts reach the database, by way of the relay. */
export const bank = program(import.meta.url, 'bank', async (home: Home<BankSettings>) => {
  const { node, settings } = home;
  const identity = await identityFrom(home, settings.keys);
  const toRelay = connectionSession(node, tcp(), 'relay:4000');
  const registrar = channelSession(node, via(toRelay, 'api'), { identity, trust: onlyPeer(settings.relay) });
  const registered = relaySession(node, registrar, { name: 'bank' });
  const channels = secureChannelListener(node, 'secure', { identity, trust: onlyPeer(settings.analysis), on: registrar });
  outlet(node, { target: 'vault:5432', on: channels, allow: fromPeers(settings.analysis) });
  await whenThere(registered);
});

interface AnalysisSettings {
  readonly keys: Keys;
  readonly bank: Identifier;
}

/** Moves money, one transaction after the other, and notes each. */
export const analysis = program(import.meta.url, 'analysis', async (home: Home<AnalysisSettings>) => {
  const { node, settings } = home;
  const identity = await identityFrom(home, settings.keys);
  const through = connectionSession(node, tcp(), 'relay:4000');
  const toBank = channelSession(node, via(through, 'forward_to_bank', 'secure'), { identity, trust: onlyPeer(settings.bank) });
  const { local } = await inlet(node, { listen: '127.0.0.1:5432', outlet: via(toBank, 'outlet'), allow: fromPeers(settings.bank) });
  await whenThere(toBank);
  const work = async () => {
    for (let count = 1; count <= TRANSACTIONS; count++) {
      const tries = await transfer(home, local, `t${count}`, { alice: `${100 - count}`, bob: `${100 + count}` });
      home.note(`t${count} is done, after ${tries} ${tries === 1 ? 'try' : 'tries'}`);
    }
  };
  void work();
});

/** Dials out, and cannot be dialled. */
const inPrivate = { host: { isBehindNat: true } };
/** The two wires that no stranger can touch. */
const isPrivate = (from: string, to: string) => [from, to].includes('vault');

const isDone = ({ trace }: AnyWorld, id: string) =>
  trace.events.some((event) => event.kind === 'note' && event.text.startsWith(`${id} is done`));

async function play(world: AnyWorld): Promise<void> {
  const [forRelay, forBank, forAnalysis] = [await provision(world), await provision(world), await provision(world)];
  const relay = world.node('relay', provisionedRelay, { settings: { keys: forRelay.keys } });
  const safe = world.node('vault', vault);
  for (const stranger of ['relay', 'analysis']) world.partition(safe, stranger);
  const known = { relay: forRelay.identifier, analysis: forAnalysis.identifier };
  const atBank = world.node('bank', bank, { ...inPrivate, settings: { keys: forBank.keys, ...known } });
  await Promise.all([relay.ready, safe.ready, atBank.ready]);
  world.node('analysis', analysis, { ...inPrivate, settings: { keys: forAnalysis.keys, bank: forBank.identifier } });

  for (let count = 1; count <= TRANSACTIONS; count++) {
    if (count === 5) world.crash(relay);
    if (count === 5) void world.pass('1s').then(() => world.restart(relay));
    await world.until(() => isDone(world, `t${count}`));
    const { alice, bob } = stateOf(safe.storage).values;
    if (Number(alice) + Number(bob) !== 200) throw new Error(`half a transaction: ${String(alice)} and ${String(bob)}`);
  }
}

export const scenario = {
  name: 'company',
  keepBytes: true,
  invariants: [noPlaintext(['alice'], { isPrivate }), noNonceTwice, everyMessageEnds, orderPerSender, oneOwner(), nothingLeft],
  play,
} satisfies Scenario;
