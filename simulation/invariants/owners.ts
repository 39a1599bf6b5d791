import type { Invariant, TraceEvent } from '../trace.ts';
import { ALL_KINDS, invariant } from './invariant.ts';

/** Somebody takes an address or a name on a node, or it becomes free. All of a node are free when its life ends. */
export type Claim =
  | {
      readonly what: 'taken';
      readonly node: string;
      readonly name: string;
      readonly owner: string;
      /** For how long it is sure to be theirs, should nobody say that it became free. For ever by default. */
      readonly forMs?: number;
    }
  | { readonly what: 'freed'; readonly node: string; readonly name: string };

/** As long as a relay keeps its name for a client that is gone, which it then gives up without a word. Source: workers/relay/relay-service.ts */
export const RELAY_KEPT_MS = 60_000;

/**
 * What the log of a relay node tells: who registers a relay's name, and when the node hands it to somebody else. Owners are
 * identities; all who registered without a channel count as one.
 */
export function relayClaims(event: TraceEvent): Claim | undefined {
  if (event.kind !== 'log') return undefined;
  const { node, fields } = event;
  const name = String(fields['relay']);
  switch (event.event) {
    case 'relay.registered':
      return { what: 'taken', node, name, owner: String(fields['peer'] ?? 'somebody without an identity'), forMs: RELAY_KEPT_MS };
    case 'relay.taken.over':
      return { what: 'freed', node, name };
    default:
      return undefined;
  }
}

interface Holder {
  readonly owner: string;
  readonly untilMs: number;
}

/**
 * No address and no relay's name has two owners at a time.
 * @param claimOf what an event says of owners: `relayClaims` unless given. Give your own for addresses, by what your workers
 * note or log
 */
export function oneOwner(claimOf: (event: TraceEvent) => Claim | undefined = relayClaims): Invariant {
  return invariant('one owner per address and relay name', ALL_KINDS, ({ events }) => {
    const held = new Map<string, Map<string, Holder>>();
    for (const [at, event] of events.entries()) {
      if (event.kind === 'node') held.delete(event.node);
      const claim = claimOf(event);
      if (claim === undefined) continue;
      const { node, name } = claim;
      const names = held.get(node) ?? new Map<string, Holder>();
      held.set(node, names);
      if (claim.what === 'freed') {
        names.delete(name);
        continue;
      }
      const { owner, forMs = Number.POSITIVE_INFINITY } = claim;
      const holder = names.get(name);
      if (holder !== undefined && holder.owner !== owner && event.atMs < holder.untilMs)
        return { text: `${name} on ${node} was taken by ${owner} while ${holder.owner} had it.`, at };
      names.set(name, { owner, untilMs: event.atMs + forMs });
    }
    return undefined;
  });
}
