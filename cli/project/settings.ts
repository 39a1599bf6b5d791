import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from 'postern';
import { openSqliteStore, type Store, StoredHome } from 'postern/storage';
import * as z from 'zod';
import type { Cli } from '../cli.ts';
import { controlPlace } from '../control/place.ts';
import { call } from '../control/calls.ts';
import { askProcess } from '../control/client.ts';
import type { InputOf, OutputOf } from '../control/calls.ts';
import { processMark, type ProcessStatus, processStatus } from '../process/process-state.ts';

/** What a project that is hosted here was asked to be; it is the same again at each start. */
export const hostSettings = z.object({
  name: z.string(),
  /** HOST:PORT */
  listen: z.string(),
  publicAddress: z.string().optional(),
  administrators: z.array(z.string()),
  credentialLifeSeconds: z.number().int().positive(),
  http: z.string().optional(),
  /** A file that the ticket of the first administrator is written to. */
  administratorTicket: z.string().optional(),
  /** The URL of the database of its state, with its password; a file beside the settings by default. */
  postgres: z.string().optional(),
  verbosity: z.number().int(),
});
export type HostSettings = z.infer<typeof hostSettings>;

export const hostState = z.looseObject({ process: processMark.optional() });

/** Under which the settings stand among the nodes of the project's own database. */
export const HOST_RECORD = 'host';
const DATABASE = 'database.sqlite3';

export const projectCalls = {
  /** The project as JSON text, for whoever imports it. */
  show: call(z.object({}).strict(), z.object({ information: z.string(), local: z.string() })),
  administratorTicket: call(z.object({}).strict(), z.object({ ticket: z.string().nullable(), hasAdministrator: z.boolean() })),
};
type ProjectCalls = typeof projectCalls;

export const projectFolder = (cli: Cli, name: string) => cli.path('projects', name);

export async function askProject<Name extends keyof ProjectCalls>(
  cli: Cli,
  project: string,
  name: Name,
  input: InputOf<ProjectCalls[Name]>,
): Promise<OutputOf<ProjectCalls[Name]>> {
  const place = await controlPlace(cli.folder, 'project', project);
  return askProcess(place, projectCalls, name, input, { what: `Project ${project}`, timeoutMs: cli.timeoutMs });
}

export interface HostedProject {
  readonly settings: HostSettings;
  readonly status: ProcessStatus;
  readonly process: z.infer<typeof processMark> | undefined;
}

/** The database of a project that is hosted here, apart from that of the home. */
export async function openHost(
  cli: Cli,
  name: string,
): Promise<{ readonly store: Store; readonly nodes: StoredHome['nodes'] } & AsyncDisposable> {
  const store = await openSqliteStore(join(projectFolder(cli, name), DATABASE), { clock: systemClock });
  return { store, nodes: new StoredHome(store).nodes, [Symbol.asyncDispose]: () => store.close() };
}

/** A project that this home hosts. @returns undefined when it hosts none of that name */
export async function hostedProject(cli: Cli, name: string): Promise<HostedProject | undefined> {
  if (!(await hostedNames(cli)).includes(name)) return undefined;
  await using host = await openHost(cli, name);
  const record = await host.nodes.get(HOST_RECORD);
  if (record === undefined) return undefined;
  const { process } = hostState.parse(record.state);
  return { settings: hostSettings.parse(record.settings), status: await processStatus(process), process };
}

export async function hostedNames(cli: Cli): Promise<readonly string[]> {
  return readdir(cli.path('projects')).catch(() => []);
}
