import { inspect } from 'node:util';
import type { VaultError } from '../../identities/errors.ts';
import { createIdentity, type Identity, type Presentation } from '../../identities/identity.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { attestPurposeKey, decodePurposeKeyAttestation, encodePurposeKeyAttestation } from '../../identities/purpose-key.ts';
import { MemoryIdentityRepository } from '../../identities/repository.ts';
import { onlyPeer } from '../../identities/trust.ts';
import { SoftwareVault } from '../../identities/vault.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { hex, type Random } from '../../runtime/random.ts';
import { route } from '../../runtime/route.ts';
import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { decodeIdentityAndCredentials } from '../../workers/secure-channel/channel-message.ts';
import { channelSession } from '../../workers/secure-channel/channel-session.ts';
import { FrameOpener } from '../../workers/secure-channel/frame-opener.ts';
import { FrameSealer } from '../../workers/secure-channel/frame-sealer.ts';
import { HandshakeTable } from '../../workers/secure-channel/handshake-table.ts';
import { InitiatorHandshake } from '../../workers/secure-channel/handshake.ts';
import { secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { ChannelWorld, withPayload } from '../channel-world.ts';
import { codeOf, inTurn, type Row, Tally } from './row.ts';

/** What an identity shows in handshakes is replaced: a peer that lies. */
type Shown = Awaited<ReturnType<Identity['present']>>;
function shows(identity: Identity, change: (honest: Shown) => Shown | Promise<Shown>): Identity {
  const honest = identity.present.bind(identity);
  identity.present = async (credentials) => change(await honest(credentials));
  return identity;
}

/** Someone whose vault is at hand, so that it can attest any key as its own. */
async function attester(world: ChannelWorld, seed: number) {
  const random = seededRandom(seed);
  const vault = new SoftwareVault(nodeCrypto, random);
  const identity = await createIdentity({ clock: world.clock, random, vault });
  const attest = async (publicKey: Uint8Array) => {
    const history = await identity.history();
    const key = { purpose: 'secure-channel', publicKey } as const;
    return encodePurposeKeyAttestation(await attestPurposeKey(nodeCrypto, vault, history, key, world.clock.wallSeconds()));
  };
  return { identity, attest };
}

/** @returns the code of the refusal, or who is at the other end */
const outcome = (opening: Promise<{ readonly peer: string }>) => opening.then(({ peer }) => peer, codeOf);

const misbinding: Row = {
  id: 'CH20',
  about: 'a static key that the peer’s identity did not attest, or that it attested though another holds it: refused',
  full: 40,
  run: ({ count, seed }) =>
    inTurn(count, async (index) => {
      const world = await ChannelWorld.make({ seed: seed + index });
      const victim = await world.identity();
      const ofVictim = await victim.present();
      const { identity: mallory, attest } = await attester(world, seed + 500 + index);
      const attested = await attest(ofVictim.key.publicKey);
      if (index % 2 === 0) shows(mallory, (honest) => ({ ...honest, purposeKeyAttestation: attested }));
      else shows(mallory, (honest) => ({ ...ofVictim, key: honest.key }));
      const opened = await outcome(world.open({ identity: mallory }));
      await world.pass(100);
      const taken = world.channels.channels.size;
      // The same lie at the responding end.
      const present = mallory.present.bind(mallory);
      shows(world.bob, () => present());
      const answered = await outcome(world.open());
      await world.stop();
      if (taken > 0) return `the listener took ${opened}`;
      return answered === 'PURPOSE_KEY_MISMATCH' ? undefined : `the initiator came to ${answered}`;
    }),
};

const impersonation: Row = {
  id: 'CH21',
  about: 'who has stolen Alice’s static key answers her as himself at most, never as Bob',
  full: 20,
  run: ({ count, seed }) =>
    inTurn(count, async (index) => {
      const world = await ChannelWorld.make({ seed: seed + index });
      const stolen = await world.alice.present();
      const { identity: thief, attest } = await attester(world, seed + 500 + index);
      const attested = await attest(stolen.key.publicKey);
      const ofBob = await world.bob.present();
      shows(thief, (honest) => ({ ...honest, purposeKeyAttestation: attested, key: stolen.key }));
      const asThief = await thief.present();
      shows(world.bob, () => asThief);
      const seen = await outcome(world.open());
      const wanted = await outcome(world.open({ trust: onlyPeer(world.bob.identifier) }));
      shows(world.bob, () => ({ ...ofBob, key: stolen.key }));
      const asBob = await outcome(world.open());
      await world.stop();
      if (seen !== thief.identifier) return `Alice sees ${seen}`;
      if (wanted !== 'TRUST_REFUSED') return `Alice, who wants Bob, comes to ${wanted}`;
      return asBob === 'PURPOSE_KEY_MISMATCH' ? undefined : `with Bob's papers the thief comes to ${asBob}`;
    }),
};

/** A repository that counts what is stored. */
class CountingRepository extends MemoryIdentityRepository {
  histories = 0;
  attributeSets = 0;

  override storeHistory(...given: Parameters<MemoryIdentityRepository['storeHistory']>) {
    this.histories += 1;
    return super.storeHistory(...given);
  }

  override storeAttributes(...given: Parameters<MemoryIdentityRepository['storeAttributes']>) {
    this.attributeSets += 1;
    return super.storeAttributes(...given);
  }
}

async function countingIdentity(world: ChannelWorld, seed: number) {
  const repository = new CountingRepository();
  const identity = await createIdentity({ clock: world.clock, random: seededRandom(seed), repository });
  await identity.present();
  const { histories } = repository;
  return { identity, repository, stored: () => repository.histories - histories + repository.attributeSets };
}

const EARLY_BYTES = 60_000;

const earlyData: Row = {
  id: 'CH24',
  about: 'a message 1 with 60 KB behind the key, and a message 2 of valid keys and an invalid identity: nothing is stored, no session',
  full: 40,
  run: ({ count, seed }) =>
    inTurn(count, async (index) => {
      const world = await ChannelWorld.make({ seed: seed + index });
      const { identity, stored } = await countingIdentity(world, seed + 500 + index);
      if (index % 2 === 0) {
        world.relay.meddle = (message, direction, at) =>
          direction === 'there' && at === 0 ? [withPayload(message, concat(message.payload, new Uint8Array(EARLY_BYTES)))] : [message];
      } else {
        shows(world.bob, (honest) => {
          const changeHistory = honest.changeHistory.slice();
          changeHistory[changeHistory.length - 1 - (index % 60)]! ^= 1;
          return { ...honest, changeHistory };
        });
      }
      const opened = await outcome(world.open({ identity, handshakeTimeoutMs: 500 }));
      const channels = world.channels.channels.size;
      await world.stop();
      if (opened.startsWith('I') || channels > 0) return `opened: ${opened}`;
      return stored() === 0 ? undefined : `${stored()} records were stored`;
    }),
};

const strangers: Row = {
  id: 'CH25',
  about: 'handshakes with fresh identities that policy refuses: nothing of them is stored or left',
  full: 10_000,
  run: async ({ count, seed }) => {
    const world = await ChannelWorld.make({ seed });
    const { identity, stored } = await countingIdentity(world, seed + 1);
    const nobody = { authorities: [], accepts: () => false };
    const closed = secureChannelListener(world.far, 'closed', { identity, trust: nobody, on: world.farListener });
    const before = world.far.addresses.length;
    const way = route(world.way.withoutLast, 'closed');
    const result = await inTurn(count, async (index) => {
      const channel = await world.open({ identity: await world.identity() }, way);
      await world.clock.runUntil(channel.close());
      if (index % 100 !== 99 && index !== count - 1) return undefined;
      await world.pass(50);
      const left = world.far.addresses.length - before + HandshakeTable.of(world.far).count + closed.channels.size;
      if (left > 0) return `${left} things are left`;
      return stored() === 0 ? undefined : `${stored()} records were stored`;
    });
    await world.stop();
    return result;
  },
};

const ATTACKERS = 20;
const HONEST_EVERY = 100;
const HALF_MADE_MAX = 1_024;

/** Source: reliability.md CH29, R-E4 */
async function halfMade({ count, seed }: { count: number; seed: number }) {
  const world = await ChannelWorld.make({ seed });
  const random = seededRandom(seed);
  const table = HandshakeTable.of(world.far);
  const before = world.far.addresses.length;
  const connections = [];
  for (let made = 0; made < ATTACKERS; made++) connections.push(await world.clock.runUntil(world.near.connect(tcp(), 'far:4000')));
  const addresses = world.far.addresses.length;
  const tally = new Tally();
  let aliveMost = 0;
  let honest = 0;
  let honestServed = 0;
  for (let index = 0; index < count; index++) {
    const by = connections[index % ATTACKERS];
    if (by !== undefined) void world.near.send(route(by, 'api'), random.bytes(32));
    if (index % 10 === 9) await world.pass(3);
    aliveMost = Math.max(aliveMost, table.count, (world.far.addresses.length - addresses) / 3);
    if (index % HONEST_EVERY === HONEST_EVERY - 1) {
      honest += 1;
      const channel = await world.open({ handshakeTimeoutMs: 2_000 }).catch(() => undefined);
      if (channel !== undefined && (await world.echoes(channel))) honestServed += 1;
      await world.clock.runUntil(Promise.resolve(channel?.close()));
    }
    tally.add(aliveMost <= HALF_MADE_MAX + 1 ? undefined : `${aliveMost} half-made handshakes alive`);
  }
  tally.measured(aliveMost, 'half-made handshakes alive');
  await world.pass(15_000);
  const left = table.count + world.far.addresses.length - addresses;
  const after = await world.open();
  const answersAfter = await world.echoes(after);
  await world.stop();
  const { result } = tally;
  const fault =
    left > 0
      ? `${left} are left after 15 s`
      : honestServed < honest * 0.99
        ? `${honestServed} of ${honest} honest peers got in`
        : answersAfter && before > 0
          ? undefined
          : 'no honest peer gets in afterwards';
  return fault === undefined ? result : { ...result, passed: 0, worst: fault };
}

const pilingUp: Row = {
  id: 'CH29',
  about: 'first messages without a third: 1,024 alive at most, all gone 15 s later, honest peers served meanwhile (R-E4)',
  full: 10_000,
  run: halfMade,
};

const scanned: Row = {
  id: 'CH30',
  about: 'what a stranger learns from message 2 is what docs/protocol.md lists: history, channel key, the credential that was configured',
  full: 20,
  run: ({ count, seed }) =>
    inTurn(count, async (index) => {
      const world = await ChannelWorld.make({ seed: seed + index });
      const scanner = new InitiatorHandshake({
        crypto: nodeCrypto,
        random: seededRandom(seed + index),
        staticKey: nodeCrypto.importX25519(seededRandom(seed + index + 1).bytes(32)),
      });
      const asked = world.near.request(world.way, scanner.writeMessage1(), { timeoutMs: 1_000 });
      const answer = await world.clock.runUntil(asked);
      const payload = scanner.readMessage2(answer.payload);
      const shown: Presentation = decodeIdentityAndCredentials(payload);
      const history = await world.bob.exportHistory();
      const attestation = decodePurposeKeyAttestation(shown.purposeKeyAttestation);
      const known = concat(Uint8Array.of(0x83), history, shown.purposeKeyAttestation, Uint8Array.of(0x80));
      await world.stop();
      if (hex(payload) !== hex(known)) return 'message 2 holds more than history and attestation';
      if (attestation.subject !== world.bob.identifier || attestation.key.purpose !== 'secure-channel') return 'another attestation';
      return hex(attestation.key.publicKey) === hex(scanner.remoteStaticKey ?? new Uint8Array(0)) ? undefined : 'another key';
    }),
};

/** Gives bytes as another source does, and remembers what may have become a secret. */
class RememberingRandom implements Random {
  readonly secrets: Uint8Array[];
  readonly #source: Random;

  constructor(source: Random, secrets: Uint8Array[]) {
    this.#source = source;
    this.secrets = secrets;
  }

  bytes(count: number): Uint8Array {
    const bytes = this.#source.bytes(count);
    if (count >= 32) this.secrets.push(bytes.slice());
    return bytes;
  }
}

/** The ways in which bytes show up in texts: hex, base64, a list as `inspect` prints it, an object as JSON has it. */
function formsOf(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  const listed = [...buffer.subarray(0, 8)];
  const pairs = listed.map((byte) => byte.toString(16).padStart(2, '0'));
  const asObject = JSON.stringify(Object.fromEntries(listed.entries())).slice(0, -1);
  return [
    buffer.toString('hex').slice(0, 32),
    buffer.toString('base64').slice(0, 20),
    listed.join(', '),
    listed.join(','),
    pairs.join(' '),
    asObject,
  ];
}

const LOOKS: readonly ((value: unknown) => string)[] = [
  (value) => inspect(value, { depth: 12, showHidden: true, maxArrayLength: null }),
  (value) => JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)),
  (value) => String(value),
  (value) => inspect((value as { stack?: unknown }).stack ?? value),
];

async function objectsWithSecrets(seed: number) {
  const secrets: Uint8Array[] = [];
  const world = await ChannelWorld.make({ seed });
  const random = new RememberingRandom(seededRandom(seed + 99), secrets);
  const crypto: typeof nodeCrypto = {
    ...nodeCrypto,
    hkdfSha256: (salt, input, pieceCount) => {
      const pieces = nodeCrypto.hkdfSha256(salt, input, pieceCount);
      secrets.push(...pieces.map((piece) => piece.slice()));
      return pieces;
    },
    importAes256Gcm: (key) => {
      secrets.push(key.slice());
      return nodeCrypto.importAes256Gcm(key);
    },
  };
  const vault = new SoftwareVault(crypto, random);
  const identity = await createIdentity({ clock: world.clock, random, crypto, vault });
  const shown = await identity.present();
  const channel = await world.open({ identity });
  await world.echoes(channel);
  const session = channelSession(world.near, world.way, { identity, trust: onlyPeer(world.bob.identifier) });
  await world.until(() => session.state === 'up', 5_000);
  const key = random.bytes(32);
  const aead = crypto.importAes256Gcm(key);
  const handshake = new InitiatorHandshake({ crypto, random, staticKey: shown.key });
  handshake.writeMessage1();
  const errors: unknown[] = [];
  const failing = [
    () => new FrameOpener(crypto, aead).open(new Uint8Array(40)),
    () => handshake.readMessage2(new Uint8Array(96)),
    () => handshake.finish(),
    () => shown.key.diffieHellman(new Uint8Array(32)),
    () => aead.open(new Uint8Array(12), new Uint8Array(20)) as unknown as VaultError,
  ];
  for (const fails of failing) {
    try {
      fails();
    } catch (thrown) {
      errors.push(thrown);
    }
  }
  const secret = await vault.exportSecret(shown.key.publicKey);
  const [ofBob] = [...world.channels.channels];
  const objects: Record<string, unknown> = {
    identity,
    vault,
    secret,
    'x25519 key': shown.key,
    presentation: shown,
    'aead key': aead,
    channel,
    'channel of the listener': ofBob,
    listener: world.channels,
    session,
    'session status': session.status,
    sealer: new FrameSealer(crypto, aead),
    opener: new FrameOpener(crypto, aead),
    handshake,
    'ed25519 key': crypto.importEd25519(random.bytes(32)),
    connection: world.toMid,
    ...Object.fromEntries(errors.map((error, index) => [`error ${index}`, error])),
  };
  return { world, objects, secrets, errors };
}

const OBJECTS = 21;

const looks: Row = {
  id: 'CH31',
  about: 'inspect, JSON, String and stack of every object the library returns: no bytes of any key',
  full: OBJECTS * LOOKS.length,
  run: async ({ count, seed }) => {
    const { world, objects, secrets } = await objectsWithSecrets(seed);
    const forms = secrets.flatMap(formsOf);
    const names = Object.keys(objects);
    const result = await inTurn(count, async (index) => {
      const name = names[Math.floor(index / LOOKS.length)];
      const look = LOOKS[index % LOOKS.length];
      if (name === undefined || look === undefined) return 'no such object';
      if (secrets.length < 12) return `only ${secrets.length} secrets were made`;
      const text = look(objects[name]);
      const leaked = forms.findIndex((form) => text.includes(form));
      return leaked < 0 ? undefined : `${name}: ${forms[leaked]}`;
    });
    await world.stop();
    return result;
  },
};

/** Channels, of reliability.md 2.4: what a peer may be, may claim and may learn. */
export const rows: readonly Row[] = [misbinding, impersonation, earlyData, strangers, pilingUp, scanned, looks];
