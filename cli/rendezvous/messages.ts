import { decodeCbor, encodeCbor } from 'postern/wire';

/** On the wire at most; a longer one arrives cut. Source: docs/protocol.md, UDP */
const DATAGRAM_BYTES_MAX = 508;
const VERSION = 1;
const SERVICE = 'rendezvous';
const TYPE_LOCAL = 0;

/** What is asked of the service, and what it answers. */
const PING = 0;
const MY_ADDRESS = 1;

/** One hop: the type of its transport, and its name there. */
type Hop = readonly [type: number, name: Uint8Array];

/** A message in one datagram: those of the service are far shorter than one. */
interface Envelope {
  readonly onward: readonly Hop[];
  readonly back: readonly Hop[];
  readonly payload: Uint8Array;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const isService = ([type, name]: Hop) => type === TYPE_LOCAL && new TextDecoder().decode(name) === SERVICE;

function encodeDatagram({ onward, back, payload }: Envelope, number: number): Uint8Array {
  return encodeCbor([VERSION, number, 0, true, encodeCbor([onward, back, payload])]);
}

/** @returns undefined for what is no whole message */
function decodeDatagram(datagram: Uint8Array): Envelope | undefined {
  try {
    const [, , offset, isLast, body] = decodeCbor(datagram, DATAGRAM_BYTES_MAX) as readonly unknown[];
    if (offset !== 0 || isLast !== true || !(body instanceof Uint8Array)) return undefined;
    const [onward, back, payload] = decodeCbor(body, DATAGRAM_BYTES_MAX) as readonly unknown[];
    return isRoute(onward) && isRoute(back) && payload instanceof Uint8Array ? { onward, back, payload } : undefined;
  } catch {
    return undefined;
  }
}

function isRoute(value: unknown): value is readonly Hop[] {
  const isHop = (hop: unknown) => Array.isArray(hop) && hop.length === 2 && typeof hop[0] === 'number' && hop[1] instanceof Uint8Array;
  return Array.isArray(value) && value.every(isHop);
}

function kindOf(payload: Uint8Array): { readonly kind: unknown; readonly fields: readonly unknown[] } {
  const [kind, fields] = decodeCbor(payload, DATAGRAM_BYTES_MAX) as readonly [unknown, readonly unknown[]];
  return { kind, fields };
}

/** The answer to a datagram from `sender` (HOST:PORT). @returns undefined for what the service does not answer */
export function answerTo(datagram: Uint8Array, sender: string, number: number): Uint8Array | undefined {
  const asked = decodeDatagram(datagram);
  const [first, ...rest] = asked?.onward ?? [];
  if (asked === undefined || first === undefined || rest.length > 0 || !isService(first)) return undefined;
  const payload = payloadFor(asked.payload, sender);
  return payload && encodeDatagram({ onward: asked.back, back: [[TYPE_LOCAL, bytesOf(SERVICE)]], payload }, number);
}

function payloadFor(asked: Uint8Array, sender: string): Uint8Array | undefined {
  try {
    const { kind } = kindOf(asked);
    if (kind === PING) return encodeCbor([PING, []]);
    return kind === MY_ADDRESS ? encodeCbor([MY_ADDRESS, [sender]]) : undefined;
  } catch {
    return undefined;
  }
}

/** @param token by which the answer is known: the address that it comes back to */
export function encodeRequest(kind: 'ping' | 'my-address', token: string, number: number): Uint8Array {
  const payload = encodeCbor([kind === 'ping' ? PING : MY_ADDRESS, []]);
  return encodeDatagram({ onward: [[TYPE_LOCAL, bytesOf(SERVICE)]], back: [[TYPE_LOCAL, bytesOf(token)]], payload }, number);
}

/** @returns what was asked for: `HOST:PORT`, or nothing for a ping; undefined for what is no answer to `token` */
export function decodeAnswer(datagram: Uint8Array, token: string): { readonly address: string | undefined } | undefined {
  const answer = decodeDatagram(datagram);
  const [hop] = answer?.onward ?? [];
  if (answer === undefined || hop === undefined || new TextDecoder().decode(hop[1]) !== token) return undefined;
  try {
    const { kind, fields } = kindOf(answer.payload);
    const [address] = fields;
    if (kind === PING) return { address: undefined };
    return kind === MY_ADDRESS && typeof address === 'string' ? { address } : undefined;
  } catch {
    return undefined;
  }
}
