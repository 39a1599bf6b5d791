import { createIdentity } from '../../identities/identity.ts';
import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import { seededRandom } from '../../simulation/random.ts';
import { openPostgresStore, openSqliteStore, StoredAuthority, type Store } from '../../storage/index.ts';
import { Enrollment } from '../../workers/authority/enrollment.ts';
import { WrongCodes } from '../../workers/authority/wrong-codes.ts';

/** @param place a file, or the address of a PostgreSQL database */
export const openPlace = (place: string): Promise<Store> =>
  place.startsWith('postgres:') ? openPostgresStore(place, { clock: systemClock }) : openSqliteStore(place, { clock: systemClock });

/** The rules of one authority: every process that opens its place has the same identity. */
export async function authorityOver(store: Store): Promise<{ readonly enrollment: Enrollment; readonly state: StoredAuthority }> {
  const clock: Clock = { ...systemClock, wallSeconds: () => 1_700_000_000 };
  const identity = await createIdentity({ clock, random: seededRandom(1) });
  const state = new StoredAuthority(store);
  const parts = { identity, clock: systemClock, store: state, mode: { kind: 'hosted' }, project: 'p1' } as const;
  return { enrollment: new Enrollment(parts, systemRandom, new WrongCodes()), state };
}
