import type { VerifiedCredential } from '../../identities/credential.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { AccessControl } from '../../runtime/access-control.ts';
import type { Clock } from '../../runtime/clock.ts';
import { BareReader, bareString } from '../../runtime/codec/bare.ts';
import type { LocalInfo, Message } from '../../runtime/message.ts';

const PEER = 'IDENTITY_SECURE_CHANNEL_IDENTIFIER';

/** What is kept of a credential that was verified. */
export type HeldCredential = Pick<VerifiedCredential, 'issuer' | 'attributes' | 'createdAt' | 'expiresAt'>;

/** Who is at the other end of a channel, and what it was proved to hold. */
export interface ChannelPeer {
  readonly identifier: Identifier;
  readonly credentials: readonly HeldCredential[];
  /** Tells when those expire. */
  readonly clock: Pick<Clock, 'wallSeconds'>;
}

/** What a channel says about every message it opens: who sent it. Source: identity.md 6.6 */
export function peerInfo(peer: ChannelPeer): LocalInfo {
  const info = { type: PEER, data: bareString(peer.identifier) };
  peers.set(info, peer);
  return info;
}

// A channel says the same of all its messages. The credentials stay beside what is said: that is as the wire's documents have it.
const peers = new WeakMap<LocalInfo, ChannelPeer>();

function channelPeerOf(message: Message): ChannelPeer | undefined {
  const info = message.localInfo.find(({ type }) => type === PEER);
  if (info === undefined) return undefined;
  let peer = peers.get(info);
  if (peer === undefined) {
    peer = { identifier: new BareReader(info.data).string() as Identifier, credentials: [], clock: { wallSeconds: () => 0 } };
    peers.set(info, peer);
  }
  return peer;
}

/** The peer whose channel brought the message to this node; undefined when none did. */
export function peerOf(message: Message): Identifier | undefined {
  return channelPeerOf(message)?.identifier;
}

/** Lets in what came through a channel with one of these peers. Source: identity.md 8.2 */
export function fromPeers(...identifiers: readonly Identifier[]): AccessControl {
  const allowed = new Set(identifiers);
  return {
    allows: (message) => {
      const peer = peerOf(message);
      return peer !== undefined && allowed.has(peer);
    },
  };
}

/** Lets in what came through a channel, whoever the peer is. */
export const fromAnyPeer: AccessControl = { allows: (message) => peerOf(message) !== undefined };

/** The credentials of this authority that the peer behind the message has presented and that have not expired. */
export function heldCredentials(message: Message, authority: Identifier): readonly HeldCredential[] {
  const peer = channelPeerOf(message);
  if (peer === undefined) return [];
  const nowSeconds = peer.clock.wallSeconds();
  return peer.credentials.filter(({ issuer, expiresAt }) => issuer === authority && nowSeconds < expiresAt);
}

/**
 * Lets in what came through a channel with a peer that has presented a credential of this authority which says all of
 * `required`, in exactly these values, as long as the credential lasts. The channel has to know the authority: by its trust
 * policy, or by its `authorities`. Source: identity.md 8.2
 */
export function fromHolders(authority: Identifier, required: Readonly<Record<string, string>> = {}): AccessControl {
  const pairs = Object.entries(required);
  return {
    allows: (message) =>
      heldCredentials(message, authority).some(({ attributes }) => pairs.every(([name, value]) => attributes.get(name) === value)),
  };
}
