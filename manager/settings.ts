import { type Identifier, parseIdentifier } from '../identities/identifier.ts';
import { ManagerError } from './errors.ts';
import type { Json, Settings } from './ports.ts';

export interface InletOptions {
  /** Its alias. */
  readonly name: string;
  /** HOST:PORT; port 0 lets the system choose, and the port that it chose is kept. */
  readonly listen: string;
  /** A multi-address to the outlet. */
  readonly to: string;
  /** Who may be at the end of the last channel. Default: everyone; the policy decides about messages. */
  readonly authorized?: readonly Identifier[];
  /** Another identity of the home than the node's, by name. */
  readonly identity?: string;
}

export interface OutletOptions {
  /** The address of its worker. */
  readonly name: string;
  /** HOST:PORT. */
  readonly to: string;
}

export interface RelayOptions {
  /** Its name here. */
  readonly name: string;
  /** A multi-address to the node with the relay service. */
  readonly at: string;
  /** It becomes `forward_to_ADDRESS`. Default: its name. */
  readonly address?: string;
  /** Who may be at the end of the last channel. Default: everyone. */
  readonly authorized?: readonly Identifier[];
}

export interface ListenerOptions {
  /** The address of its worker. */
  readonly name: string;
  /** Who may open channels. Default: everyone. */
  readonly authorized?: readonly Identifier[];
  /** Another identity of the home than the node's, by name. */
  readonly identity?: string;
}

/** What is kept of a resource is all of its options but the name. */
export function toSettings({ name: _name, ...options }: InletOptions | OutletOptions | RelayOptions | ListenerOptions): Settings {
  return Object.fromEntries(Object.entries(options));
}

export function inletOptions(name: string, settings: Settings): InletOptions {
  return { name, listen: text(settings, 'listen'), to: text(settings, 'to'), ...authorized(settings), ...maybeText(settings, 'identity') };
}

export function outletOptions(name: string, settings: Settings): OutletOptions {
  return { name, to: text(settings, 'to') };
}

export function relayOptions(name: string, settings: Settings): RelayOptions {
  return { name, at: text(settings, 'at'), ...maybeText(settings, 'address'), ...authorized(settings) };
}

export function listenerOptions(name: string, settings: Settings): ListenerOptions {
  return { name, ...authorized(settings), ...maybeText(settings, 'identity') };
}

function text(settings: Settings, key: string): string {
  return asText(key, settings[key]);
}

function maybeText<Key extends string>(settings: Settings, key: Key): { readonly [Each in Key]?: string } {
  return settings[key] === undefined ? {} : ({ [key]: text(settings, key) } as { [Each in Key]?: string });
}

function authorized({ authorized: listed }: Settings): { readonly authorized?: readonly Identifier[] } {
  if (listed === undefined) return {};
  if (!Array.isArray(listed)) throw unreadable('authorized');
  return { authorized: (listed as readonly Json[]).map((each) => parseIdentifier(asText('authorized', each))) };
}

function asText(key: string, value: Json | undefined): string {
  if (typeof value !== 'string') throw unreadable(key);
  return value;
}

function unreadable(key: string): ManagerError {
  return new ManagerError('RESOURCE_SETTINGS', `What was kept of a resource has no valid ${key}: delete the resource and make it again.`);
}
