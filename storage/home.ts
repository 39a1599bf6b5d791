import type { HomeState } from '../manager/ports.ts';
import type { PolicyRepository } from '../policies/resource-policies.ts';
import { StoredHeard } from './heard.ts';
import { StoredNodes } from './nodes.ts';
import { StoredPolicies } from './policies.ts';
import { StoredProjects } from './projects.ts';
import { StoredResources } from './resources.ts';
import type { Store } from './store.ts';

/** Nodes, their resources and policies, the projects of a home, and what was heard of revocations, in a store. */
export class StoredHome implements HomeState {
  readonly #store: Store;
  readonly nodes: StoredNodes;
  readonly resources: StoredResources;
  readonly projects: StoredProjects;
  readonly heard: StoredHeard;

  constructor(store: Store) {
    this.#store = store;
    this.nodes = new StoredNodes(store);
    this.resources = new StoredResources(store);
    this.projects = new StoredProjects(store);
    this.heard = new StoredHeard(store);
  }

  policies(node: string): PolicyRepository {
    return new StoredPolicies(this.#store, node);
  }
}
