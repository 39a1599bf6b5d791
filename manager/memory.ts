import type { PolicyRepository, StoredPolicy } from '../policies/resource-policies.ts';
import { MemoryHeardRepository } from '../workers/authority/heard-revocations.ts';
import type {
  HomeState,
  KnownProject,
  NodeRecord,
  NodeRepository,
  ProjectRepository,
  ResourceRepository,
  StoredResource,
} from './ports.ts';

/** What a home keeps, in memory: for tests, simulations, and programs that set up everything themselves. */
export class MemoryHome implements HomeState {
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #resources = new Map<string, StoredResource>();
  readonly #projects = new Map<string, KnownProject>();
  readonly #policies = new Map<string, Map<string, StoredPolicy>>();

  readonly nodes: NodeRepository = {
    list: () => Promise.resolve(this.#nodesByName()),
    get: (name) => Promise.resolve(this.#nodes.get(name)),
    change: async (name, decide, { forgetsResources = false } = {}) => {
      await Promise.resolve(); // From here to the end nobody else has a turn.
      const before = this.#nodes.get(name);
      const decided = decide(before);
      if (decided === undefined) return undefined;
      const { settings, state } = decided;
      const record = { name, settings, state, isDefault: before?.isDefault ?? this.#nodes.size === 0 };
      this.#nodes.set(name, record);
      if (forgetsResources) this.#forgetResources(name);
      return record;
    },
    setDefault: (name) => {
      if (this.#nodes.has(name)) this.#makeDefault(name);
      return Promise.resolve(this.#nodes.has(name));
    },
    remove: (name) => {
      const removed = this.#nodes.get(name);
      if (removed === undefined) return Promise.resolve(false);
      this.#nodes.delete(name);
      this.#forgetResources(name);
      this.#policies.delete(name);
      const [first] = this.#nodesByName();
      if (removed.isDefault && first !== undefined) this.#makeDefault(first.name);
      return Promise.resolve(true);
    },
  };

  readonly resources: ResourceRepository = {
    of: (node) =>
      Promise.resolve(
        sorted(
          [...this.#resources.values()].filter((each) => each.node === node),
          ({ kind, name }) => `${kind} ${name}`,
        ),
      ),
    store: (resource) => {
      this.#resources.set(keyOf(resource.node, resource.kind, resource.name), resource);
      return Promise.resolve();
    },
    remove: (node, kind, name) => Promise.resolve(this.#resources.delete(keyOf(node, kind, name))),
  };

  readonly projects: ProjectRepository = {
    list: () => Promise.resolve(this.#projectsByName()),
    change: async (decide) => {
      await Promise.resolve();
      const known = this.#projectsByName();
      const kept = decide(known);
      if (kept.isDefault) for (const each of known) this.#projects.set(each.id, { ...each, isDefault: false });
      this.#projects.set(kept.id, kept);
      return kept;
    },
    remove: (id) => Promise.resolve(this.#projects.delete(id)),
  };

  readonly heard = new MemoryHeardRepository();

  policies(node: string): PolicyRepository {
    const place = () => {
      const policies = this.#policies.get(node) ?? new Map<string, StoredPolicy>();
      this.#policies.set(node, policies);
      return policies;
    };
    return {
      all: () => Promise.resolve([...place().values()]),
      store: (policy) => {
        place().set(keyOf(JSON.stringify(policy.selector), policy.action), policy);
        return Promise.resolve();
      },
      remove: (selector, action) => {
        place().delete(keyOf(JSON.stringify(selector), action));
        return Promise.resolve();
      },
    };
  }

  #nodesByName(): NodeRecord[] {
    return sorted(this.#nodes.values(), ({ name }) => name);
  }

  #projectsByName(): KnownProject[] {
    return sorted(this.#projects.values(), ({ name }) => name);
  }

  #makeDefault(name: string): void {
    for (const record of this.#nodesByName()) this.#nodes.set(record.name, { ...record, isDefault: record.name === name });
  }

  #forgetResources(node: string): void {
    for (const [key, resource] of this.#resources) if (resource.node === node) this.#resources.delete(key);
  }
}

const keyOf = (...parts: readonly string[]) => JSON.stringify(parts);

function sorted<Value>(values: Iterable<Value>, by: (value: Value) => string): Value[] {
  return [...values].sort((left, right) => (by(left) < by(right) ? -1 : 1));
}
