import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../runtime/clock.ts';
import { hex } from '../runtime/random.ts';
import { exportChangeHistory, importChangeHistory } from './change-history.ts';
import { decodeCredential } from './credential.ts';
import { createIdentity, openIdentity, type Identity } from './identity.ts';
import { nobleCrypto } from './noble.ts';
import { nodeCrypto } from './node-crypto.ts';
import { encodePurposeKeyAttestation } from './purpose-key.ts';
import { MemoryIdentityRepository } from './repository.ts';
import { Secret } from './secret.ts';
import { everyone, holdsCredential, onlyPeer } from './trust.ts';
import { MemoryKeyStore, SoftwareVault } from './vault.ts';

const DAY = 86_400;
const START = 1_700_000_000;

/** A wall clock that is set by hand; identities ask for nothing else. */
class WallClock implements Clock {
  seconds = START;
  monotonicMs = () => 0;
  wallSeconds = () => this.seconds;
  setTimer = () => ({ cancel: () => undefined });
  yield = () => undefined;
}

/** A world of identities with one clock; bytes come from a counter through SHA-256, so every run is the same. */
function world() {
  const clock = new WallClock();
  let drawn = 0;
  const random = { bytes: (count: number) => nodeCrypto.sha256(Uint8Array.of(++drawn & 0xff, drawn >> 8)).slice(0, count) };
  return { clock, random, create: (options = {}) => createIdentity({ clock, random, ...options }) };
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fulfilled',
    (error: unknown) => (error as { code: string }).code,
  );

/** What `from` shows, and what `to` decides. */
async function handshake(from: Identity, to: Identity, options: Parameters<Identity['verifyPeer']>[2], credentials: Uint8Array[] = []) {
  const presented = await from.present(credentials);
  return to.verifyPeer(presented, presented.key.publicKey, options);
}

describe('one identity', () => {
  test('is the same to everyone who imports its history, and with either provider', async () => {
    const { create } = world();
    const alice = await create();
    const bytes = await alice.exportHistory();
    expect(bytes).toHaveLength(128);
    for (const crypto of [nodeCrypto, nobleCrypto]) expect(importChangeHistory(crypto, bytes).identifier).toBe(alice.identifier);
    expect(await (await create({ keyKind: 'p256' })).exportHistory()).toHaveLength(161);
  });

  test('keeps its identifier when it rotates, deletes the old key and makes a new channel key', async () => {
    const { create, clock, random } = world();
    const vault = new SoftwareVault(nodeCrypto, random);
    const alice = await create({ vault });
    const before = await alice.secureChannelKey();
    const { latest } = await alice.history();
    clock.seconds += 10;
    expect(await alice.rotate({ keyKind: 'p256' })).toBe(true);
    const history = importChangeHistory(nodeCrypto, await alice.exportHistory(), alice.identifier);
    expect(history.changes).toHaveLength(2);
    expect(history.latest.attestationsValidFrom).toBe(START + 10);
    expect(await vault.hasSigningKey(latest.primaryKey)).toBe(false);
    expect(await codeOf(vault.sign(latest.primaryKey, new Uint8Array(32)))).toBe('KEY_NOT_FOUND');
    const after = await alice.secureChannelKey();
    expect(hex(after.key.publicKey)).not.toBe(hex(before.key.publicKey));
    expect(await codeOf(alice.verifyAttestation(before.attestation))).toBe('PURPOSE_KEY_INVALID');
    expect(await codeOf(alice.verifyAttestation(after.attestation))).toBe('fulfilled');
  });

  test('rotates at most 63 times, also when the clock goes back, and a refused rotation leaves no key behind', async () => {
    const { create, clock, random } = world();
    const store = new CountingStore();
    const alice = await create({ vault: new SoftwareVault(nodeCrypto, random, store) });
    clock.seconds -= DAY;
    for (let turn = 1; turn < 64; turn++) await alice.rotate();
    expect((await alice.history()).changes).toHaveLength(64);
    const last = await alice.exportHistory();
    expect(await codeOf(alice.rotate())).toBe('HISTORY_TOO_LONG');
    expect(await alice.exportHistory()).toEqual(last);
    expect(store.count).toBe(1);
  });

  test('two rotations at once: one stands, the other is a conflict', async () => {
    const alice = await world().create();
    const outcomes = await Promise.all([codeOf(alice.rotate()), codeOf(alice.rotate())]);
    expect(outcomes.sort()).toEqual(['HISTORY_CONFLICT', 'fulfilled']);
    expect((await alice.history()).changes).toHaveLength(2);
    expect(await codeOf(alice.rotate())).toBe('fulfilled');
  });

  test('makes a new channel key once the clock that dated the old one ahead is right again', async () => {
    const { clock, create } = world();
    const [alice, bob] = [await create(), await create()];
    clock.seconds = START + DAY;
    await alice.present();
    clock.seconds = START + 30;
    const { identifier } = await handshake(alice, bob, { trust: everyone });
    expect(identifier).toBe(alice.identifier);
  });

  test('keeps its channel key until it expires, over a restart too', async () => {
    const { create, clock, random } = world();
    const [vault, repository] = [new SoftwareVault(nodeCrypto, random), new MemoryIdentityRepository()];
    const alice = await create({ vault, repository });
    const first = await alice.secureChannelKey();
    clock.seconds += 365 * DAY;
    const restarted = await openIdentity(await alice.exportHistory(), { clock, random, vault, repository });
    expect(await restarted.secureChannelKey()).toMatchObject({ attestation: first.attestation });
    clock.seconds = START + 5 * 365 * DAY + 1;
    const second = await restarted.secureChannelKey();
    expect(second.key.publicKey).not.toEqual(first.key.publicKey);
    expect(await codeOf(alice.verifyAttestation(second.attestation))).toBe('fulfilled');
  });

  test('with less than five years left makes purpose keys that end with its window, and none after it', async () => {
    const { create, clock } = world();
    const alice = await create({ lifeSeconds: 100 });
    const { attestation } = await alice.secureChannelKey();
    expect((await alice.verifyAttestation(attestation)).expiresAt).toBe(START + 100);
    clock.seconds += 101;
    expect(await codeOf(alice.secureChannelKey())).toBe('PURPOSE_KEY_EXPIRED');
    await alice.rotate();
    expect(await codeOf(alice.secureChannelKey())).toBe('fulfilled');
  });

  test('is taken up again only with its own key, and never from an older history', async () => {
    const { create, clock, random } = world();
    const [vault, repository] = [new SoftwareVault(nodeCrypto, random), new MemoryIdentityRepository()];
    const alice = await create({ vault, repository });
    const old = await alice.exportHistory();
    const stranger = new SoftwareVault(nodeCrypto, random);
    expect(await codeOf(openIdentity(old, { clock, random, vault: stranger }))).toBe('SECRET_MISMATCH');
    const copy = new SoftwareVault(nodeCrypto, random);
    await copy.importSigningKey(await vault.exportSecret((await alice.history()).latest.primaryKey.bytes));
    await alice.rotate();
    expect(await codeOf(openIdentity(old, { clock, random, vault: copy, repository }))).toBe('HISTORY_OLDER');
    expect((await openIdentity(await alice.exportHistory(), { clock, random, vault, repository })).identifier).toBe(alice.identifier);
  });
});

describe('two identities', () => {
  test('each knows the other after a handshake', async () => {
    const { create } = world();
    const [alice, bob] = [await create(), await create({ keyKind: 'p256' })];
    expect(await handshake(alice, bob, { trust: everyone })).toMatchObject({ identifier: alice.identifier, refusals: [] });
    expect(await codeOf(bob.issueCredential(alice.identifier, {}, { lifeSeconds: 60 }))).toBe('fulfilled');
    expect(await codeOf(alice.issueCredential(bob.identifier, {}, { lifeSeconds: 60 }))).toBe('HISTORY_UNKNOWN');
  });

  test('a credential for somebody who is known by the identifier alone holds, and names no change', async () => {
    const { create } = world();
    const [alice, bob] = [await create(), await create()];
    const bytes = await alice.issueCredential(bob.identifier, { city: 'Oslo' }, { lifeSeconds: 60, needsHistory: false });
    await bob.importHistory(await alice.exportHistory());
    const { subject, attributes } = await bob.verifyCredential(bytes, [alice.identifier], bob.identifier);
    expect(subject).toBe(bob.identifier);
    expect(attributes).toEqual(new Map([['city', 'Oslo']]));
  });

  test('a peer that the policy refuses leaves nothing behind', async () => {
    const { create } = world();
    const repository = new MemoryIdentityRepository();
    const [alice, bob, carol] = [await create(), await create({ repository }), await create()];
    expect(await codeOf(handshake(alice, bob, { trust: onlyPeer(carol.identifier) }))).toBe('TRUST_REFUSED');
    expect(await repository.history(alice.identifier)).toBeUndefined();
  });

  test('an attested key of someone else, or for another purpose, opens no channel', async () => {
    const { create } = world();
    const [alice, bob, mallory] = [await create(), await create(), await create()];
    const hers = await alice.present();
    const his = await mallory.present();
    expect(await codeOf(bob.verifyPeer(hers, his.key.publicKey, { trust: everyone }))).toBe('PURPOSE_KEY_MISMATCH');
    const mixed = { ...hers, purposeKeyAttestation: his.purposeKeyAttestation };
    expect(await codeOf(bob.verifyPeer(mixed, his.key.publicKey, { trust: everyone }))).toBe('PURPOSE_KEY_INVALID');
    await alice.importHistory(await bob.exportHistory());
    const credential = decodeCredential(await alice.issueCredential(bob.identifier, {}, { lifeSeconds: 60 }));
    const forCredentials = { ...hers, purposeKeyAttestation: encodePurposeKeyAttestation(credential.issuerKey) };
    expect(await codeOf(bob.verifyPeer(forCredentials, hers.key.publicKey, { trust: everyone }))).toBe('PURPOSE_KEY_PURPOSE');
  });

  test('who rotated is refused with the old copy and welcome with the new one', async () => {
    const { create } = world();
    const [alice, bob] = [await create(), await create()];
    const old = await alice.present();
    await alice.rotate();
    await handshake(alice, bob, { trust: everyone });
    for (const trust of [everyone, onlyPeer(bob.identifier)])
      expect(await codeOf(bob.verifyPeer(old, old.key.publicKey, { trust }))).toBe('HISTORY_OLDER');
    await handshake(alice, bob, { trust: everyone });
  });

  test('revocation reaches keys attested before it and no others', async () => {
    const { create } = world();
    const [alice, bob] = [await create(), await create()];
    const underFirst = (await handshake(alice, bob, { trust: everyone })).history.latest.hash;
    await alice.rotate();
    await bob.importHistory(await alice.exportHistory());
    expect(await bob.hasRevoked(alice.identifier, underFirst)).toBe(false);
    await alice.rotate({ revokePurposeKeys: true });
    expect(await bob.hasRevoked(alice.identifier, underFirst)).toBe(false); // bob has not seen it yet
    await bob.refreshPeer(alice.identifier, { changeHistory: await alice.exportHistory(), credentials: [] }, []);
    expect(await bob.hasRevoked(alice.identifier, underFirst)).toBe(true);
    expect(await bob.hasRevoked(alice.identifier, (await alice.history()).latest.hash)).toBe(false);
  });

  test('a refresh names the same peer', async () => {
    const { create } = world();
    const [alice, bob, carol] = [await create(), await create(), await create()];
    const refresh = { changeHistory: await carol.exportHistory(), credentials: [] };
    expect(await codeOf(bob.refreshPeer(alice.identifier, refresh, []))).toBe('HISTORY_INVALID');
  });

  test('nothing that is kept points into the bytes that were received', async () => {
    const { create } = world();
    const repository = new MemoryIdentityRepository();
    const [alice, bob] = [await create(), await create({ repository })];
    const presented = await alice.present();
    const lent = presented.changeHistory.slice();
    await bob.verifyPeer({ ...presented, changeHistory: lent }, presented.key.publicKey, { trust: everyone });
    lent.fill(0);
    const kept = await repository.history(alice.identifier);
    expect(exportChangeHistory(kept!)).toEqual(presented.changeHistory);
  });
});

describe('an authority', () => {
  /** A member and a service that knows the authority. */
  async function party() {
    const { create, clock } = world();
    const repository = new MemoryIdentityRepository();
    const [authority, member, service] = [await create(), await create(), await create({ repository })];
    await authority.importHistory(await member.exportHistory());
    await service.importHistory(await authority.exportHistory(), { keep: true });
    return { create, clock, repository, authority, member, service };
  }

  test('says who may come in, and what is known of them afterwards', async () => {
    const { authority, member, service, repository, clock } = await party();
    const trust = holdsCredential(authority.identifier, { role: 'member' });
    const credential = await authority.issueCredential(member.identifier, { role: 'member', site: 'é' }, { lifeSeconds: 3600 });
    expect(await codeOf(handshake(member, service, { trust }))).toBe('TRUST_REFUSED');
    await handshake(member, service, { trust }, [credential]);
    const known = await repository.attributes(member.identifier, authority.identifier, clock.seconds);
    expect(Object.fromEntries(known?.attributes ?? [])).toEqual({ role: 'member', site: 'é' });

    const visitor = await authority.issueCredential(member.identifier, { role: 'visitor' }, { lifeSeconds: 3600 });
    expect(await codeOf(handshake(member, service, { trust }, [visitor]))).toBe('TRUST_REFUSED');
  });

  test('a credential that does not hold is reported and does not fail a handshake of everyone', async () => {
    const { authority, member, service, create } = await party();
    const mallory = await create();
    const credential = await authority.issueCredential(member.identifier, { role: 'member' }, { lifeSeconds: 3600 });
    const options = { trust: everyone, authorities: [authority.identifier] };
    const peer = await handshake(mallory, service, options, [credential, Uint8Array.of(0xff)]);
    expect(peer.credentials).toEqual([]);
    expect(peer.refusals.map(({ code }) => code)).toEqual(['CREDENTIAL_INVALID', 'CODEC_TYPE']);
  });

  test.each([
    [-3600, 'CREDENTIAL_NOT_YET_VALID'],
    [-61, 'CREDENTIAL_NOT_YET_VALID'],
    [-60, 'fulfilled'],
    [300, 'fulfilled'],
    [301, 'CREDENTIAL_EXPIRED'],
    [3600, 'CREDENTIAL_EXPIRED'],
  ])('a verifier whose clock is %i s off says %s and names the clock', async (skew, outcome) => {
    const { authority, member, service, clock } = await party();
    clock.seconds += 4000; // the issuer's own purpose key must not be what is refused
    await authority.issueCredential(member.identifier, {}, { lifeSeconds: 1 });
    clock.seconds += 4000;
    const credential = await authority.issueCredential(member.identifier, {}, { lifeSeconds: 300 });
    clock.seconds += skew;
    const verified = service.verifyCredential(credential, [authority.identifier], member.identifier);
    expect(await codeOf(verified)).toBe(outcome);
    if (outcome !== 'fulfilled') await expect(service.verifyCredential(credential, [authority.identifier])).rejects.toThrow('clock');
  });

  test('attributes are gone in the second in which the credential expires', async () => {
    const { authority, member, service, repository, clock } = await party();
    const credential = await authority.issueCredential(member.identifier, { role: 'member' }, { lifeSeconds: 10 });
    await handshake(member, service, { trust: everyone, authorities: [authority.identifier] }, [credential]);
    const { identifier } = member;
    expect(await repository.attributes(identifier, authority.identifier, clock.seconds + 9)).toBeDefined();
    expect(await repository.attributes(identifier, service.identifier, clock.seconds + 9)).toBeUndefined();
    expect(await repository.attributes(identifier, authority.identifier, clock.seconds + 10)).toBeUndefined();
  });

  test('issues nothing that outlives its window, and renews its purpose key when a credential needs longer', async () => {
    const { create, clock } = world();
    const authority = await create({ lifeSeconds: 6 * 365 * DAY });
    const issue = async (lifeSeconds: number) =>
      decodeCredential(await authority.issueCredential(authority.identifier, {}, { lifeSeconds }));
    const first = await issue(60);
    expect(first.issuerKey.expiresAt).toBe(START + 5 * 365 * DAY);
    clock.seconds += 4 * 365 * DAY;
    expect((await issue(60)).issuerKey).toEqual(first.issuerKey);
    const long = await issue(10 * 365 * DAY);
    expect(long.expiresAt).toBe(START + 6 * 365 * DAY);
    expect(long.issuerKey).not.toEqual(first.issuerKey);
  });

  test('cannot speak for the node: reserved names are refused at issue', async () => {
    const { authority, member } = await party();
    for (const name of ['identifier', 'has_credential', 'subject.role', 'resource.name', 'action', 'action.verb'])
      expect(await codeOf(authority.issueCredential(member.identifier, { [name]: 'x' }, { lifeSeconds: 1 })), name).toBe(
        'ATTRIBUTE_RESERVED',
      );
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`a${index}`, '']));
    expect(await codeOf(authority.issueCredential(member.identifier, many, { lifeSeconds: 1 }))).toBe('ATTRIBUTE_LIMIT');
    expect(await codeOf(authority.issueCredential(member.identifier, { a: 'x'.repeat(1025) }, { lifeSeconds: 1 }))).toBe('ATTRIBUTE_LIMIT');
  });
});

test('no secret comes out of anything in text', async () => {
  const { create, random } = world();
  const secret = new Secret('ed25519', new Uint8Array(32).fill(0x7b));
  const store = new MemoryKeyStore();
  const vault = new SoftwareVault(nodeCrypto, random, store);
  await vault.importSigningKey(secret);
  await vault.importX25519(new Secret('x25519', secret.reveal()));
  const things: unknown[] = [secret, store, vault, await create({ vault })];
  const raw = secret.reveal();
  for (const crypto of [nodeCrypto, nobleCrypto])
    things.push(crypto.importX25519(raw), crypto.importEd25519(raw), crypto.importP256(raw), crypto.importAes256Gcm(raw));
  for (const thing of things) {
    const text = `${inspect(thing, { depth: 9, showHidden: true, maxArrayLength: 999 })} ${JSON.stringify(thing)} ${String(thing)}`;
    expect(text).not.toMatch(/7b7b7b|123, ?123|7b 7b|e3t7|\{\{\{/i);
  }
});

class CountingStore extends MemoryKeyStore {
  count = 0;

  override put(...[handle, secret]: Parameters<MemoryKeyStore['put']>) {
    this.count += 1;
    return super.put(handle, secret);
  }

  override async delete(handle: string) {
    const existed = await super.delete(handle);
    if (existed) this.count -= 1;
    return existed;
  }
}
