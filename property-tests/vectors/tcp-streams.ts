import { concat } from '../../runtime/codec/bare.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface RouteBomb {
  readonly prefix: string;
  readonly note: string;
  readonly hop: string;
  readonly hops: number;
}

/** One stream of `frames/tcp.json`. */
export interface TcpStreamCase {
  readonly name: string;
  readonly bytes: string | RouteBomb;
  readonly expect: string;
  readonly pace_ms?: number;
  readonly split?: string;
}

/** What the text of an expectation asks for; a text that is not here is an error, so that none is passed over. */
export const TCP_VERDICTS: Readonly<Record<string, readonly TcpVerdict[]>> = {
  'ignored, connection stays': ['ignored'],
  dropped: ['dropped'],
  'dropped, connection stays': ['dropped'],
  'dropped: no outgoing connection is made': ['dropped'],
  'dropped at the hop limit': ['dropped'],
  'dropped; log line stays one line with no raw control byte': ['dropped'],
  'dropped or closed': ['dropped', 'closed'],
  'closed or dropped at the route limit': ['dropped', 'closed'],
  'closed or dropped at the route limit; no amplification': ['dropped', 'closed'],
  closed: ['closed'],
  'closed before allocating': ['closed'],
  'closed at the preamble deadline': ['closed at the preamble deadline'],
  'closed at the frame deadline': ['closed at the frame deadline'],
  'closed at the frame deadline; memory for it grows with bytes received, not with the claim': ['closed at the frame deadline'],
  'closed at the frame deadline or at once': ['closed', 'closed at the frame deadline'],
  'both handled': ['both dropped'],
  'handled whatever the split': ['answered'],
};

export type TcpVerdict =
  | 'ignored'
  | 'dropped'
  | 'both dropped'
  | 'answered'
  | 'closed'
  | 'closed at the preamble deadline'
  | 'closed at the frame deadline';

export const tcpStreamCases = (): readonly TcpStreamCase[] => readVectors<{ cases: readonly TcpStreamCase[] }>('frames/tcp.json').cases;

const ADDRESS_HEX_DIGITS = 8;
const PAYLOAD = '4178';

export function tcpStreamBytes({ name, bytes }: TcpStreamCase): Uint8Array {
  if (typeof bytes === 'string') return fromHex(bytes);
  const { prefix, hop, hops } = bytes;
  const count = (hops * hop.length) / ADDRESS_HEX_DIGITS;
  const long = `99${count.toString(16).padStart(4, '0')}${hop.repeat(hops)}`;
  const body = fromHex(name.startsWith('return') ? `83818200466563686f6572${long}${PAYLOAD}` : `83${long}80${PAYLOAD}`);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, body.length);
  return concat(fromHex(prefix), length, body);
}
