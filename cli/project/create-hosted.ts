import { createServer } from 'node:net';
import type { NamedIdentity } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { valueOf, VARIABLES } from '../environment.ts';
import { CommandError, EXIT, usageError } from '../failure.ts';
import { parseDuration } from '../values.ts';
import { enrollKnown, type Enrollment } from './enrollment.ts';
import { startProject, writeHost } from './host-project.ts';
import type { HostSettings } from './settings.ts';

const DEFAULT_LISTEN = '127.0.0.1:4000';
const DEFAULT_LIFE_SECONDS = 3_600;
const ENROLL_MS = 60_000;

export interface HostOptions {
  readonly name?: string | undefined;
  readonly identity: NamedIdentity;
  readonly listen?: string | undefined;
  readonly publicAddress?: string | undefined;
  /** Whether another port is taken when the default one is in use. */
  readonly portMayChange?: boolean;
}

/** Begins a project on this machine, with an administrator of this home. Source: command-line.md 7.2, 7.4 */
export async function createHosted(
  cli: Cli,
  { name = 'default', identity, listen, publicAddress, portMayChange = false }: HostOptions,
): Promise<Enrollment> {
  const at = listen ?? (portMayChange && !(await isFree(DEFAULT_LISTEN)) ? await freePort() : DEFAULT_LISTEN);
  const given = { administrators: [identity.identifier], ...(publicAddress !== undefined && { publicAddress }) };
  await writeHost(cli, name, given, hostDefaults(cli, name, at));
  const project = await startProject(cli, name, { makesDefault: true });
  return enrollKnown(cli, identity, project, { timeoutMs: ENROLL_MS });
}

/** What a new project is unless it is said otherwise. */
export function hostDefaults(cli: Cli, name: string, listen = DEFAULT_LISTEN): HostSettings {
  return { name, listen, administrators: [], credentialLifeSeconds: lifeSeconds(cli), verbosity: cli.verbosity };
}

/** `CREDENTIAL_TTL_SECS` is in seconds, as a bare number is anyway. */
function lifeSeconds(cli: Cli): number {
  const set = valueOf(VARIABLES.credentialTtl, cli.invocation.env);
  if (set === undefined) return DEFAULT_LIFE_SECONDS;
  const seconds = Math.floor(parseDuration(set) / 1_000);
  if (seconds < 1) throw usageError(`${VARIABLES.credentialTtl.name} is at least one second.`);
  return seconds;
}

/** @throws {CommandError} that names the port */
export async function checkFree(cli: Cli, listen: string): Promise<void> {
  if (await isFree(listen)) return;
  throw new CommandError(EXIT.failure, `${listen} is in use: something listens there already.`, {
    code: 'P409',
    help: `Choose another address: ${cli.programName} project create --tcp-listener-address HOST:PORT`,
  });
}

function isFree(address: string): Promise<boolean> {
  const colon = address.lastIndexOf(':');
  return new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .listen({ host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }, () =>
        probe.close(() => resolve(true)),
      );
  });
}

function freePort(): Promise<string> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
      .once('error', reject)
      .listen({ host: '127.0.0.1', port: 0 }, () => {
        const address = probe.address();
        const port = typeof address === 'object' && address !== null ? address.port : 0;
        probe.close(() => resolve(`127.0.0.1:${port}`));
      });
  });
}
