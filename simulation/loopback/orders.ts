import type { LogLevel } from '../../runtime/logger.ts';
import type { NodeEvent, TraceEvent } from '../trace.ts';

/** Milliseconds since then, to the microsecond. */
export const sinceMs = (originNs: bigint): number => Number((process.hrtime.bigint() - originNs) / 1_000n) / 1_000;

/** What the world tells the process of a node. The first is `begin`. */
export type Order =
  | ({ readonly kind: 'begin' } & Beginning)
  /** The dial of that number goes to this port of the loopback address; or why it fails. */
  | { readonly kind: 'dialled'; readonly dial: number; readonly port: number }
  | { readonly kind: 'unreachable'; readonly dial: number; readonly code: 'CONNECT_REFUSED' | 'NAME_UNKNOWN'; readonly text: string }
  | { readonly kind: 'stop' };

export interface Beginning {
  readonly node: string;
  readonly life: number;
  /** URL of the module of its program. */
  readonly module: string;
  readonly exportName: string;
  readonly settings: unknown;
  readonly storageFile: string;
  /** When the world began, as `process.hrtime.bigint()` tells: all processes of a machine share that clock. */
  readonly originNs: bigint;
  readonly keepBytes: boolean;
  readonly logLevel: LogLevel;
}

/** What the process of a node tells the world. */
export type Fact =
  | { readonly kind: 'happened'; readonly events: readonly TraceEvent[] }
  | { readonly kind: 'ready'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly name: string; readonly message: string; readonly stack: string | undefined }
  /** It wants to connect to a port of a node, by its name. */
  | { readonly kind: 'dials'; readonly dial: number; readonly host: string; readonly port: number }
  /** Nobody waits for that dial any more. */
  | { readonly kind: 'gaveUp'; readonly dial: number }
  /** What others know as `port` is really `at`. Others cannot reach a port of `isLoopback`. */
  | { readonly kind: 'listens'; readonly port: number; readonly at: number; readonly isLoopback: boolean }
  | { readonly kind: 'listensNoMore'; readonly port: number }
  | { readonly kind: 'stored' }
  | { readonly kind: 'stopped'; readonly left: NonNullable<NodeEvent['left']> };
