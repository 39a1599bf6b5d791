import { DecisionLog } from '../policies/decision-log.ts';
import { parsePolicy, type Policy } from '../policies/policy.ts';
import { PolicyGate } from '../policies/policy-access-control.ts';
import { HANDLE_MESSAGE, type Resource, type ResourceSelector } from '../policies/resource.ts';
import { type PolicyRepository, ResourcePolicies } from '../policies/resource-policies.ts';
import type { Subjects } from '../policies/subjects.ts';
import type { AccessControl } from '../runtime/access-control.ts';
import { Listeners } from '../runtime/listeners.ts';
import { errorFields } from '../runtime/logger.ts';
import type { Node } from '../runtime/node.ts';
import { peerOf } from '../workers/secure-channel/local-info.ts';

export interface NodeAccessOptions {
  readonly repository: PolicyRepository;
  /** What the node's authority attests; undefined for a node without one. */
  readonly subjects: Subjects | undefined;
  /** Whether resources without a policy of their own are open to everyone, until `deny` is called. Source: decisions.md D1 */
  readonly isOpen: boolean;
}

/** A policy as it is shown. Source: command-line.md 2.3 */
export interface PolicyStatus {
  /** Name or type. */
  readonly resource: string;
  readonly action: string;
  readonly expression: string;
}

/** The policies of a node, and the controls that ask them. What is changed is written down before it takes effect. */
export class NodeAccess {
  readonly log: DecisionLog;
  readonly #node: Node;
  readonly #policies: ResourcePolicies;
  readonly #repository: PolicyRepository;
  readonly #gate: PolicyGate;
  readonly #denied: Listeners<void>;
  readonly #subjects: Subjects | undefined;
  #isOpen: boolean;

  private constructor(node: Node, policies: ResourcePolicies, { repository, subjects, isOpen }: NodeAccessOptions) {
    const { clock, logger } = node;
    this.#node = node;
    this.#policies = policies;
    this.#repository = repository;
    this.#subjects = subjects;
    this.#isOpen = isOpen;
    this.log = new DecisionLog({ clock });
    this.#gate = new PolicyGate({
      policies,
      subjects,
      log: this.log,
      clock,
      logger,
      peerOf,
      terminal: (address) => node.terminal(address),
    });
    this.#denied = new Listeners((thrown) => logger.log('error', 'access.listener.failed', errorFields(thrown)));
  }

  /** With the policies that were kept. @throws {PolicyError} for one that is none */
  static async restored(node: Node, options: NodeAccessOptions): Promise<NodeAccess> {
    return new NodeAccess(node, ResourcePolicies.restored(await options.repository.all(), node.logger), options);
  }

  /** Whether resources without a policy of their own are open to everyone. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether everyone may use it: a policy that was set for the resource itself counts in the open mode, too. */
  isOpenFor({ name }: Pick<Resource, 'name'>): boolean {
    return this.#isOpen && this.#policies.get({ name }) === undefined;
  }

  /** Whether an authority attests anything to this node. */
  get hasAuthority(): boolean {
    return this.#subjects !== undefined;
  }

  /** What is attested of a subject now. */
  attributesOf(identifier: string): ReadonlyMap<string, string> | undefined {
    const facts = this.#subjects?.factsOf(identifier);
    return facts !== undefined && this.#node.clock.wallSeconds() < facts.expiresAt ? facts.attributes : undefined;
  }

  /** The policies as they are now, to be changed for a plan. */
  copyOfPolicies(): ResourcePolicies {
    return this.#policies.copy();
  }

  /** Ends the open mode for good, for streams that are open, too. */
  deny(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#node.logger.log('warn', 'open.mode.ended', { reason });
    this.#denied.tell();
  }

  incoming(resource: Resource): AccessControl {
    return this.#orOpen(resource, this.#gate.incoming(resource));
  }

  outgoing(resource: Resource): AccessControl {
    return this.#orOpen(resource, this.#gate.outgoing(resource));
  }

  /** @throws {PolicyError} for a text that is no policy; nothing was changed */
  async set(selector: ResourceSelector, text: string): Promise<Policy> {
    const policy = parsePolicy(text);
    await this.#repository.store({ selector, action: HANDLE_MESSAGE, expression: policy.text });
    this.#policies.set(selector, policy);
    return policy;
  }

  /** @returns whether there was one */
  async delete(selector: ResourceSelector): Promise<boolean> {
    await this.#repository.remove(selector, HANDLE_MESSAGE);
    return this.#policies.delete(selector);
  }

  get(selector: ResourceSelector): Policy | undefined {
    return this.#policies.get(selector);
  }

  /** Those of resources first. */
  list(): readonly PolicyStatus[] {
    return this.#policies.list().map(({ selector, policy }) => ({
      resource: 'name' in selector ? selector.name : selector.type,
      action: HANDLE_MESSAGE,
      expression: policy.text,
    }));
  }

  close(): void {
    this.#gate.close();
  }

  #orOpen(resource: Resource, gated: AccessControl): AccessControl {
    const isOpen = () => this.isOpenFor(resource);
    return {
      allows: (message) => isOpen() || gated.allows(message),
      watch: (message, onDenied) => {
        let end: (() => void) | undefined;
        const denied = () => {
          end = undefined;
          if (!isOpen()) onDenied();
        };
        const look = () => {
          if (!isOpen()) end ??= gated.watch?.(message, denied);
        };
        const undo = [this.#denied.add(look), this.#policies.onChanged(look)];
        look();
        return () => {
          for (const each of undo) each();
          end?.();
        };
      },
    };
  }
}
