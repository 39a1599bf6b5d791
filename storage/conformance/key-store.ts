import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { Secret } from '../../identities/secret.ts';
import { SoftwareVault, type KeyStore } from '../../identities/vault.ts';
import { systemRandom } from '../../host/random.ts';

const secret = (fill: number) => new Secret('ed25519', new Uint8Array(32).fill(fill));

/** What every place for the keys of a vault has to do. @param make opens the same place each time it is called within a test */
export function keyStoreConformance(name: string, make: () => Promise<KeyStore>): void {
  describe(`a key store: ${name}`, () => {
    test('a secret is given back as it was put, with its kind, until it is deleted', async () => {
      const keys = await make();
      for (const [index, kind] of (['ed25519', 'p256', 'x25519'] as const).entries())
        await keys.put(`handle-${kind}`, new Secret(kind, new Uint8Array(32).fill(index)));
      const found = await keys.get('handle-p256');
      expect([found?.kind, found?.reveal()]).toEqual(['p256', new Uint8Array(32).fill(1)]);
      expect((await keys.get('handle-x25519'))?.kind).toBe('x25519');
      expect([await keys.delete('handle-p256'), await keys.delete('handle-p256')]).toEqual([true, false]);
      expect(await keys.get('handle-p256')).toBeUndefined();
      expect(await keys.get('handle-ed25519')).toBeDefined();
    });

    test('the last secret that was put under a handle counts', async () => {
      const keys = await make();
      await keys.put('handle', secret(1));
      await keys.put('handle', secret(2));
      expect((await keys.get('handle'))?.reveal()).toEqual(new Uint8Array(32).fill(2));
    });

    test('a vault signs with what another one made', async () => {
      const made = new SoftwareVault(nodeCrypto, systemRandom, await make());
      const key = await made.generateSigningKey('p256');
      const channel = await made.generateX25519();
      const other = new SoftwareVault(nodeCrypto, systemRandom, await make());
      const data = Uint8Array.of(1, 2, 3);
      expect(nodeCrypto.verifyP256(key.bytes, data, (await other.sign(key, data)).bytes)).toBe(true);
      expect((await other.x25519(channel.publicKey))?.publicKey).toEqual(channel.publicKey);
    });
  });
}
