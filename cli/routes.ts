import type { Cli } from './cli.ts';
import { CommandError, EXIT, usageError } from './failure.ts';
import { runningNode } from './node/known.ts';
import { parseNodeName, parseRelayName } from './values.ts';

const DEFAULT_RELAY = 'default';
const OUTLET = 'outlet';

/** The project that is meant when none is named. @throws {CommandError} that says how to get one */
export async function defaultProject(cli: Cli): Promise<string> {
  if (cli.project !== undefined) return cli.project;
  const projects = await (await cli.home()).state.projects.list();
  const found = projects.find(({ isDefault }) => isDefault);
  if (found !== undefined) return found.name;
  throw new CommandError(EXIT.notPermitted, 'This home knows no project.', {
    help:
      `Enroll: ${cli.programName} enroll TICKET, with a ticket that the project's administrator made by '${cli.programName} project ticket'. ` +
      `To begin a project on this machine: ${cli.programName} enroll`,
  });
}

/** Where an inlet leads. Source: command-line.md 5.9, decisions.md E3 */
export async function inletRoute(
  cli: Cli,
  {
    to,
    via,
    authorized,
  }: { readonly to?: string | undefined; readonly via?: string | undefined; readonly authorized?: readonly string[] | undefined },
): Promise<string> {
  const given = to === undefined ? undefined : await withStandardInput(cli, to);
  const isService = given?.startsWith('/service/') === true && given.split('/').length === 3;
  if (given?.startsWith('/') === true && !isService) {
    if (via !== undefined) throw usageError('--via names a relay of the project: it does not go with a full route in --to.');
    const route = await withDefaultProject(cli, given);
    if (authorized !== undefined && route.startsWith('/project/'))
      throw usageError('--authorized does not go with a route through a project.');
    return route;
  }
  if (authorized !== undefined) throw usageError('--authorized does not go with a route through a project.');
  const project = await defaultProject(cli);
  const [relay, service] = relayAndService(given, via, isService);
  return `/project/${project}/service/forward_to_${relay}/secure/api/service/${service}`;
}

/** A bare name alone is a relay; with `--via` it is a service behind that one. */
function relayAndService(to: string | undefined, via: string | undefined, isService: boolean): readonly [relay: string, service: string] {
  if (to === undefined) return [via ?? DEFAULT_RELAY, OUTLET];
  if (isService) return [via ?? DEFAULT_RELAY, to.slice('/service/'.length)];
  return via === undefined ? [parseRelayName(to.replace(/^forward_to_/, '')), OUTLET] : [via, parseRelayName(to)];
}

/** `/project/DEFAULT` and `/project/default` name the default project, unless there is one of that name. */
async function withDefaultProject(cli: Cli, route: string): Promise<string> {
  const [, word, name, ...rest] = route.split('/');
  if (word !== 'project' || name === undefined) return route;
  const projects = await (await cli.home()).state.projects.list();
  if (projects.some((each) => each.name === name) || name.toLowerCase() !== 'default') return route;
  return ['', 'project', await defaultProject(cli), ...rest].join('/');
}

/**
 * `-` as a whole segment stands for the address that is on standard input. Source: command-line.md 1.5
 * @throws {CommandError} when there is none
 */
export async function withStandardInput(cli: Cli, route: string): Promise<string> {
  const segments = route.split('/');
  if (!segments.includes('-')) return route;
  const line = (await firstLine(cli)).trim().replace(/^\/+|\/+$/g, '');
  if (line === '')
    throw usageError('no address on standard input', `A "-" in a route stands for one line of standard input: pipe an address in.`);
  const [before, after] = splitOnce(segments);
  return `/${[before, line, after].filter((part) => part !== '').join('/')}`;
}

function splitOnce(segments: readonly string[]): readonly [before: string, after: string] {
  const at = segments.indexOf('-');
  const joined = (part: readonly string[]) => part.filter((segment) => segment !== '').join('/');
  return [joined(segments.slice(0, at)), joined(segments.slice(at + 1))];
}

async function firstLine(cli: Cli): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of cli.invocation.stdin) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const end = text.indexOf('\n');
    if (end !== -1) return text.slice(0, end);
  }
  return text;
}

/** A route that a user gave, as the node takes it. */
export async function routeOf(cli: Cli, given: string): Promise<string> {
  return withDefaultProject(cli, await withStandardInput(cli, given));
}

/** As `routeOf`, for what is to answer now. @throws {CommandError} not found, for a node that this home does not know */
export async function reachableRoute(cli: Cli, given: string): Promise<string> {
  const route = await routeOf(cli, given);
  const [, word, name = ''] = route.split('/');
  if (word === 'node') await runningNode(cli, parseNodeName(name));
  return route;
}
