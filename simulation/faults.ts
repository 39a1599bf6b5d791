/**
 * What goes wrong, and when: plain data, so that fast-check shrinks a list of them and a file keeps it. Links are named by
 * two nodes; "from, to" concerns that direction alone.
 */
export type Fault =
  /** Nothing passes between the two, in silence. */
  | { readonly kind: 'partition'; readonly atMs: number; readonly one: string; readonly other: string }
  /** Undoes every `partition` and `hold` between the two. */
  | { readonly kind: 'heal'; readonly atMs: number; readonly one: string; readonly other: string }
  /** Stalls one direction. */
  | { readonly kind: 'hold'; readonly atMs: number; readonly from: string; readonly to: string }
  | { readonly kind: 'release'; readonly atMs: number; readonly from: string; readonly to: string }
  /** Cuts every stream between the two: both ends see a reset. */
  | { readonly kind: 'reset'; readonly atMs: number; readonly one: string; readonly other: string }
  /** What the next so many pieces of bytes that way suffer. Of a stream, a dropped piece is a hole that a real one has only by an adversary. */
  | { readonly kind: Tampering; readonly atMs: number; readonly from: string; readonly to: string; readonly pieces: number }
  /** The node stands still: it handles nothing, its timers are late, its sockets fill. */
  | { readonly kind: 'pause'; readonly atMs: number; readonly node: string; readonly forMs: number }
  /** The power fails: peers are left half-open. Its storage survives unless it is said to be lost. */
  | { readonly kind: 'crash'; readonly atMs: number; readonly node: string; readonly losesStorage?: boolean }
  | { readonly kind: 'restart'; readonly atMs: number; readonly node: string }
  /** Its wall clock jumps. */
  | { readonly kind: 'skewClock'; readonly atMs: number; readonly node: string; readonly seconds: number };

export type Tampering = 'drop' | 'duplicate' | 'reorder' | 'delay' | 'corrupt' | 'truncate' | 'splice' | 'replay';
export type FaultKind = Fault['kind'];

/** As a person says it: `partition bank, relay`. */
export function faultText(fault: Fault): string {
  switch (fault.kind) {
    case 'partition':
    case 'heal':
    case 'reset':
      return `${fault.kind} ${fault.one}, ${fault.other}`;
    case 'hold':
    case 'release':
      return `${fault.kind} ${fault.from} -> ${fault.to}`;
    case 'pause':
      return `pause ${fault.node} for ${fault.forMs} ms`;
    case 'crash':
      return `crash ${fault.node}${fault.losesStorage === true ? ', storage lost' : ''}`;
    case 'restart':
      return `restart ${fault.node}`;
    case 'skewClock':
      return `skewClock ${fault.node} by ${fault.seconds} s`;
    default:
      return `${fault.kind} ${fault.pieces} from ${fault.from} to ${fault.to}`;
  }
}
