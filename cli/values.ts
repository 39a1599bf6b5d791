import { InvalidArgumentError, Option } from '@commander-js/extra-typings';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A parser of one value: what is wrong with it is a usage error that names the option. */
function invalid(text: string): never {
  throw new InvalidArgumentError(text);
}

/** Digits, then ms, s, m, h or d; bare digits are seconds. @returns ms. Source: command-line.md 1.4 */
export function parseDuration(text: string): number {
  const [, digits, unit = 's'] = /^(\d{1,12})(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (digits === undefined) return invalid(`It is no duration: write digits and ms, s, m, h or d, as in 10s.`);
  const ms = Number(digits) * (UNITS_MS[unit] ?? 1_000);
  return Number.isSafeInteger(ms) ? ms : invalid('It is too long.');
}

const LOOPBACK = '127.0.0.1';
const HOST_CHARACTERS_MAX = 253;
const SEGMENT = /^[A-Za-z0-9_-]{1,63}$/;

/** `PORT`, `:PORT`, `IPV4:PORT`, `[IPV6]:PORT`, `NAME:PORT`. @returns HOST:PORT. Source: command-line.md 1.4 */
export function parseHostPort(text: string): string {
  const [, host = '', portText = ''] = /^(?:(.*):)?(\d{1,5})$/s.exec(text) ?? [];
  const port = Number(portText);
  if (portText === '' || port > 65_535) return invalid('Write HOST:PORT, or a port up to 65535.');
  if (host === '') return `${LOOPBACK}:${port}`;
  if (!isHost(host)) return invalid('The host is an IP address (IPv6 in brackets) or a name of letters, digits, "-" and "_".');
  return `${host}:${port}`;
}

function isHost(host: string): boolean {
  if (/^\[[0-9A-Fa-f:.]{2,45}\]$/.test(host)) return URL.canParse(`tcp://${host}:1`);
  if (/^[0-9.]+$/.test(host)) return /^(\d{1,3}\.){3}\d{1,3}$/.test(host) && host.split('.').every((part) => Number(part) < 256);
  if (host.length > HOST_CHARACTERS_MAX || /^[-.]|[-.]$/.test(host)) return false;
  return host.split('.').every((segment) => SEGMENT.test(segment));
}

/** `KEY=VALUE`; only the first `=` separates. Source: command-line.md 1.4 */
export function parseAttribute(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=');
  return at > 0 ? [text.slice(0, at), text.slice(at + 1)] : invalid('Write KEY=VALUE.');
}

/** As `parseAttribute`; a missing value means `true`. Source: command-line.md 5.16 */
export function parseFlagAttribute(text: string): readonly [key: string, value: string] {
  return text.includes('=') ? parseAttribute(text) : text === '' ? invalid('Write KEY or KEY=VALUE.') : [text, 'true'];
}

/** `NAME` or `/node/NAME`. Source: command-line.md 1.4, decisions.md E2 */
export const parseNodeName = named('node', '/node/');
/** What is to be made has a name, and is not referred to yet. */
export const parseNewNodeName = named('node');
/** `NAME` or `/service/NAME`: the address of a worker. */
export function parseServiceName(text: string): string {
  const name = text.startsWith('/service/') ? text.slice('/service/'.length) : text;
  return /^[^\s/]{1,128}$/u.test(name) ? name : invalid('The address of a service is 1 to 128 characters, without blanks and slashes.');
}
export const parseVaultName = named('vault');
export const parseIdentityName = named('identity');
export const parseRelayName = named('relay');
/** The name of a relay that somebody is allowed, or `*` for any. */
export const parseRelayOrAny = (text: string) => (text === '*' ? text : parseRelayName(text));

/** Some systems have no files of these names, and a name may become that of a file or folder. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

function named(kind: string, prefix = ''): (text: string) => string {
  return (text) => {
    const name = prefix !== '' && text.startsWith(prefix) ? text.slice(prefix.length) : text;
    if (DEVICE.test(name)) return invalid(`The name of a ${kind} cannot be that of a device on some systems.`);
    return /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(name)
      ? name
      : invalid(`The name of a ${kind} is 1 to 63 letters, digits, "_" and "-", and begins with a letter or digit.`);
  };
}

/** Source: decisions.md E2 */
export function parseAlias(text: string): string {
  if (DEVICE.test(text)) return invalid('An alias cannot be the name of a device on some systems.');
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text)
    ? text
    : invalid('An alias is 1 to 63 letters, digits, ".", "_" and "-", and begins with a letter or digit.');
}

/** Source: command-line.md 1.4 */
export function parseProjectName(text: string): string {
  return /^[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$/.test(text) && text.length <= 63
    ? text
    : invalid('The name of a project is groups of letters and digits, separated by single "-", "_" or ".", at most 63 characters.');
}

/** Source: command-line.md 1.4 */
export function parseIdentifierText(text: string): `I${string}` {
  return /^I[0-9a-f]{64}$/.test(text) ? (text as `I${string}`) : invalid('An identifier is "I" and 64 lower-case hex digits.');
}

/** Bytes as pairs of hex digits. */
export function parseHex(text: string): string {
  return /^([0-9a-fA-F]{2})+$/.test(text) ? text : invalid('Write pairs of hex digits.');
}

export function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return count >= 1 ? count : invalid('Write a number from 1 on.');
}

const repeatables = new WeakMap<object, unknown>();

/** An option that may be given several times; all its values count. */
export function repeatable<Flags extends string, Value>(flags: Flags, description: string, parse: (text: string) => Value) {
  const option = new Option(flags, description).argParser((text, before: readonly Value[] | undefined): readonly Value[] => [
    ...(before ?? []),
    parse(text),
  ]);
  repeatables.set(option, parse);
  return option;
}

export const isRepeatable = (option: object) => repeatables.has(option);
/** What reads one value of an option that may be repeated. */
export const repeatedParser = (option: object): unknown => repeatables.get(option);
