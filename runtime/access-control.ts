import type { Address } from './address.ts';
import type { DeadLetterReason } from './dead-letter.ts';
import type { Message } from './message.ts';

/**
 * Decides whether a message may pass a mailbox, in (before it is handled) or out (before it is sent). It sees the message
 * with its source and destination. Throwing denies. Source: routing.md 2.1.
 */
export interface AccessControl {
  allows(message: Message): boolean;
  /** What a message that it keeps from being sent becomes; `denied-outgoing` by default. */
  readonly deniedAs?: DeadLetterReason;
  /**
   * For what stays open once a message was let through, as a stream does: calls back when such a message would be denied by now,
   * even if none comes; before it returns, when that is so at once. A control without it decides message by message only.
   * @param message kept, so its routes must be owned; its payload is not looked at
   * @returns how to end it
   */
  watch?(message: Message, onDenied: () => void): () => void;
}

export const allowEveryone: AccessControl = { allows: () => true };
export const allowNobody: AccessControl = { allows: () => false };

/** In: only what one of these local mailboxes sent. The return route plays no part. */
export function onlyFrom(...sources: readonly Address[]): AccessControl {
  const keys = new Set(sources.map((source) => source.key));
  return { allows: (message) => keys.has(message.source.key) };
}

/** Out: only what goes first to one of these addresses. Later hops play no part. */
export function onlyTo(...nexts: readonly Address[]): AccessControl {
  const keys = new Set(nexts.map((next) => next.key));
  return { allows: (message) => keys.has(message.onward.next.key) };
}

/** Passes when all pass, also when there are none; stops at the first denial. */
export function allOf(...controls: readonly AccessControl[]): AccessControl {
  return {
    allows: (message) => controls.every((control) => control.allows(message)),
    watch: (message, onDenied) => watchEach(controls, message, onDenied),
  };
}

/** Passes when one passes; none denies. */
export function anyOf(...controls: readonly AccessControl[]): AccessControl {
  return {
    allows: (message) => controls.some((control) => control.allows(message)),
    watch: (message, onDenied) => watchWhileOneAllows(controls, message, onDenied),
  };
}

/** Another one may allow it where one does not any more; and what has begun to allow it again is watched again. */
function watchWhileOneAllows(controls: readonly AccessControl[], message: Message, onDenied: () => void): () => void {
  const ends = new Map<AccessControl, (() => void) | undefined>();
  let isOver = false;
  const deny = () => {
    if (isOver) return;
    isOver = true;
    onDenied();
  };
  const look = () => {
    if (isOver) return;
    for (const control of controls) {
      if (ends.has(control) || !control.allows(message)) continue;
      ends.set(control, undefined);
      const end = control.watch?.(message, () => {
        ends.delete(control);
        look();
      });
      if (ends.has(control)) ends.set(control, end);
    }
    if (ends.size === 0) deny();
  };
  look();
  return () => {
    isOver = true;
    for (const end of ends.values()) end?.();
  };
}

function watchEach(controls: readonly AccessControl[], message: Message, onDenied: () => void): () => void {
  const ends = controls.map((control) => control.watch?.(message, onDenied));
  return () => {
    for (const end of ends) end?.();
  };
}
