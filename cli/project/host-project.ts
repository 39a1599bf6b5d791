import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeProjectJson } from 'postern';
import { importProject, type KnownProject, type Settings } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT } from '../failure.ts';
import { startBackground, whenReady } from '../process/background.ts';
import { markOf, processStatus } from '../process/process-state.ts';
import { stopProcess } from '../process/stop.ts';
import { identifierOfHistory } from './identifiers.ts';
import { withLabelOf } from './spaces.ts';
import { askProject, HOST_RECORD, hostedProject, type HostSettings, hostSettings, hostState, openHost, projectFolder } from './settings.ts';

const READY_MS = 60_000;

/** Writes down what a project here shall be; options that are not given stay as they were. @throws {CommandError} when it runs */
export async function writeHost(
  cli: Cli,
  name: string,
  given: Partial<HostSettings>,
  fallback: HostSettings,
  { ignoresRunning = false } = {},
): Promise<HostSettings> {
  await mkdir(projectFolder(cli, name), { recursive: true, mode: 0o700 });
  await using host = await openHost(cli, name);
  const before = await host.nodes.get(HOST_RECORD);
  if (!ignoresRunning && before !== undefined && (await processStatus(hostState.parse(before.state).process)) === 'running')
    throw new CommandError(EXIT.failure, `Project ${name} is running already.`, {
      code: 'P409',
      help: `Stop it first: ${cli.programName} project stop ${name}`,
    });
  const settings = { ...(before === undefined ? fallback : hostSettings.parse(before.settings)), ...given };
  const maker = await markOf(process.pid);
  await host.nodes.change(HOST_RECORD, () => ({
    settings: JSON.parse(JSON.stringify(settings)) as Settings,
    state: maker === undefined ? {} : { process: { ...maker } },
  }));
  return settings;
}

/** Starts a project that is written down, waits until it answers, and makes it known in this home. */
export async function startProject(cli: Cli, name: string, { makesDefault = false } = {}): Promise<KnownProject> {
  const folder = projectFolder(cli, name);
  const background = startBackground(cli, ['project', 'create', name, '--child-process'], join(folder, 'stderr.log'));
  const { information } = await whenReady(background, () => askProject(cli, name, 'show', {}), {
    what: `Project ${name}`,
    logFolder: folder,
    timeoutMs: READY_MS,
  });
  return knownFrom(cli, information, { makesDefault });
}

/** Takes a project in by its JSON text. */
export async function knownFrom(cli: Cli, information: string, options: { readonly makesDefault: boolean }): Promise<KnownProject> {
  const { id, name, identity, authorityIdentity } = decodeProjectJson(information);
  const authority = authorityIdentity === undefined ? undefined : await identifierOfHistory(cli, authorityIdentity);
  const { projects } = (await cli.home()).state;
  const before = (await projects.list()).find((each) => each.id === id);
  return importProject(projects, { id, name, identity, authority, information: withLabelOf(before, information) }, options);
}

/** @returns whether it ran */
export async function stopProject(cli: Cli, name: string): Promise<boolean> {
  const hosted = await hostedProject(cli, name);
  if (hosted?.process === undefined || hosted.status === 'stopped') return false;
  const isGone = await stopProcess(hosted.process, () => cli.note(`Waiting for project ${name} to stop...`));
  if (!isGone) throw new CommandError(EXIT.failure, `Project ${name} does not end: process ${hosted.process.pid}.`);
  return true;
}
