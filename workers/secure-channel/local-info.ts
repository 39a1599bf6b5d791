import type { Identifier } from '../../identities/identifier.ts';
import { BareReader, bareString } from '../../runtime/codec/bare.ts';
import type { AccessControl } from '../../runtime/access-control.ts';
import type { LocalInfo, Message } from '../../runtime/message.ts';

const PEER = 'IDENTITY_SECURE_CHANNEL_IDENTIFIER';

/** What a channel says about every message it opens: who sent it. Source: identity.md 6.6. */
export function peerInfo(identifier: Identifier): LocalInfo {
  const info = { type: PEER, data: bareString(identifier) };
  peers.set(info, identifier);
  return info;
}

// A channel says the same of all its messages, so what it says is read once.
const peers = new WeakMap<LocalInfo, Identifier>();

/** The peer whose channel brought the message to this node; undefined when none did. */
export function peerOf(message: Message): Identifier | undefined {
  const info = message.localInfo.find(({ type }) => type === PEER);
  if (info === undefined) return undefined;
  let peer = peers.get(info);
  if (peer === undefined) {
    peer = new BareReader(info.data).string() as Identifier;
    peers.set(info, peer);
  }
  return peer;
}

/** Lets in what came through a channel with one of these peers. Source: identity.md 8.2. */
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
