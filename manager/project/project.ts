import { systemClock } from '../../host/clock.ts';
import { jsonLogger } from '../../host/logger.ts';
import { systemRandom } from '../../host/random.ts';
import type { Attributes } from '../../identities/attributes.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import { everyone } from '../../identities/trust.ts';
import { formatHostPort, parseHostPort } from '../../runtime/host-port.ts';
import type { HostPort } from '../../runtime/network.ts';
import { Node, type Ports } from '../../runtime/node.ts';
import { hex } from '../../runtime/random.ts';
import type { Listener } from '../../runtime/transport.ts';
import { nodeNetwork } from '../../transports/node-network.ts';
import { tcp } from '../../transports/tcp.ts';
import { type Authority, startAuthority } from '../../workers/authority/authority.ts';
import type { ProjectInformation } from '../../workers/authority/project.ts';
import { relayGrants } from '../../workers/authority/relay-permission.ts';
import type { Removal } from '../../workers/authority/removal.ts';
import type { RevocationWatch } from '../../workers/authority/revocation-watch.ts';
import { revocationsNextDoor } from '../../workers/authority/revocations-next-door.ts';
import { ADMINISTRATOR, HOSTED_ROLE, makesAdministrator } from '../../workers/authority/roles.ts';
import { encodeTicket } from '../../workers/authority/ticket.ts';
import { echo } from '../../workers/echo.ts';
import { type Registration, type RelayService, relayService } from '../../workers/relay/relay-service.ts';
import { fromHolders } from '../../workers/secure-channel/local-info.ts';
import { type ChannelListener, secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { AttestedSubjects } from '../../workers/trust/attested-subjects.ts';
import { followRevocations } from '../../workers/trust/follow-revocations.ts';
import { ProjectError } from './errors.ts';
import { Gateway, LISTENER } from './gateway.ts';
import { PROJECT_INFORMATION, projectInformationService } from './information.ts';
import { loadProject, type ProjectRecord } from './records.ts';
import type { ProjectState } from './state.ts';

/** What connections to an authority carry. Source: decisions.md B2 */
export const PROJECT_FRAME_BYTES_MAX = 16 * 1024 * 1024;

export interface ProjectOptions {
  /** `storedProject` of an open store, or `memoryProjectState`. */
  readonly state: ProjectState;
  /** `HOST:PORT`, the only one that a project uses. */
  readonly listen: string;
  /** What goes into tickets and project information. Default: where it listens; needed when that is every address of the machine. */
  readonly publicAddress?: string;
  /** By which its members call it. Default: as it was called at its last start, at first `default`. */
  readonly name?: string;
  /** Of a project that is new. Default: a random UUID. */
  readonly id?: string;
  /** Are administrators for as long as they are named here, at each start. Default: those of the last start. */
  readonly administrators?: readonly Identifier[];
  /** Default: 1 hour. */
  readonly credentialLifeSeconds?: number;
  /** Calls back when somebody has redeemed a ticket at this process. */
  readonly onJoined?: (identifier: Identifier) => void;
  /** Default: those of this machine. */
  readonly ports?: Partial<Ports>;
}

export interface TicketOptions {
  readonly attributes?: Readonly<Record<string, string>>;
  /** Default: 600; at most 30 days. */
  readonly lifeSeconds?: number;
  /** Default: 1; at most 1,000. */
  readonly useCount?: number;
}

/** A running project, as its host sees it. */
export interface Project extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  readonly identifier: Identifier;
  /** Of its authority. */
  readonly authority: Authority;
  /** Where it really listens. */
  readonly local: HostPort;
  /** What its members have to know of it; nothing of it is a secret. */
  readonly information: ProjectInformation;
  /** Addresses of the relays that its members hold. */
  readonly relays: RelayService['relays'];
  /** The three nodes it is made of, for whoever watches over them. */
  readonly nodes: { readonly gateway: Node; readonly project: Node; readonly authority: Node };
  /** Makes a ticket in the name of the authority. @returns its text, which is a secret. @throws {Refusal} */
  ticket(options?: TicketOptions): Promise<string>;
  /**
   * A ticket that makes the first administrator and lives for a day.
   * @returns undefined when there is an administrator, or such a ticket is open
   * Source: decisions.md D5
   */
  administratorTicket(): Promise<string | undefined>;
  /** Whether somebody is an administrator. */
  hasAdministrator(): Promise<boolean>;
  /**
   * Removes a member in the name of the host: its codes and credentials are void from now on.
   * @returns what went with it, once every node that is connected has cut it off, or after 1 s: `receipt` says who has not
   * @throws {Refusal} also for the last administrator, and for one that the host names
   */
  removeMember(identifier: Identifier): Promise<Removal>;
  /** Says goodbye to its members and stops. The store stays open: it is the caller's. */
  close(): Promise<void>;
}

/**
 * Starts a project: the authority that knows its members, and the relay service they meet at, behind one TCP address. Everybody may
 * open a channel to either; all else takes a credential of the authority. A project that was started before from this state is the
 * same again: ids, members, open tickets.
 * @throws {ProjectError} `PROJECT_SETTING`, `PROJECT_STATE`
 * @throws {TransportError} `TARGET_TEXT`, `LISTEN_FAILED`
 * @throws {AuthorityError} `AUTHORITY_SETTING`
 * Source: authority.md 6; command-line.md 7; decisions.md D8, D9
 */
export async function createProject(options: ProjectOptions): Promise<Project> {
  const ports: Ports = {
    clock: systemClock,
    random: systemRandom,
    network: nodeNetwork,
    logger: jsonLogger({ level: 'warn' }),
    ...options.ports,
  };
  const shown = publicAddressOf(options);
  const record = await loadProject(options.state, ports, options);
  const node = (part: string) => new Node({ ...ports, name: `${record.name} ${part}` });
  const nodes = { gateway: node('gateway'), project: node('project'), authority: node('authority') };
  try {
    return await RunningProject.start(nodes, record, options, shown);
  } catch (thrown) {
    await stop(nodes);
    throw thrown;
  }
}

type Nodes = Project['nodes'];

class RunningProject implements Project {
  readonly id: string;
  readonly name: string;
  readonly identifier: Identifier;
  readonly authority: Authority;
  readonly local: HostPort;
  readonly information: ProjectInformation;
  readonly nodes: Nodes;
  readonly #relays: RelayService;
  readonly #revocations: RevocationWatch;

  static async start(nodes: Nodes, record: ProjectRecord, options: ProjectOptions, shown: HostPort | undefined): Promise<RunningProject> {
    const listener = await nodes.gateway.listen(tcp(), options.listen, { frameBytesMax: PROJECT_FRAME_BYTES_MAX });
    const gateway = new Gateway(nodes.gateway, { projectId: record.id, listener, project: nodes.project, authority: nodes.authority });
    const { administrators, credentialLifeSeconds } = options;
    const authority = await startAuthority(nodes.authority, {
      identity: record.authority,
      store: options.state.members,
      project: record.id,
      roles: 'hosted',
      on: gateway.authority,
      address: LISTENER,
      listeners: [record.project.identifier],
      ...(administrators && { trusted: new Map(administrators.map((each) => [each, ADMINISTRATOR_ATTRIBUTES])) }),
      ...(credentialLifeSeconds !== undefined && { credentialLifeSeconds }),
      ...(options.onJoined && { onJoined: options.onJoined }),
    });
    const revocations = revocationsNextDoor(nodes.project, { identity: record.project, authority, at: nodes.authority });
    const information = await informationOf(record, shown ?? listener.local);
    const relays = startProject(nodes.project, record.project, { authority: authority.identifier, gateway, revocations, information });
    return new RunningProject(nodes, record, { authority, revocations, relays, information, listener });
  }

  private constructor(
    nodes: Nodes,
    record: ProjectRecord,
    parts: {
      readonly authority: Authority;
      readonly revocations: RevocationWatch;
      readonly relays: RelayService;
      readonly information: ProjectInformation;
      readonly listener: Listener;
    },
  ) {
    this.nodes = nodes;
    this.id = record.id;
    this.name = record.name;
    this.identifier = record.project.identifier;
    this.authority = parts.authority;
    this.#relays = parts.relays;
    this.#revocations = parts.revocations;
    this.information = parts.information;
    this.local = parts.listener.local;
  }

  get relays(): RelayService['relays'] {
    return this.#relays.relays;
  }

  async ticket({ attributes = {}, lifeSeconds, useCount }: TicketOptions = {}): Promise<string> {
    const code = await this.authority.issueCode({
      attributes: new Map(Object.entries(attributes)),
      ...(lifeSeconds !== undefined && { lifeSeconds }),
      ...(useCount !== undefined && { useCount }),
    });
    return encodeTicket({ code, project: this.information });
  }

  async administratorTicket(): Promise<string | undefined> {
    const code = await this.authority.administratorCode();
    return code && encodeTicket({ code, project: this.information });
  }

  async hasAdministrator(): Promise<boolean> {
    const members = await this.authority.membership.list('host');
    return members.some(({ attributes }) => makesAdministrator(attributes));
  }

  async removeMember(identifier: Identifier): Promise<Removal> {
    const { membership, revocations } = this.authority;
    const removal = await membership.remove('host', identifier);
    return { ...removal, receipt: await revocations.receiptOfRemoval(removal.revocation) };
  }

  async close(): Promise<void> {
    await this.#revocations.close();
    await this.authority.close();
    await stop(this.nodes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const ADMINISTRATOR_ATTRIBUTES: Attributes = new Map([[HOSTED_ROLE, ADMINISTRATOR]]);

/** What the members meet at: all but the handshake takes a credential. Source: authority.md 6.5, 8.1; command-line.md 7.3 */
function startProject(
  node: Node,
  identity: Identity,
  {
    authority,
    gateway,
    revocations,
    information,
  }: {
    readonly authority: Identifier;
    readonly gateway: Gateway;
    readonly revocations: RevocationWatch;
    readonly information: ProjectInformation;
  },
): RelayService {
  const subjects = new AttestedSubjects({ authority, clock: node.clock, logger: node.logger });
  node.onStop(() => subjects.close());
  followRevocations(revocations, { subjects });
  const channels: ChannelListener = secureChannelListener(node, LISTENER, {
    identity,
    trust: everyone,
    authorities: [authority],
    onCredentials: subjects.learn,
    revocations,
    on: gateway.project,
  });
  const members = fromHolders(authority);
  node.publish(node.start('echo', echo), { on: channels, allow: members });
  node.publish(node.start(PROJECT_INFORMATION, projectInformationService(information)), { on: channels, allow: members });
  const isAdministrator = ({ peer }: Registration): boolean => {
    const facts = peer === undefined ? undefined : subjects.factsOf(peer);
    return facts !== undefined && node.clock.wallSeconds() < facts.expiresAt && facts.attributes.get(HOSTED_ROLE) === ADMINISTRATOR;
  };
  const grants = relayGrants(subjects, node.clock);
  return relayService(node, {
    on: channels,
    allow: members,
    allowTraffic: members,
    isAdministrator,
    mayRegister: (registration) => isAdministrator(registration) || grants.mayRegister(registration),
    // An administrator's relay outlives its newer credentials, whatever they say of relays.
    watchOwner: (registration, onLost) => grants.watchOwner(registration, () => isAdministrator(registration) || onLost()),
  });
}

/** The nodes behind the gateway say goodbye first, as that takes the connections of the gateway. */
async function stop({ gateway, project, authority }: Nodes): Promise<void> {
  await Promise.all([project.stop(), authority.stop()]);
  await gateway.stop();
}

const EVERY_ADDRESS = new Set(['0.0.0.0', '::', '0:0:0:0:0:0:0:0']);

/** What others are told; undefined for where it really listens. */
function publicAddressOf({ listen, publicAddress }: ProjectOptions): HostPort | undefined {
  if (publicAddress === undefined) {
    if (EVERY_ADDRESS.has(parseHostPort(listen).host))
      throw new ProjectError(
        'PROJECT_SETTING',
        `A project that listens on every address needs the one that its members are to dial: give a public address, HOST:PORT.`,
      );
    return undefined;
  }
  const shown = parseHostPort(publicAddress);
  if (EVERY_ADDRESS.has(shown.host) || shown.port === 0)
    throw new ProjectError(
      'PROJECT_SETTING',
      `Nobody can dial ${formatHostPort(shown)}: give the address that members reach this machine by.`,
    );
  return shown;
}

/** Source: authority.md 6.2, 6.4; command-line.md 7.5 */
async function informationOf({ id, name, project, authority }: ProjectRecord, { host, port }: HostPort): Promise<ProjectInformation> {
  const toProject = `/dnsaddr/${host}/tcp/${port}/service/${id}`;
  return {
    id,
    name,
    spaceName: '',
    accessRoute: `${toProject}/service/api`,
    users: [],
    spaceId: '',
    identity: project.identifier,
    authorityAccessRoute: `${toProject}/service/authority/service/api`,
    authorityIdentity: hex(await authority.exportHistory()),
    version: undefined,
    running: undefined,
    operationId: undefined,
    userRoles: [],
    projectChangeHistory: hex(await project.exportHistory()),
  };
}
