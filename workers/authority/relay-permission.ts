import type { Attributes } from '../../identities/attributes.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Subjects } from '../../policies/subjects.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Registration, RelayServiceOptions } from '../relay/relay-service.ts';
import { heldCredentials } from '../secure-channel/local-info.ts';
import { ANY_RELAY, RELAY } from './roles.ts';

/** Whether these attributes let somebody make a relay of that name: exactly the one they name, without prefix, or any. Source: authority.md 8.1 */
export function mayRelay(attributes: Attributes, name: string): boolean {
  const permitted = attributes.get(RELAY);
  return permitted === ANY_RELAY || (permitted !== undefined && permitted !== '' && permitted === name);
}

/**
 * For `mayRegister` of a relay service: lets in whoever presented a credential of this authority that permits the name and has
 * not expired. The channel's listener has to know the authority. It is asked once, when a relay is made: see `relayGrants`.
 * Source: authority.md 8.1
 */
export function relayPermission(authority: Identifier): (registration: Registration) => boolean {
  return ({ message, name }) => heldCredentials(message, authority).some(({ attributes }) => mayRelay(attributes, name));
}

/**
 * The same over what the node knows of its subjects, for as long as a relay lasts: it ends when what its owner holds expires, is
 * revoked, or permits the name no more. Source: decisions.md B10; the original looks only when a relay is made
 */
export function relayGrants(
  subjects: Subjects,
  clock: Pick<Clock, 'wallSeconds'>,
): Required<Pick<RelayServiceOptions, 'mayRegister' | 'watchOwner'>> {
  const mayRegister = ({ peer, name }: Registration): boolean => {
    const facts = peer === undefined ? undefined : subjects.factsOf(peer);
    return facts !== undefined && clock.wallSeconds() < facts.expiresAt && mayRelay(facts.attributes, name);
  };
  return {
    mayRegister,
    watchOwner: (registration, onLost) =>
      subjects.onChanged((identifier) => {
        if (identifier === registration.peer && !mayRegister(registration)) onLost();
      }),
  };
}
