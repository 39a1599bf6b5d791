import type { Random } from '../runtime/random.ts';

/**
 * The same bytes for the same seed, for simulations and tests. Never for production: whoever has seen a few bytes knows all others.
 * The generator is xoshiro128**, its state filled from the seed by splitmix32.
 * @param seed a whole number; its low 32 bits count
 */
export function seededRandom(seed: number): Random {
  let fill = seed | 0;
  const splitMix = () => {
    fill = (fill + 0x9e37_79b9) | 0;
    let mixed = Math.imul(fill ^ (fill >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return mixed ^ (mixed >>> 15);
  };
  let [a, b, c, d] = [splitMix(), splitMix(), splitMix(), splitMix()];

  const next = () => {
    const word = Math.imul(rotated(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotated(d, 11);
    return word;
  };

  return {
    bytes(count) {
      const bytes = new Uint8Array(count);
      for (let at = 0; at < count; at += 4) {
        const word = next();
        for (let index = at; index < Math.min(at + 4, count); index++) bytes[index] = word >>> (8 * (index - at));
      }
      return bytes;
    },
  };
}

const rotated = (word: number, by: number) => (word << by) | (word >>> (32 - by));
