import { TransportError } from './errors.ts';
import { parseIp4, parseIp6 } from './ip-address.ts';
import type { HostPort } from './network.ts';
import { shown } from './shown.ts';

const LOOPBACK = '127.0.0.1';
const PORT_MAX = 65_535;
/** Source: routing.md 3.1, after RFC 1035 2.3.4. */
const HOST_CHARACTERS_MAX = 253;
const LABEL = /^[A-Za-z0-9_-]{1,63}$/;

/**
 * Reads `host:port`, `[IPv6]:port`, `:port` or `port`; without a host it is 127.0.0.1. A host is a name of ASCII letters,
 * digits, `-`, `_` and `.`, or an IP address. A number has one spelling, since systems read others as they please: a host
 * that ends in a number is four decimal bytes, and neither they nor the port have leading zeros.
 * @throws {TransportError} `TARGET_TEXT`, quoting the text; nothing was looked up
 * Source: routing.md 3.1
 */
export function parseHostPort(text: string): HostPort {
  const bracketed = /^\[([^\]]*)\]:(.*)$/s.exec(text);
  const colon = text.indexOf(':');
  const name = colon === -1 ? '' : text.slice(0, colon);
  const port = bracketed?.[2] ?? text.slice(colon + 1);
  const host = bracketed?.[1] ?? (name === '' ? LOOPBACK : name);
  if (!/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > PORT_MAX) {
    throw refusal(text, `after the first ':' stands a port from 0 to ${PORT_MAX}, without leading zeros`);
  }
  if (bracketed === null ? !isHost(host) : parseIp6(host) === undefined) {
    throw refusal(
      text,
      "before the ':' stands a name of letters, digits, '-', '_' and '.', an IPv4 address, or an IPv6 address in brackets",
    );
  }
  return { host, port: Number(port) };
}

/** The text that `parseHostPort` reads back: IPv6 addresses get their brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function isHost(host: string): boolean {
  if (host.length > HOST_CHARACTERS_MAX || host.startsWith('-') || host.endsWith('-')) return false;
  const labels = host.split('.');
  if (!labels.every((label) => LABEL.test(label))) return false;
  const endsInNumber = /^(?:\d+|0x[\da-f]*)$/i.test(labels.at(-1) ?? '');
  return !endsInNumber || parseIp4(host) !== undefined;
}

function refusal(text: string, rule: string): TransportError {
  return new TransportError('TARGET_TEXT', `${shown(text)} is no HOST:PORT: ${rule}.`);
}
