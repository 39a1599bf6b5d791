import { createIdentity, type Identity } from '../identities/identity.ts';
import { MemoryIdentityRepository } from '../identities/repository.ts';
import { createProject, type Project, type ProjectOptions } from '../manager/project/project.ts';
import { type Enrolled, enroll, projectMember, type ProjectMember } from '../manager/project/member.ts';
import { memoryProjectState, type ProjectState } from '../manager/project/state.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Node } from '../runtime/node.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { seededRandom } from '../simulation/random.ts';

/** Somebody with a machine of its own. */
export interface Newcomer {
  readonly node: Node;
  readonly identity: Identity;
  readonly cache: MemoryIdentityRepository;
}

/** A project on one machine, and those who come to it, over a simulated network. */
export class ProjectWorld {
  readonly clock = new SimulatedClock();
  readonly network = new SimulatedNetwork({ clock: this.clock, latencyMs: 1 });
  readonly state: ProjectState = memoryProjectState();
  project!: Project;
  #seed = 0;

  static async make(options: Partial<ProjectOptions> = {}): Promise<ProjectWorld> {
    const world = new ProjectWorld();
    await world.start(options);
    return world;
  }

  /** Starts the project, again after `close` of the one before. */
  async start(options: Partial<ProjectOptions> = {}): Promise<Project> {
    const ports = { clock: this.clock, random: seededRandom(++this.#seed), network: this.network.host('project'), logger: silentLogger };
    const given = { state: this.state, listen: '0.0.0.0:4000', publicAddress: 'project:4000', ports, ...options };
    this.project = await this.run(createProject(given));
    return this.project;
  }

  run<Value>(promise: Promise<Value>): Promise<Value> {
    return this.clock.runUntil(promise);
  }

  /** Lets so much time pass. */
  pass(ms: number): Promise<void> {
    return this.run(new Promise((resolve) => void this.clock.setTimer(ms, resolve)));
  }

  async newcomer(name: string): Promise<Newcomer> {
    const random = seededRandom(++this.#seed);
    const node = new Node({ name, clock: this.clock, random, network: this.network.host(name), logger: silentLogger });
    const cache = new MemoryIdentityRepository();
    return { node, cache, identity: await createIdentity({ clock: this.clock, random, repository: cache }) };
  }

  enroll({ node, ...rest }: Newcomer, ticket: string): Promise<Enrolled> {
    return this.run(enroll(node, { ...rest, ticket, timeoutMs: 10_000 }));
  }

  /** A member by a ticket with these attributes, connected. */
  async member(name: string, attributes: Readonly<Record<string, string>> = {}): Promise<Newcomer & ProjectMember> {
    const newcomer = await this.newcomer(name);
    const { project } = await this.enroll(newcomer, await this.project.ticket({ attributes }));
    const { node, ...rest } = newcomer;
    return { ...newcomer, ...(await this.run(projectMember(node, { ...rest, project, timeoutMs: 10_000 }))) };
  }
}
