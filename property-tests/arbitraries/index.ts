/**
 * Generators for fast-check: the values and the wire of postern, genuine and hostile. For tests of your own workers,
 * codecs and simulations. All are built from small steps, so that a failure shrinks to something a person can read.
 */
export { addresses, localAddresses, routes } from './addresses.ts';
export { attributeNames, attributeSets } from './attributes.ts';
export { type ByteStep, chunkings, type HostileOptions, hostileBytes, payloads } from './bytes.ts';
export { type ChangePlan, changeHistories, type HistoryOptions, type HistoryPlan } from './histories.ts';
export { type EnvelopeFields, envelopes, type Frame, frames } from './envelopes.ts';
export { booleanPolicies, type ExpressionOptions, expressions, members, policies, policyTexts } from './policies.ts';
export { behindNat, lines, meshes, type NatTopology, stars } from './shapes.ts';
export { type LinkPlan, type RelayPlan, type Topology, topologies, type TopologySize } from './topologies.ts';
export { type MessagePlan, messagesOver, type RoutePlan, routesOver, type RouteSize } from './walks.ts';
