/**
 * Real topologies under a seed: the code that production runs, in virtual time, on a network that fails as told. A failure comes
 * with its seed, its shrunk faults and a picture. Needs `fast-check` beside it.
 */
export { Adversary, type AdversaryOptions } from './adversary.ts';
export type { AnyNode, AnyNodeOptions, AnyWorld, Named, SettleOptions, UntilOptions, WorldKind } from './any-world.ts';
export { type RunOptions, SimulatedClock, type SimulatedClockOptions } from './clock.ts';
export { type Duration } from './duration.ts';
export { SimulationError } from './errors.ts';
export { type Fault, type FaultKind, faultText, type Tampering } from './faults.ts';
export { type FaultListOptions, faultLists, type Trouble } from './generators.ts';
export {
  type BackOptions,
  backAfterFaults,
  bytesOutPrefixOfBytesIn,
  type Claim,
  type Ends,
  everyMessageEnds,
  type Marker,
  type MessageSums,
  messageSums,
  noNonceTwice,
  noPlaintext,
  nothingLeft,
  oneOwner,
  onlyAllowed,
  orderPerSender,
  type PlaintextOptions,
  prefixFault,
  queuesWithin,
  relayClaims,
} from './invariants/index.ts';
export type { Latency, LinkOptions } from './link.ts';
export type { HostOptions } from './machine.ts';
export { memoryNetwork, type SimulatedHost, SimulatedNetwork, type SimulatedNetworkOptions } from './network.ts';
export * from './invariants/index.ts';
export { type HtmlOptions, toHtml } from './picture/html.ts';
export { type MermaidOptions, toMermaid } from './picture/mermaid.ts';
export { type NamedProgram, program } from './program.ts';
export { seededRandom } from './random.ts';
export { type Replay, replay } from './replay.ts';
export { type Tamper, type TamperContext, type Tampered, tampering } from './tampering.ts';
export {
  explore,
  type ExploreOptions,
  type Play,
  type PlayAnywhere,
  type Report,
  type Scenario,
  simulate,
  SimulationFailure,
  type SimulateOptions,
} from './simulate.ts';
export { type NodeState, stateAfter, stateBefore, states, type StreamState, type WorldState } from './states.ts';
export type {
  BytesEvent,
  Invariant,
  LogEvent,
  MessageEvent,
  NodeEvent,
  RunSettings,
  SealEvent,
  StreamEvent,
  Trace,
  TraceEvent,
  Violation,
} from './trace.ts';
export { decodeTrace, encodeTrace, type TraceFileOptions } from './trace-file.ts';
export { type Difference, eventText, firstDifference } from './trace-diff.ts';
export { World, type WorldNodeOptions, type WorldOptions } from './world.ts';
export { type Home, type NodeProgram, WorldNode } from './world-node.ts';
