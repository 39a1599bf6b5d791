import { rows as frames } from './channel-frames.ts';
import { rows as handshakes } from './channel-handshakes.ts';
import { rows as lives } from './channel-lives.ts';
import { rows as peers } from './channel-peers.ts';
import { rows as processes } from './channel-processes.ts';
import type { Row } from './row.ts';

/** Secure channels, of reliability.md 2.4. */
export const rows: readonly Row[] = [...frames, ...handshakes, ...lives, ...peers, ...processes];
