import type { Attributes } from '../../identities/attributes.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Registration } from '../relay/relay-service.ts';
import { heldCredentials } from '../secure-channel/local-info.ts';
import { ANY_RELAY, RELAY } from './roles.ts';

/** Whether these attributes let somebody make a relay of that name: exactly the one they name, without prefix, or any. Source: authority.md 8.1 */
export function mayRelay(attributes: Attributes, name: string): boolean {
  const permitted = attributes.get(RELAY);
  return permitted === ANY_RELAY || (permitted !== undefined && permitted !== '' && permitted === name);
}

/**
 * For `mayRegister` of a relay service: lets in whoever presented a credential of this authority that permits the name and has
 * not expired. The channel's listener has to know the authority. Source: authority.md 8.1
 */
export function relayPermission(authority: Identifier): (registration: Registration) => boolean {
  return ({ message, name }) => heldCredentials(message, authority).some(({ attributes }) => mayRelay(attributes, name));
}
