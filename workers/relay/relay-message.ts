import { bareString } from '../../runtime/codec/bare.ts';
import { text } from '../../runtime/codec/codec.ts';
import { CodecError } from '../../runtime/errors.ts';

/** Source: routing.md 5.1 */
export const NAMED_SERVICE = 'static_forwarding_service';
export const EPHEMERAL_SERVICE = 'forwarding_service';
/** What nodes put before each name. Source: routing.md 5.4 */
export const RELAY_PREFIX = 'forward_to_';

/** Asks for a name of the service's choice. So nobody can have this name. Source: routing.md 5.1 */
const EPHEMERAL = 'register';

/** @param name undefined asks for a random one */
export function encodeRegistration(name: string | undefined): Uint8Array {
  return bareString(name ?? EPHEMERAL);
}

/** @returns the name asked for; `{ name: undefined }` for a random one; undefined when this is no registration */
export function decodeRegistration(payload: Uint8Array): { readonly name: string | undefined } | undefined {
  const name = readText(payload);
  if (name === undefined) return undefined;
  return { name: name === EPHEMERAL ? undefined : name };
}

/** What a relay says when it is there: its address as text. */
export function encodeConfirmation(address: string): Uint8Array {
  return bareString(address);
}

/** Whether this confirms a relay of that name, under whatever prefix. Source: routing.md 5.2 */
export function confirms(payload: Uint8Array, name: string | undefined): boolean {
  return readText(payload)?.endsWith(name ?? '') === true;
}

function readText(payload: Uint8Array): string | undefined {
  try {
    return text.decode(payload);
  } catch (thrown) {
    if (thrown instanceof CodecError) return undefined;
    throw thrown;
  }
}
