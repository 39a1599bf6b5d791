import fc from 'fast-check';
import { concat } from '../../runtime/codec/bare.ts';
import { encodeCbor } from '../../runtime/codec/cbor.ts';
import { type Envelope, encodeEnvelopeHead } from '../../runtime/codec/envelope.ts';
import { routes } from './addresses.ts';
import { payloads } from './bytes.ts';

/** What an envelope holds; structurally an `Envelope`. */
export type EnvelopeFields = Envelope;

/** A frame as TCP carries it, and what stands in it. */
export interface Frame {
  /** Four bytes of length, big-endian, then the body. */
  readonly bytes: Uint8Array;
  readonly envelope: EnvelopeFields;
  /** The text that nodes of the original add; absent in frames of ours. */
  readonly tracing: string | undefined;
}

const LENGTH_BYTES = 4;
const ARRAY_OF_4 = 0x84;
const TRACINGS = ['{}', '', 'ü', '{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":""}'] as const;

/** Envelopes with routes of 0 to 8 addresses and payloads of 0 to 300 bytes. Shrinks towards the empty heartbeat. */
export function envelopes(): fc.Arbitrary<EnvelopeFields> {
  return fc.record({ onward: routes(8), returnRoute: routes(8), payload: payloads() });
}

/** Genuine TCP frames, with and without a tracing text. Shrinks towards the heartbeat `0000000483808040`. */
export function frames(): fc.Arbitrary<Frame> {
  return fc.record({ envelope: envelopes(), tracing: fc.option(fc.constantFrom(...TRACINGS), { nil: undefined }) }).map((fields) => ({
    ...fields,
    bytes: encodeFrame(fields.envelope, fields.tracing),
  }));
}

function encodeFrame({ onward, returnRoute, payload }: EnvelopeFields, tracing: string | undefined): Uint8Array {
  const head = encodeEnvelopeHead(onward, returnRoute, payload.length, LENGTH_BYTES);
  const frame = tracing === undefined ? concat(head, payload) : concat(head, payload, encodeCbor(tracing));
  if (tracing !== undefined) frame[LENGTH_BYTES] = ARRAY_OF_4;
  new DataView(frame.buffer).setUint32(0, frame.length - LENGTH_BYTES);
  return frame;
}
