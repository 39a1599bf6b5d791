import type { Cli } from './cli.ts';
import { LATER } from './later.ts';
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
    name: 'status',
    description: 'What is here: the project, identities and nodes, and whether they answer.',
    group: 'start',
    load: async () => (await import('./commands/status.ts')).statusVerb,
  },
  {
    name: 'reset',
    description: 'Remove all state of this home.',
    group: 'start',
    load: async () => (await import('./commands/reset.ts')).resetVerb,
  },
  {
    name: 'project',
    description: 'Projects: who belongs together, and where they meet.',
    group: 'project',
    load: async () => (await import('./commands/project.ts')).projectFamily,
  },
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
    name: 'tcp-listener',
    description: 'TCP listeners: where other nodes connect.',
    group: 'node',
    load: async () => (await import('./commands/tcp-listener.ts')).tcpListenerFamily,
  },
  {
    name: 'tcp-connection',
    description: 'TCP connections: ways to other nodes, made by hand.',
    group: 'node',
    load: async () => (await import('./commands/tcp-connection.ts')).tcpConnectionFamily,
  },
  {
    name: 'worker',
    description: 'Workers: what messages can be sent to.',
    group: 'node',
    load: async () => (await import('./commands/worker.ts')).workerFamily,
  },
  {
    name: 'service',
    description: 'Services: workers that a node starts for others.',
    group: 'node',
    load: async () => (await import('./commands/service.ts')).serviceFamily,
  },
  {
    name: 'flow-control',
    description: 'Flow control: what a connection or channel may reach.',
    group: 'node',
    load: async () => (await import('./commands/flow-control.ts')).flowControlFamily,
  },
  {
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
    name: 'authority',
    description: 'Authorities: who belongs, and what is attested of them.',
    group: 'trust',
    load: async () => (await import('./commands/authority.ts')).authorityFamily,
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
  {
    name: 'environment',
    description: 'The variables that set something.',
    group: 'utility',
    load: async () => (await import('./commands/environment.ts')).environmentVerb,
  },
  {
    name: 'completion',
    description: 'A script by which a shell completes commands.',
    group: 'utility',
    load: async () => (await import('./commands/completion.ts')).completionVerb,
  },
  {
    name: 'version',
    description: 'Name, version and commit of this program.',
    group: 'utility',
    load: async () => (await import('./commands/version.ts')).versionVerb,
  },
  {
    name: 'rendezvous',
    description: 'Say to machines behind translation where they are seen.',
    group: 'utility',
    hidden: true,
    load: async () => (await import('./commands/rendezvous.ts')).rendezvousFamily,
  },
  {
    name: 'run',
    description: 'Make all that a recipe has: nodes, and what is on them.',
    group: 'utility',
    hidden: true,
    load: async () => (await import('./commands/run.ts')).runVerb,
  },
  {
    name: 'manpages',
    description: 'Write a manual page for each command.',
    group: 'utility',
    hidden: true,
    load: async () => (await import('./commands/pages.ts')).manpagesVerb,
  },
  {
    name: 'markdown',
    description: 'Write a page of Markdown for each command.',
    group: 'utility',
    hidden: true,
    load: async () => (await import('./commands/pages.ts')).markdownVerb,
  },
  ...Object.entries(LATER).map(
    ([name, what]): FamilyEntry => ({
      name,
      description: `Not part of this version: ${what}.`,
      group: 'utility',
      hidden: true,
      load: async () => (await import('./commands/later.ts')).laterFamily,
    }),
  ),
];
