import type { Invariant, TraceEvent } from '../trace.ts';
import { ALL_KINDS, invariant } from './invariant.ts';

/** Somebody takes an address or a name on a node, or it becomes free. All of a node are free when its life ends. */
export type Claim =
  | { readonly what: 'taken'; readonly node: string; readonly name: string; readonly owner: string }
  | { readonly what: 'freed'; readonly node: string; readonly name: string };

/**
 * What the log of a relay node tells: who registers a relay's name, when the node hands it to somebody else, and when it gives
 * the name up. Owners are identities; all who registered without a channel count as one. Needs the lines of level `info`.
 */
export function relayClaims(event: TraceEvent): Claim | undefined {
  if (event.kind !== 'log') return undefined;
  const { node, fields } = event;
  const name = String(fields['relay']);
  switch (event.event) {
    case 'relay.registered':
      return { what: 'taken', node, name, owner: String(fields['peer'] ?? 'somebody without an identity') };
    case 'relay.taken.over':
    case 'relay.removed':
      return { what: 'freed', node, name };
    default:
      return undefined;
  }
}

/**
 * No address and no relay's name has two owners at a time.
 * @param claimOf what an event says of owners: `relayClaims` unless given. Give your own for addresses, by what your workers
 * note or log
 */
export function oneOwner(claimOf: (event: TraceEvent) => Claim | undefined = relayClaims): Invariant {
  return invariant('one owner per address and relay name', ALL_KINDS, ({ events }) => {
    const held = new Map<string, Map<string, string>>();
    for (const [at, event] of events.entries()) {
      if (event.kind === 'node') held.delete(event.node);
      const claim = claimOf(event);
      if (claim === undefined) continue;
      const { node, name } = claim;
      const names = held.get(node) ?? new Map<string, string>();
      held.set(node, names);
      if (claim.what === 'freed') {
        names.delete(name);
        continue;
      }
      const { owner } = claim;
      const holder = names.get(name);
      if (holder !== undefined && holder !== owner) return { text: `${name} on ${node} was taken by ${owner} while ${holder} had it.`, at };
      names.set(name, owner);
    }
    return undefined;
  });
}
