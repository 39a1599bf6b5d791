/** Who asks for a relay's name. */
export interface Claim {
  /** The identity behind the channel it came by; absent for a plain registration. */
  readonly peer: string | undefined;
  readonly isAdministrator: boolean;
}

/** Who has the name. */
export interface Holding {
  readonly peer: string | undefined;
  /** Its connection or channel still stands. */
  readonly isConnected: boolean;
  /** A ping along its route was answered once. */
  readonly hasAnswered: boolean;
}

export type Verdict =
  | 'replace'
  /** Ping the holder: replace it unless it answers within `HOLDER_ANSWER_MS`. */
  | 'askHolder'
  | 'refuse';

/**
 * Whether a name that is taken may change hands. An identity keeps what is its own; nobody takes a live name from another.
 * @param isSameWay the claim came from the same node by the very same way: a plain registration has no better mark
 * Source: decisions.md B10
 */
export function rightTo(claim: Claim, holding: Holding, isSameWay: boolean): Verdict {
  if (claim.isAdministrator || !holding.isConnected) return 'replace';
  if (holding.peer === undefined) return isSameWay ? 'replace' : 'askHolder';
  if (holding.peer === claim.peer) return 'replace';
  return holding.hasAnswered ? 'askHolder' : 'refuse';
}
