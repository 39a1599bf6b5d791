import type { Identifier } from '../identities/identifier.ts';
import type { PolicyRepository } from '../policies/resource-policies.ts';
import type { HeardRepository } from '../workers/authority/heard-revocations.ts';

/** What JSON can say; a number is finite. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** An object that is kept as JSON. Whoever reads it back checks it with a schema: another version may have written it. */
export type Settings = Readonly<Record<string, Json>>;

/** What a home keeps of its nodes and projects, beside keys and identities; several processes may share it. */
export interface HomeState {
  readonly nodes: NodeRepository;
  readonly resources: ResourceRepository;
  readonly projects: ProjectRepository;
  /** What was heard of revoked credentials. */
  readonly heard: HeardRepository;
  /** Those of one node. */
  policies(node: string): PolicyRepository;
}

/** A node as it is written down. Source: command-line.md 4.2 */
export interface NodeRecord {
  readonly name: string;
  /** What it was asked to be: identity, addresses, trust options. It survives a restart. */
  readonly settings: Settings;
  /** What it is now, or was when it ended: its process, the port that it got. */
  readonly state: Settings;
  /** True of one node at most. */
  readonly isDefault: boolean;
}

export interface NodeRepository {
  /** By ascending name. */
  list(): Promise<readonly NodeRecord[]>;
  get(name: string): Promise<NodeRecord | undefined>;
  /**
   * Writes a node down, as one transaction. A node that is the only one becomes the default.
   * @param decide given the record as it stands, says what to keep; undefined leaves all as it is. It awaits nothing, and may run twice
   * @returns the record that was kept, or undefined
   * @throws what `decide` throws
   */
  change(
    name: string,
    decide: (before: NodeRecord | undefined) => Pick<NodeRecord, 'settings' | 'state'> | undefined,
    /** `forgetsResources`: what the node held up goes with the old record; its policies stay. Source: command-line.md 4.2 */
    options?: { readonly forgetsResources?: boolean },
  ): Promise<NodeRecord | undefined>;
  /** @returns whether there is such a node */
  setDefault(name: string): Promise<boolean>;
  /** With its resources and policies. After the default the first one left by name is the default. @returns whether there was one */
  remove(name: string): Promise<boolean>;
}

/** What a node holds up until it is told otherwise. */
export type ResourceKind = 'tcp-inlet' | 'tcp-outlet' | 'relay' | 'secure-channel-listener';

/** A resource as it is restored after a restart. Source: command-line.md 4.3 */
export interface StoredResource {
  readonly node: string;
  readonly kind: ResourceKind;
  /** Its alias, its name, or its worker's address. */
  readonly name: string;
  readonly settings: Settings;
}

export interface ResourceRepository {
  /** Of one node, by ascending kind and name. */
  of(node: string): Promise<readonly StoredResource[]>;
  /** Replaces the one of that node, kind and name. */
  store(resource: StoredResource): Promise<void>;
  /** @returns whether there was one */
  remove(node: string, kind: ResourceKind, name: string): Promise<boolean>;
}

/** A project that this home knows. */
export interface KnownProject {
  readonly id: string;
  /** By which it is called here. */
  readonly name: string;
  readonly identity: Identifier | undefined;
  readonly authority: Identifier | undefined;
  /** The JSON object of its project information, as `encodeProjectJson` writes it. */
  readonly information: string;
  /** True of one project at most. */
  readonly isDefault: boolean;
}

export interface ProjectRepository {
  /** By ascending name. */
  list(): Promise<readonly KnownProject[]>;
  /**
   * Keeps one project in place of the one with its id, as one transaction. One that is kept as the default is the only one.
   * @param decide given all that are known, by ascending name, says what to keep. It awaits nothing, and may run twice
   * @returns what was kept
   * @throws what `decide` throws
   */
  change(decide: (known: readonly KnownProject[]) => KnownProject): Promise<KnownProject>;
  /** After the default there is none until one is chosen. @returns whether there was one */
  remove(id: string): Promise<boolean>;
}
