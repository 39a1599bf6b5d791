/**
 * `postern/home`: the state of one person or machine, in one folder, without anything that runs. A program that only looks at it
 * loads no more than that takes; `postern/manager` has it too.
 */
import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import { freeName, Home } from './home.ts';

/** Opens the home in a folder, with the clock and the randomness of this machine. @throws {StorageError} as `Home.open` */
export const openHome = (folder: string): Promise<Home> => Home.open(folder, { clock: systemClock, random: systemRandom });

/** Two words at random that nobody has yet. */
export const randomName = (taken: readonly string[]): string => freeName(systemRandom, taken);

export { HomeError } from './errors.ts';
export type { NamedIdentity, NamedVault } from './names.ts';
export { Home };
