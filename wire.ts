/**
 * `postern/wire`: for those who test the protocol or speak it from elsewhere. The bytes of every layer and the objects of the
 * handshake, exactly as the nodes use them; nothing here needs a node.
 */

/** Both sets of primitives: OpenSSL's, and a portable one that is independent of it. */
/** The history of an identity's keys: read and verified, and as bytes. */
export { type ChangeHistory, exportChangeHistory, importChangeHistory } from './identities/change-history.ts';
/** A signed statement of attributes, taken apart but not believed. */
export { type Credential, decodeCredential } from './identities/credential.ts';
export { nobleCrypto } from './identities/noble.ts';
export { nodeCrypto } from './identities/node-crypto.ts';
/** What a WebSocket message holds. */
export { decodeBareEnvelope, encodeBareEnvelope } from './runtime/codec/bare-envelope.ts';
/** BARE values, one by one. */
export { BareReader, bareData, bareString, bareVarint } from './runtime/codec/bare.ts';
/** Strict CBOR: what every record outside an envelope goes through. */
export { decodeCbor, encodeCbor } from './runtime/codec/cbor.ts';
/** What a TCP frame holds. */
export { decodeEnvelope, type Envelope, encodeEnvelopeHead } from './runtime/codec/envelope.ts';
/** Cuts a TCP stream into frames. */
export { FRAME_BYTES_MAX, FRAME_HEAD_BYTES, FrameReader, TCP_VERSION } from './transports/framing.ts';
/** Pings, payloads, windows, ends and resets of portals. */
export * as portalMessages from './workers/portal/portal-message.ts';
/** Registrations at a relay service and their confirmations. */
export * as relayMessages from './workers/relay/relay-message.ts';
/** What is inside the frames of a channel, and the payload of handshake messages 2 and 3. */
export * as channelMessages from './workers/secure-channel/channel-message.ts';
/** The data phase: seals and opens frames, with the replay window and the change of keys. */
export { FrameOpener } from './workers/secure-channel/frame-opener.ts';
export { FrameSealer } from './workers/secure-channel/frame-sealer.ts';
/** The handshake as Ockam speaks it. */
export { type ChannelKeys, InitiatorHandshake, PROTOCOL_NAME, ResponderHandshake } from './workers/secure-channel/handshake.ts';
/** Noise XX under the names of its specification. */
export { CipherState } from './workers/secure-channel/noise/cipher-state.ts';
export { HandshakeState } from './workers/secure-channel/noise/handshake-state.ts';
export { SymmetricState } from './workers/secure-channel/noise/symmetric-state.ts';
export { NonceWindow } from './workers/secure-channel/nonce-window.ts';
