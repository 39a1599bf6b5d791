/** The first pause; each further failure doubles it. Source: decisions.md A5 */
const FIRST_PAUSE_MS = 250;
/** The longest pause while something needs the session: a relay that returns is found again within 5 s. Source: decisions.md A5 */
export const NEEDED_PAUSE_MS_MAX = 2_000;
/** The longest pause while nothing does. Source: decisions.md A5 */
export const IDLE_PAUSE_MS_MAX = 30_000;
/** Attempts begin at least this far apart, whoever asks for them: at most four a second. Source: decisions.md A5 */
export const ATTEMPT_GAP_MS = 250;

/**
 * How long to wait before the next attempt: nothing after a first loss, then 0.25 s doubling up to the cap. Half of each
 * pause is chance, so that those who lost the same peer do not come back in step.
 * @param failures attempts that failed in a row
 * @param fraction a random number in [0, 1)
 */
export function pauseMs(failures: number, isNeeded: boolean, fraction: number): number {
  if (failures === 0) return 0;
  const cap = isNeeded ? NEEDED_PAUSE_MS_MAX : IDLE_PAUSE_MS_MAX;
  const pause = Math.min(cap, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return (pause * (1 + fraction)) / 2;
}
