import { TransportError } from './errors.ts';
import type { HostPort } from './network.ts';

const LOOPBACK = '127.0.0.1';
const PORT_MAX = 65_535;
/** Source: RFC 1035 2.3.4, and routing.md 3.1. */
const HOST_CHARACTERS_MAX = 253;
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

/**
 * Reads `host:port`, `[IPv6]:port`, `:port` or `port`; without a host it is 127.0.0.1. A host is a name of ASCII letters,
 * digits, `-`, `_` and `.`, or an IP address. Numbers have one spelling: a host whose last label is a number is four
 * decimal bytes without leading zeros, and a port has none either; systems read other spellings as they please.
 * @throws {TransportError} `TARGET_TEXT`, naming the text; nothing was looked up
 * Source: routing.md 3.1
 */
export function parseHostPort(text: string): HostPort {
  const [, bracketed, name = bracketed === undefined ? LOOPBACK : '', port = ''] = SHAPE.exec(text) ?? [];
  const host = bracketed ?? (name === '' ? LOOPBACK : name);
  if (!/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > PORT_MAX) throw refusal(text, `the port is a number from 0 to ${PORT_MAX}`);
  if (bracketed !== undefined ? !isIpv6(bracketed) : !isHost(host)) throw refusal(text, HOST_RULE);
  return { host, port: Number(port) };
}
