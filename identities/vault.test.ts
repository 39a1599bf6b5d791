import { expect, test } from 'vitest';
import { nodeCrypto } from './node-crypto.ts';
import { isP256Secret } from './p256-scalar.ts';
import { Secret } from './secret.ts';
import { verifySignature } from './signature.ts';
import { MemoryKeyStore, SoftwareVault } from './vault.ts';

const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
const fromHex = (digits: string) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
/** Gives these 32-byte values one after the other. */
const drawing = (...draws: Uint8Array[]) => ({ bytes: () => draws.shift()! });

test('a P-256 secret outside of the group is drawn again, never reduced', async () => {
  const good = new Uint8Array(32).fill(5);
  const vault = new SoftwareVault(nodeCrypto, drawing(fromHex(ORDER), new Uint8Array(32).fill(0xff), new Uint8Array(32), good));
  const key = await vault.generateSigningKey('p256');
  expect((await vault.exportSecret(key.bytes)).reveal()).toEqual(good);
});

test('P-256 secrets go from one to the order less one', () => {
  const last = fromHex(ORDER);
  last[31]! -= 1;
  expect([new Uint8Array(32), fromHex('01'.padStart(64, '0')), last, fromHex(ORDER)].map(isP256Secret)).toEqual([false, true, true, false]);
  expect(isP256Secret(new Uint8Array(33).fill(1))).toBe(false);
});

test('a key signs until it is deleted, once', async () => {
  const vault = new SoftwareVault(nodeCrypto, drawing(new Uint8Array(32).fill(1)));
  const key = await vault.generateSigningKey('ed25519');
  const data = new Uint8Array(3);
  expect(verifySignature(nodeCrypto, key, data, await vault.sign(key, data))).toBe(true);
  expect([await vault.deleteSigningKey(key), await vault.deleteSigningKey(key)]).toEqual([true, false]);
  await expect(vault.sign(key, data)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
});

test('a secret moves between vaults with its kind', async () => {
  const [from, to] = [new SoftwareVault(nodeCrypto, drawing(new Uint8Array(32).fill(2))), new SoftwareVault(nodeCrypto, drawing())];
  const key = await from.generateX25519();
  const moved = await to.importX25519(await from.exportSecret(key.publicKey));
  expect(moved.publicKey).toEqual(key.publicKey);
  expect((await to.x25519(key.publicKey))?.publicKey).toEqual(key.publicKey);
  expect(await to.x25519(new Uint8Array(32))).toBeUndefined();
  await expect(to.importSigningKey(await from.exportSecret(key.publicKey))).rejects.toMatchObject({ code: 'KEY_KIND' });
  await expect(to.importX25519(new Secret('ed25519', new Uint8Array(32)))).rejects.toMatchObject({ code: 'KEY_KIND' });
});

test('a secret keeps its own copy and gives copies', () => {
  const bytes = new Uint8Array(32).fill(3);
  const secret = new Secret('x25519', bytes);
  bytes.fill(0);
  secret.reveal().fill(0);
  expect(secret.reveal()).toEqual(new Uint8Array(32).fill(3));
  expect(() => new Secret('x25519', new Uint8Array(31))).toThrow('32 bytes');
});

test('a secret that changed where it was kept is not used', async () => {
  const store = new MemoryKeyStore();
  const vault = new SoftwareVault(nodeCrypto, drawing(new Uint8Array(32).fill(4), new Uint8Array(32).fill(5)), store);
  const [signing, channel] = [await vault.generateSigningKey('ed25519'), await vault.generateX25519()];
  await store.put(vault.handle(signing.bytes), new Secret('ed25519', new Uint8Array(32).fill(6)));
  await store.put(vault.handle(channel.publicKey), new Secret('x25519', new Uint8Array(32).fill(7)));
  await expect(vault.sign(signing, new Uint8Array(1))).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
  await expect(vault.x25519(channel.publicKey)).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
});
