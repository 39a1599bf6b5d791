import type { Node } from '../runtime/node.ts';
import type { Route } from '../runtime/route.ts';
import { whenThere } from '../runtime/way.ts';
import { ManagerError } from './errors.ts';
import type { Link } from './links.ts';

/** How long whoever asks for something at the end of a way waits until it is up. Source: command-line.md 5.11 */
export const REACH_MS = 10_000;

/** Waits until the way is up. @throws {ManagerError} `WAY_DOWN`, with the code of what went wrong last */
export async function reached(node: Node, link: Link, timeoutMs = REACH_MS): Promise<Route> {
  const giveUp = new AbortController();
  const timer = node.clock.setTimer(timeoutMs, () => giveUp.abort(wayDown(link, timeoutMs)));
  const forget = node.onStop(() => giveUp.abort(wayDown(link, timeoutMs)));
  try {
    return await whenThere(link, giveUp.signal);
  } finally {
    timer.cancel();
    forget();
  }
}

function wayDown({ address, sessions }: Link, timeoutMs: number): ManagerError {
  const reason = sessions.findLast(({ lastError }) => lastError !== undefined)?.lastError ?? 'nobody answered';
  return new ManagerError(
    'WAY_DOWN',
    `The way to ${address.toString()} was not up within ${timeoutMs / 1_000} s (${reason}): check the address, and that what it names runs.`,
  );
}
