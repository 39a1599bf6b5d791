/**
 * `postern/manager`: the node as its operator knows it. Multi-addresses and the ways they lead by, resources by name that are there
 * again after a restart, policies, trust, and how each stands.
 */
export {
  decodeMultiAddress,
  decodeMultiAddressCbor,
  MultiAddress,
  multiAddress,
  MultiAddressError,
  parseMultiAddress,
} from '../runtime/multi-address.ts';
export { NodeAccess, type PolicyStatus } from './access.ts';
export type { ChannelOptions } from './channels.ts';
export {
  type DenialStatus,
  type ExplainRequest,
  type ExplanationStatus,
  type FactStatus,
  type PartStatus,
  type PlanRequest,
  type PlanStatus,
  type PolicyChange,
  type ReachStatus,
  readDecisions,
} from './decisions.ts';
export { ManagerError } from './errors.ts';
export type { HomeCredentials, KeptCredential } from './home/credentials.ts';
export { HomeError } from './home/errors.ts';
export { checkName, DATABASE_FILE, freeName, Home } from './home/home.ts';
export type { NamedIdentity, NamedVault, NameRepository } from './home/names.ts';
export { importProject, type ImportOptions } from './known-projects.ts';
export {
  type ChannelsBy,
  type Link,
  Links,
  type LinksOptions,
  type NodeNames,
  type OpenOptions,
  type ProjectEntrance,
  type ProjectNames,
} from './links.ts';
export { type Allowed, createManager, Manager, type ManagerOptions, type SendOptions } from './manager.ts';
export { MemoryHome } from './memory.ts';
export type {
  HomeState,
  KnownProject,
  NodeRecord,
  NodeRepository,
  ProjectRepository,
  ResourceKind,
  ResourceRepository,
  Settings,
  StoredResource,
} from './ports.ts';
export type { Removal } from '../workers/authority/removal.ts';
export { ProjectError } from './project/errors.ts';
export {
  askAuthority,
  askProject,
  enroll,
  type Enrolled,
  type MemberChannels,
  type MemberOptions,
  projectMember,
  type ProjectMember,
  type ProjectMemberOptions,
} from './project/member.ts';
export { createProject, type Project, type ProjectOptions, type TicketOptions } from './project/project.ts';
export { memoryProjectState, type ProjectState, storedProjectState } from './project/state.ts';
export { type Step, stepsOf } from './resolve.ts';
export type { InletOptions, ListenerOptions, OutletOptions, RelayOptions } from './settings.ts';
export type {
  ChannelStatus,
  DownStatus,
  Health,
  InletStatus,
  ListenerStatus,
  NodeStatus,
  OutletStatus,
  RelayStatus,
  ServiceStatus,
  TransportStatus,
  UpOrDown,
  WorkerStatus,
} from './status.ts';
export type { TrustOptions } from './trust.ts';
