import { type Address, address } from '../../runtime/address.ts';
import { Route } from '../../runtime/route.ts';
import { encodePadded, type PayloadMessage } from './channel-message.ts';

/**
 * A probe asks the other end of a channel for a sign of life. To a peer of another make it is a message to its `echo`; one
 * of ours sees the mark in the padding and answers by itself, whether `echo` is there or not.
 * Source: docs/protocol.md, Channels; decisions.md B9
 */
const MARK = Uint8Array.of(0x50, 0x53, 0x54, 1);
const ECHO = Route.of([address('echo')]);
const ID_BYTES = 8;
const NO_PADDING = new Uint8Array(0);

/** @param id below 2^32: which of the probes of a channel this is */
export function encodeProbe(answerTo: Address, id: number): Uint8Array {
  const payload = new Uint8Array(ID_BYTES);
  new DataView(payload.buffer).setUint32(ID_BYTES - 4, id);
  return encodePadded(ECHO, Route.of([answerTo]), payload, MARK);
}

/** Of a probe's size and shape too: an answer is never larger than what it answers. */
export function isProbe({ padding, payload, returnRoute }: PayloadMessage): boolean {
  if (padding.length !== MARK.length) return false;
  return payload.length === ID_BYTES && returnRoute.length === 1 && MARK.every((byte, index) => padding[index] === byte);
}

export function encodeProbeAnswer({ returnRoute, payload }: PayloadMessage): Uint8Array {
  return encodePadded(returnRoute, Route.empty, payload, NO_PADDING);
}

/** @returns which probe is answered; 0, which none is, for anything but an answer */
export function answeredProbe({ payload }: PayloadMessage): number {
  if (payload.length !== ID_BYTES) return 0;
  return new DataView(payload.buffer, payload.byteOffset).getUint32(ID_BYTES - 4);
}
