import { createIdentity, type Identity } from '../identities/identity.ts';
import { MemoryIdentityRepository } from '../identities/repository.ts';
import { everyone } from '../identities/trust.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Node } from '../runtime/node.ts';
import { type Route, route } from '../runtime/route.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { NodeClock } from '../simulation/node-clock.ts';
import { seededRandom } from '../simulation/random.ts';
import { tcp } from '../transports/tcp.ts';
import { type Authority, type AuthorityOptions, startAuthority } from '../workers/authority/authority.ts';
import type { AuthorityClient } from '../workers/authority/authority-client.ts';
import { withAuthority } from '../workers/authority/authority-client.ts';
import { type CredentialRetriever, credentialRetriever, type RetrieverOptions } from '../workers/authority/credential-retriever.ts';
import { relayPermission } from '../workers/authority/relay-permission.ts';
import { MemoryAuthorityStore } from '../workers/authority/store.ts';
import { relayService } from '../workers/relay/relay-service.ts';
import { fromHolders } from '../workers/secure-channel/local-info.ts';
import {
  type ChannelListener,
  secureChannel,
  secureChannelListener,
  type SecureChannelOptions,
} from '../workers/secure-channel/secure-channel.ts';

/** Somebody with a node of its own and a way to the authority and the project. */
export interface Party {
  readonly node: Node;
  readonly identity: Identity;
  readonly repository: MemoryIdentityRepository;
  readonly toAuthority: Route;
  readonly toProject: Route;
}

/** An authority and a project with a relay service, each on a machine of its own, over a simulated network. */
export class AuthorityWorld {
  readonly clock = new SimulatedClock();
  readonly network = new SimulatedNetwork({ clock: this.clock, latencyMs: 1 });
  readonly store = new MemoryAuthorityStore();
  authority!: Authority;
  authorityIdentity!: Identity;
  projectIdentity!: Identity;
  projectRepository = new MemoryIdentityRepository();
  project!: ChannelListener;
  projectNode!: Node;
  #seed = 1_000;

  static async make(options: Partial<AuthorityOptions> = {}): Promise<AuthorityWorld> {
    const world = new AuthorityWorld();
    await world.clock.runUntil(world.#begin(options));
    return world;
  }

  run<Value>(promise: Promise<Value>): Promise<Value> {
    return this.clock.runUntil(promise);
  }

  /** Lets so much time pass. */
  pass(ms: number): Promise<void> {
    return this.clock.runUntil(new Promise((resolve) => void this.clock.setTimer(ms, resolve)));
  }

  /** @param skewSeconds by how much its wall clock is wrong */
  node(name: string, skewSeconds = 0): Node {
    return new Node({
      name,
      clock: skewSeconds === 0 ? this.clock : new NodeClock(this.clock, { seconds: skewSeconds }),
      random: seededRandom(this.#seed++),
      network: this.network.host(name),
      logger: silentLogger,
    });
  }

  async party(name: string, skewSeconds = 0): Promise<Party> {
    const node = this.node(name, skewSeconds);
    const repository = new MemoryIdentityRepository();
    const identity = await createIdentity({ clock: node.clock, random: seededRandom(this.#seed++), repository });
    // A party without the authority's history could not verify its credential.
    await identity.importHistory(await this.authorityIdentity.exportHistory(), { keep: true });
    const [authority, project] = await this.run(Promise.all([node.connect(tcp(), 'authority:4000'), node.connect(tcp(), 'project:4000')]));
    return { node, identity, repository, toAuthority: route(authority, 'api'), toProject: route(project, 'api') };
  }

  /** Asks the authority by one channel. */
  ask<Result>({ node, identity, toAuthority }: Party, work: (authority: AuthorityClient) => Promise<Result>): Promise<Result> {
    const options = { identity, authority: this.authority.identifier, to: toAuthority, timeoutMs: 10_000 };
    return this.run(withAuthority(node, options, work));
  }

  retriever({ node, identity, repository, toAuthority }: Party, options: Partial<RetrieverOptions> = {}): CredentialRetriever {
    return credentialRetriever(node, {
      identity,
      authority: this.authority.identifier,
      to: toAuthority,
      scope: 'project-member-p1',
      cache: repository,
      timeoutMs: 10_000,
      ...options,
    });
  }

  toProject({ node, identity, toProject }: Party, options: Partial<SecureChannelOptions> = {}) {
    return this.run(secureChannel(node, toProject, { identity, trust: everyone, ...options }));
  }

  async #begin(options: Partial<AuthorityOptions>): Promise<void> {
    const { clock } = this;
    this.authorityIdentity = await createIdentity({ clock, random: seededRandom(1) });
    this.projectIdentity = await createIdentity({ clock, random: seededRandom(2), repository: this.projectRepository });
    const authorityNode = this.node('authority');
    const on = await authorityNode.listen(tcp(), '0.0.0.0:4000');
    this.authority = await startAuthority(authorityNode, {
      identity: this.authorityIdentity,
      store: this.store,
      project: 'p1',
      on,
      ...options,
    });
    this.projectNode = this.node('project');
    const listener = await this.projectNode.listen(tcp(), '0.0.0.0:4000');
    await this.projectIdentity.importHistory(await this.authorityIdentity.exportHistory(), { keep: true });
    const authorities = [this.authority.identifier];
    this.project = secureChannelListener(this.projectNode, 'api', {
      identity: this.projectIdentity,
      trust: everyone,
      authorities,
      on: listener,
    });
    relayService(this.projectNode, {
      on: this.project,
      allow: fromHolders(this.authority.identifier),
      mayRegister: relayPermission(this.authority.identifier),
    });
  }
}
