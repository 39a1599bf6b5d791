import type { Cli } from './cli.ts';
import type { Doing, Family } from './program.ts';

/** The headings of top-level help. Source: command-line.md 8.3 */
export const GROUPS = {
  start: 'Getting started',
  project: 'Project and members',
  node: 'Nodes and messages',
  portal: 'Portals and relays',
  channel: 'Secure channels',
  trust: 'Identity and trust',
  utility: 'Utilities',
} as const;

/** Fills a command. */
type Fill = (family: Family, cli: Cli, doing: Doing) => void;

interface FamilyEntry {
  readonly name: string;
  /** One line of the help. */
  readonly description: string;
  readonly group: keyof typeof GROUPS;
  /** It works, and stands in no help unless hidden ones are asked for. */
  readonly hidden?: true;
  /** Loaded when it is called: the whole library takes longer than most commands. */
  readonly load: () => Promise<Fill>;
}

/** Every family, and every verb without one, in the order of the help. */
export const FAMILIES: readonly FamilyEntry[] = [
  {
    name: 'enroll',
    description: 'Join a project by a ticket, or begin one on this machine.',
    group: 'start',
    load: async () => (await import('./commands/enroll.ts')).enrollVerb,
  },
  {
    name: 'project',
    description: 'Projects: who belongs together, and where they meet.',
    group: 'project',
    load: async () => (await import('./commands/project.ts')).projectFamily,
  },
  {
    name: 'node',
    description: 'Nodes: processes that hold workers, portals and relays.',
    group: 'node',
    load: async () => (await import('./commands/node.ts')).nodeFamily,
  },
  {
    name: 'message',
    description: 'Messages: say something to a worker, and print what it answers.',
    group: 'node',
    load: async () => (await import('./commands/message.ts')).messageFamily,
  },
  {
  {
    name: 'project-member',
    description: 'Members of a project, and what their credentials say.',
    group: 'project',
    load: async () => (await import('./commands/project-member.ts')).projectMemberFamily,
  },
  {
    name: 'project-admin',
    description: 'Administrators of a project.',
    group: 'project',
    load: async () => (await import('./commands/project-admin.ts')).projectAdminFamily,
  },
  {
    name: 'project-ticket',
    description: 'Tickets that can still be redeemed.',
    group: 'project',
    load: async () => (await import('./commands/project-ticket.ts')).projectTicketFamily,
  },
  {
    name: 'space',
    description: 'Spaces: labels of projects.',
    group: 'project',
    load: async () => (await import('./commands/space.ts')).spaceFamily,
  },
    name: 'tcp-outlet',
    description: 'Outlets: the end of a portal that is next to a TCP server.',
    group: 'portal',
    load: async () => (await import('./commands/tcp-outlet.ts')).tcpOutletFamily,
  },
  {
    name: 'tcp-inlet',
    description: 'Inlets: the end of a portal that clients connect to.',
    group: 'portal',
    load: async () => (await import('./commands/tcp-inlet.ts')).tcpInletFamily,
  },
  {
    name: 'relay',
    description: 'Relays: make a node reachable that nobody can dial.',
    group: 'portal',
    load: async () => (await import('./commands/relay.ts')).relayFamily,
  },
  {
    name: 'secure-channel',
    description: 'Secure channels: end to end, through whatever is between.',
    group: 'channel',
    load: async () => (await import('./commands/secure-channel.ts')).secureChannelFamily,
  },
  {
    name: 'secure-channel-listener',
    description: 'Listeners for secure channels.',
    group: 'channel',
    load: async () => (await import('./commands/secure-channel-listener.ts')).secureChannelListenerFamily,
  },
  {
    name: 'policy',
    description: 'Policies: who may use a resource, by attributes.',
    group: 'trust',
    load: async () => (await import('./commands/policy.ts')).policyFamily,
  },
  {
    name: 'credential',
    description: 'Credentials: what one identity attests of another.',
    group: 'trust',
    load: async () => (await import('./commands/credential.ts')).credentialFamily,
  },
  {
    name: 'identity',
    description: 'Identities: keys with a name, and how they changed.',
    group: 'trust',
    load: async () => (await import('./commands/identity.ts')).identityFamily,
  },
  {
    name: 'vault',
    description: 'Vaults: where the keys of identities are.',
    group: 'trust',
    load: async () => (await import('./commands/vault.ts')).vaultFamily,
  },
];
  {
    name: 'authority',
    description: 'Authorities: who belongs, and what is attested of them.',
    group: 'trust',
    load: async () => (await import('./commands/authority.ts')).authorityFamily,
  },
