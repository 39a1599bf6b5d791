/**
 * postern: addressable workers, multi-hop routing, secure channels, relays and portals. This is the front door: the names
 * most programs need. `postern/property-tests` has the generators for tests.
 */
import { systemClock } from './host/clock.ts';
import { jsonLogger } from './host/logger.ts';
import { systemRandom } from './host/random.ts';
import { createIdentity as makeIdentity, type Identity, type IdentityOptions, type KeyOptions } from './identities/identity.ts';
import { Node, type NodeOptions } from './runtime/node.ts';
import { nodeNetwork } from './transports/node-network.ts';

/**
 * Makes a node: an empty one, reachable by nobody. Every port can be given: a simulation gives its own clock, randomness,
 * network and logger, and runs the same code.
 */
// eslint-disable-next-line @typescript-eslint/require-await -- a node that is restored from a store is not made in one turn: callers await today
export async function createNode(options: Partial<NodeOptions> = {}): Promise<Node> {
  return new Node({ clock: systemClock, random: systemRandom, network: nodeNetwork, logger: jsonLogger({ level: 'warn' }), ...options });
}

/** Makes a new identity with keys of its own, held in memory unless a vault and a repository are given. */
export function createIdentity(options: Partial<IdentityOptions & KeyOptions> = {}): Promise<Identity> {
  return makeIdentity({ clock: systemClock, random: systemRandom, ...options });
}

export { systemClock } from './host/clock.ts';
export { jsonLogger } from './host/logger.ts';
export { systemRandom } from './host/random.ts';
export type { Identifier } from './identities/identifier.ts';
export { parseIdentifier } from './identities/identifier.ts';
export type { Identity } from './identities/identity.ts';
export { openIdentity } from './identities/identity.ts';
export { type IdentityRepository, MemoryIdentityRepository } from './identities/repository.ts';
export { everyone, holdsCredential, onlyPeer, peers, type TrustPolicy } from './identities/trust.ts';
export { DecisionLog, type DecisionLogOptions, type Denial, explainDenial, type LoggedDenial } from './policies/decision-log.ts';
export { PolicyError, type SyntaxFault } from './policies/errors.ts';
export { type ExplainedPart, type Explanation, explain, explanationText } from './policies/explain.ts';
export {
  comparePolicies,
  type Member,
  plan,
  planChange,
  type PolicyDifference,
  type Reach,
  type ReachChange,
  type Rule,
  type Situation,
} from './policies/plan.ts';
export { parsePolicy, type Policy, policy } from './policies/policy.ts';
export { PolicyGate, type PolicyGateOptions } from './policies/policy-access-control.ts';
export { parseResourceType, type Resource, RESOURCE_TYPES, type ResourceSelector, type ResourceType } from './policies/resource.ts';
export { type PolicyRepository, ResourcePolicies, type StoredPolicy, storedPolicy } from './policies/resource-policies.ts';
export { MemorySubjects, type SubjectFacts, type Subjects } from './policies/subjects.ts';
export { type AccessControl, allOf, allowNobody, anyOf, onlyFrom, onlyTo } from './runtime/access-control.ts';
export { Address, address } from './runtime/address.ts';
export type { Clock, Timer } from './runtime/clock.ts';
export { bytes, type Codec, data, text } from './runtime/codec/codec.ts';
export { decodeEnvelope, type Envelope, encodeEnvelopeHead } from './runtime/codec/envelope.ts';
export { msgpack } from './runtime/codec/msgpack.ts';
export type { Context } from './runtime/context.ts';
export type { DeadLetter, DeadLetterReason } from './runtime/dead-letter.ts';
export { CodecError, PosternError, RuntimeError, TransportError } from './runtime/errors.ts';
export { type Logger, silentLogger } from './runtime/logger.ts';
export type { Message } from './runtime/message.ts';
export type { ByteStream, HostPort, Network, StreamReader } from './runtime/network.ts';
export { Node, type NodeOptions } from './runtime/node.ts';
export { type Destination, type Protocol, protocol } from './runtime/protocol.ts';
export type { Random } from './runtime/random.ts';
export { type ResolveTransports, resolveRoute } from './runtime/resolve.ts';
export { parseRoute, Route, route } from './runtime/route.ts';
export type { TraceEvent } from './runtime/router.ts';
export type { Connection, Listener, Transport } from './runtime/transport.ts';
export { via, type Way, whenThere } from './runtime/way.ts';
export type { OnFailure, StartOptions, Worker } from './runtime/worker.ts';
export { createNodeNetwork, nodeNetwork } from './transports/node-network.ts';
export { tcp } from './transports/tcp.ts';
export { websocket } from './transports/websocket.ts';
export { ApiError, Refusal } from './workers/api/errors.ts';
export { type Authority, type AuthorityOptions, startAuthority } from './workers/authority/authority.ts';
export { AuthorityClient, type AuthorityClientOptions, withAuthority } from './workers/authority/authority-client.ts';
export { type CredentialRetriever, credentialRetriever, type RetrieverOptions } from './workers/authority/credential-retriever.ts';
export { AuthorityError, TicketError } from './workers/authority/errors.ts';
export {
  decodeProjectJson,
  encodeProjectJson,
  type ImportedProject,
  importProject,
  type ProjectInformation,
} from './workers/authority/project.ts';
export { relayGrants, relayPermission } from './workers/authority/relay-permission.ts';
export { type HeardRepository, MemoryHeardRepository } from './workers/authority/heard-revocations.ts';
export { type RevocationWatch, revocationWatch } from './workers/authority/revocation-watch.ts';
export { followRevocations } from './workers/trust/follow-revocations.ts';
export { type AuthorityStore, type AuthorityTransaction, MemoryAuthorityStore } from './workers/authority/store.ts';
export { decodeTicket, encodeCompactTicket, encodeTicket, type Ticket } from './workers/authority/ticket.ts';
export { echo } from './workers/echo.ts';
export { hop } from './workers/hop.ts';
export { PortalError } from './workers/portal/errors.ts';
export { type Inlet, inlet, type InletOptions } from './workers/portal/inlet.ts';
export { type Outlet, outlet, type OutletOptions } from './workers/portal/outlet.ts';
export { relayService, type RelayService, type RelayServiceOptions } from './workers/relay/relay-service.ts';
export { relaySession } from './workers/relay/relay-session.ts';
export { registerRelay } from './workers/relay/remote-relay.ts';
export { channelSession } from './workers/secure-channel/channel-session.ts';
export { ChannelError } from './workers/secure-channel/errors.ts';
export { fromAnyPeer, fromHolders, fromPeers, peerOf } from './workers/secure-channel/local-info.ts';
export { type ChannelListener, type SecureChannel, secureChannel, secureChannelListener } from './workers/secure-channel/secure-channel.ts';
export { connectionSession } from './workers/session/connection-session.ts';
export { maintain, Session } from './workers/session/session.ts';
export { AttestedSubjects, type AttestedSubjectsOptions } from './workers/trust/attested-subjects.ts';
export { uppercase } from './workers/uppercase.ts';
