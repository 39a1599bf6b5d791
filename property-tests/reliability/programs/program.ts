import { createIdentity, type Identity, systemClock } from '../../../index.ts';
import { seededRandom } from '../../../simulation/random.ts';

/** What a node program of the tests shares with the others: its settings, and an identity that survives kill -9. */

export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`The setting ${name} is missing.`);
  return value;
}

/** The same identity in every life: it is made anew from its seed and from the same moment. For tests only. */
export function identityOf(name: string): Promise<Identity> {
  const bornAt = Number(setting('BORN_AT'));
  const seed = Array.from(name).reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7);
  return createIdentity({ random: seededRandom(seed), clock: { ...systemClock, wallSeconds: () => bornAt } });
}

/** Tells the test something. */
export const tell = (fact: Record<string, string | number>): void => void process.send?.(fact);

process.once('disconnect', () => process.exit(0));
