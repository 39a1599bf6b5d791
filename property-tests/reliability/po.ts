import { rows as adversary } from './portal-adversary.ts';
import { rows as ends } from './portal-ends.ts';
import { rows as outages } from './portal-outages.ts';
import { rows as processes } from './portal-processes.ts';
import { rows as readers } from './portal-readers.ts';
import { rows as sockets } from './portal-sockets.ts';
import type { Row } from './row.ts';

/** Portals, of reliability.md 2.7 and 4.3. */
export const rows: readonly Row[] = [...adversary, ...ends, ...outages, ...processes, ...readers, ...sockets];
