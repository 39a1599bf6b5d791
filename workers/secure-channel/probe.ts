import type { Address } from '../../runtime/address.ts';
import { address } from '../../runtime/address.ts';
import { Route } from '../../runtime/route.ts';
import { encodePadded, type PayloadMessage } from './channel-message.ts';

/**
 * A probe asks the other end of a channel for a sign of life. To a peer of another make it is a message to its `echo`; one
 * of ours sees the mark in the padding and answers by itself, whether `echo` is there or not.
 * Source: docs/protocol.md, Channels; decisions.md B9
 */
const MARK = Uint8Array.of(0x50, 0x53, 0x54, 1);
const ECHO = Route.of([address('echo')]);

/** @param answerTo an address that only this channel knows; @param id tells answers apart */
export function encodeProbe(answerTo: Address, id: Uint8Array): Uint8Array {
  return encodePadded(ECHO, Route.of([answerTo]), id, MARK);
}

export function isProbe({ padding }: PayloadMessage): boolean {
  return padding.length === MARK.length && MARK.every((byte, index) => padding[index] === byte);
}
