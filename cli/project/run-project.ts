import { open, rm } from 'node:fs/promises';
import { encodeProjectJson, jsonLogger, parseIdentifier, systemClock } from 'postern';
import { createProject, type Project, storedProjectState } from 'postern/manager';
import { openPostgresStore } from 'postern/storage';
import type { Cli } from '../cli.ts';
import { controlPlace } from '../control/place.ts';
import { controlServer } from '../control/server.ts';
import { notFound } from '../failure.ts';
import { httpServer } from '../node/http.ts';
import { logLimits } from '../node/run-node.ts';
import { LogFile } from '../process/log-file.ts';
import { markOf } from '../process/process-state.ts';
import { HOST_RECORD, hostSettings, type HostSettings, openHost, projectCalls, projectFolder } from './settings.ts';

/** Runs a project that is hosted here until a signal comes. Source: command-line.md 7.2 */
export async function runProject(cli: Cli, name: string, { isBackground }: { readonly isBackground: boolean }): Promise<void> {
  const ended = new Promise<void>((resolve) => cli.atEnd(cli.invocation.onSignal(() => resolve())));
  await using host = await openHost(cli, name);
  const record = await host.nodes.get(HOST_RECORD);
  if (record === undefined) throw notFound('Project', name);
  const settings = hostSettings.parse(record.settings);
  const mark = await markOf(process.pid);
  await host.nodes.change(
    HOST_RECORD,
    (before) => before && { settings: before.settings, state: mark === undefined ? {} : { process: { ...mark } } },
  );
  const logs = isBackground ? new LogFile(projectFolder(cli, name), logLimits(cli)) : undefined;
  const logger = jsonLogger({
    level: logs === undefined && settings.verbosity === 0 ? 'warn' : settings.verbosity > 1 ? 'debug' : 'info',
    write: (line) => (logs === undefined ? void cli.invocation.stderr.write(line) : logs.write(line)),
  });
  const store = settings.postgres === undefined ? host.store : await openPostgresStore(settings.postgres, { clock: systemClock });
  cli.atEnd(() => store.close());
  const project = await createProject({
    state: storedProjectState(store),
    onJoined: () => void removeUsedTicket(project, settings).catch(() => undefined),
    name: settings.name,
    listen: settings.listen,
    ...(settings.publicAddress !== undefined && { publicAddress: settings.publicAddress }),
    administrators: settings.administrators.map(parseIdentifier),
    credentialLifeSeconds: settings.credentialLifeSeconds,
    ports: { logger },
  });
  try {
    await writeAdministratorTicket(project, settings);
    const local = `${project.local.host}:${project.local.port}`;
    const show = () => Promise.resolve({ information: encodeProjectJson(project.information), local });
    const control = await controlServer(
      await controlPlace(cli.folder, 'project', name),
      projectCalls,
      {
        show,
        administratorTicket: async () => ({
          ticket: (await project.administratorTicket()) ?? null,
          hasAdministrator: await project.hasAdministrator(),
        }),
      },
      logger,
    );
    const http =
      settings.http === undefined
        ? undefined
        : await httpServer(settings.http, { health: () => ({ status: 'ok' }) }, () =>
            Promise.resolve(JSON.parse(encodeProjectJson(project.information))),
          );
    logger.log('info', 'project.ready', { name, listener: local });
    if (!isBackground) {
      cli.invocation.stdout.write(`Project ${name} (${project.id}) at ${local}\n`);
      cli.note('Press Ctrl-C to stop it.');
    }
    await ended;
    await http?.close();
    await control.close();
  } finally {
    await project.close();
    await host.nodes.change(HOST_RECORD, (before) => before && { settings: before.settings, state: {} });
    logs?.close();
  }
  if (!isBackground) cli.note(`Project ${name} was stopped.`);
}

/** The file is there as long as the ticket is open. Source: decisions.md D5 */
async function writeAdministratorTicket(project: Project, { administratorTicket: file }: HostSettings): Promise<void> {
  if (file === undefined) return;
  const ticket = await project.administratorTicket();
  if (ticket === undefined) {
    await removeUsedTicket(project, { administratorTicket: file });
    return;
  }
  await rm(file, { force: true });
  await using handle = await open(file, 'wx', 0o600);
  await handle.writeFile(`${ticket}\n`);
}

/** Once there is an administrator nobody needs it. Source: decisions.md D5 */
async function removeUsedTicket(project: Project, { administratorTicket: file }: Pick<HostSettings, 'administratorTicket'>): Promise<void> {
  if (file !== undefined && (await project.hasAdministrator())) await rm(file, { force: true });
}
