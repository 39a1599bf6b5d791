import { connect } from 'node:net';
import { Option } from '@commander-js/extra-typings';
import type { KnownProject, NamedIdentity } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { explained } from '../help.ts';
import { knownNodes } from '../node/known.ts';
import { type NodeResources, showNode } from '../node/resources.ts';
import type { Doing, Family } from '../program.ts';
import { heldCredential } from '../project/enrollment.ts';
import { projectJson } from '../project/shown.ts';
import { parseDuration } from '../values.ts';
import { REVISION, VERSION } from '../version.ts';

const REACH_MS = 10_000;
const UP_OR_DOWN = { running: 'UP', zombie: 'ZOMBIE', stopped: 'DOWN' } as const;

export function statusVerb(verb: Family, cli: Cli, doing: Doing): void {
  explained(
    verb
      .addOption(
        new Option('--timeout <DURATION>', 'for each project and node to answer').argParser(parseDuration).default(REACH_MS, '10s'),
      )
      .action(
        doing(async ({ timeout }) => {
          const home = await cli.home();
          const known = await home.state.projects.list();
          cli.step('Asking every node and project');
          const [projects, nodes, enrollments] = await Promise.all([
            Promise.all(known.map((project) => projectStatus(project, timeout))),
            Promise.all((await knownNodes(cli)).map((node) => showNode(cli, node))),
            enrollmentsOf(cli, known),
          ]);
          return {
            plain: statusPlain(cli, projects, nodes, enrollments),
            json: {
              ockam_version: { version: VERSION, hash: REVISION },
              orchestrator_version: { version: VERSION, project_version: VERSION },
              spaces: spacesOf(projects),
              identities: enrollments,
              nodes,
              projects: projects.map(({ json }) => json),
            },
          };
        }),
      ),
    { description: 'A node or project that is down is no failure: it is shown as such.', examples: ['status', 'status --output json'] },
  );
}

interface ProjectStatus {
  readonly project: KnownProject;
  readonly isReachable: boolean;
  readonly json: Readonly<Record<string, unknown>>;
}

async function projectStatus(project: KnownProject, timeoutMs: number): Promise<ProjectStatus> {
  const json = projectJson(project);
  const address = json['access_address'];
  const isReachable = typeof address === 'string' && (await answersAt(address, timeoutMs));
  return { project, isReachable, json: { ...json, running: isReachable } };
}

/** Whether somebody takes connections there; that it is the project is known once a channel is made. */
function answersAt(address: string, timeoutMs: number): Promise<boolean> {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: timeoutMs });
    const answers = (does: boolean) => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', () => answers(true)).once('timeout', () => answers(false));
    socket.once('error', () => answers(false));
  });
}

/** Source: command-line.md 2.3 */
interface Enrollment {
  readonly identifier: string;
  readonly name: string;
  readonly is_default: boolean;
  readonly status: 'NotEnrolled' | { readonly Enrolled: { readonly at: number; readonly email: null } };
}

async function enrollmentsOf(cli: Cli, projects: readonly KnownProject[]): Promise<readonly Enrollment[]> {
  const identities = await (await cli.home()).names.identities();
  return Promise.all(identities.map((identity) => enrollmentOf(cli, identity, projects)));
}

async function enrollmentOf(cli: Cli, named: NamedIdentity, projects: readonly KnownProject[]): Promise<Enrollment> {
  const { identifier, name, isDefault } = named;
  const own = await (await cli.home()).identity(named);
  const held = await Promise.all(projects.map((project) => heldCredential(cli, own, project).catch(() => undefined)));
  const times = held.flatMap((credential) => (credential === undefined ? [] : [credential.created_at]));
  const status = times.length === 0 ? 'NotEnrolled' : ({ Enrolled: { at: Math.min(...times), email: null } } as const);
  return { identifier, name, is_default: isDefault, status };
}

const spacesOf = (projects: readonly ProjectStatus[]) =>
  [...new Set(projects.map(({ json }) => json['space_name']).filter((name) => typeof name === 'string' && name !== ''))].map((name) => ({
    name,
  }));

function statusPlain(
  cli: Cli,
  projects: readonly ProjectStatus[],
  nodes: readonly NodeResources[],
  enrollments: readonly Enrollment[],
): string {
  const sections = [
    [`postern ${VERSION} (${REVISION})`, `home ${cli.folder}`],
    projects.length === 0
      ? ['No project is known.', `To join one, or to begin one here: ${cli.programName} enroll`]
      : projects.map(
          ({ project, isReachable, json }) =>
            `Project ${project.name}${project.isDefault ? ' (default)' : ''} at ${String(json['access_address'])}: ${isReachable ? 'UP' : 'DOWN'}`,
        ),
    enrollments.length === 0
      ? ['There is no identity.']
      : enrollments.map(
          ({ name, identifier, is_default, status }) =>
            `Identity ${name}${is_default ? ' (default)' : ''}${status === 'NotEnrolled' ? '' : ', enrolled'}\n  ${identifier}`,
        ),
    nodes.length === 0
      ? ['There is no node.', `Make one: ${cli.programName} node create`]
      : nodes.map(({ name, is_default, status }) => `Node ${name}${is_default ? ' (default)' : ''}: ${UP_OR_DOWN[status]}`),
  ];
  return sections.map((lines) => lines.join('\n').replaceAll(/^/gm, '    │ ')).join('\n\n');
}
