import { rows as floods } from './transport-floods.ts';
import { rows as frames } from './transport-frames.ts';
import type { Row } from './row.ts';

/** Transports, of reliability.md 2.7, 4.5 and 4.7. TR5 and TR6 are unit tests of `transports/`: descriptors and the `ws` library. */
export const rows: readonly Row[] = [...frames, ...floods];
