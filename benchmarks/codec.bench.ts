import { decode, encode } from 'cborg';
import { decodeEnvelope, encodeEnvelopeHead, route } from 'postern';
import { compare, rateOf } from './measure.ts';
import type { Row } from './table.ts';

const ONWARD = route('0#9c2f1e7a4b6d8035c1e2f3a4b5d6e7f8', 'forward_to_bank', 'outlet');
const RETURN_ROUTE = route('0#0a1b2c3d4e5f60718293a4b5c6d7e8f9', '0#ffeeddccbbaa99887766554433221100');

/** An envelope with three addresses onward and two back, by hand and by cborg, which makes the same bytes. */
export async function codecBench(): Promise<Row[]> {
  return [
    ...(await envelopes(32, { encode: 4, decode: 7.5 })),
    ...(await envelopes(48 * 1024, { encode: 13, decode: 80 })), // cborg copies the payload, twice
  ];
}

async function envelopes(payloadBytes: number, targets: { readonly encode: number; readonly decode: number }): Promise<Row[]> {
  const payload = new Uint8Array(payloadBytes);
  const addresses = (of: typeof ONWARD) => [...of].map((address) => [address.type, address.value]);
  const plain = [addresses(ONWARD), addresses(RETURN_ROUTE), payload];
  const body = encode(plain);
  const ours = Buffer.concat([encodeEnvelopeHead(ONWARD, RETURN_ROUTE, payloadBytes), payload]);
  if (!ours.equals(body)) throw new Error('The two codecs do not write the same bytes: nothing can be compared.');

  let used = 0; // what is not used may be optimised away
  const encoding = await compare(
    rateOf(() => void (used += encode(plain).length)),
    { ours: rateOf(() => void (used += encodeEnvelopeHead(ONWARD, RETURN_ROUTE, payload.length).length)) },
    { forMs: 300 },
  );
  const decoding = await compare(
    rateOf(() => void (used += (decode(body) as unknown[]).length)),
    { ours: rateOf(() => void (used += decodeEnvelope(body).onward.next.key.length)) },
    { forMs: 300 },
  );
  if (used === 0) throw new Error('Nothing was encoded.');
  const workload = `envelope, 3 + 2 addresses, ${payloadBytes >= 1024 ? `${payloadBytes / 1024} KiB` : `${payloadBytes} B`}`;
  return [
    { name: 'codec-encode', workload, unit: 'ops/s', target: { atLeast: targets.encode }, ...encoding.ours },
    {
      name: 'codec-decode',
      workload: `${workload}, as a relay does`,
      unit: 'ops/s',
      target: { atLeast: targets.decode },
      ...decoding.ours,
    },
  ];
}
