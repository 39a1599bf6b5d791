import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Invocation } from './invocation.ts';
import { parseDuration } from './values.ts';

/** A variable that sets something. Source: command-line.md 1.3 */
export interface Variable {
  readonly name: string;
  /** The name that scripts for the original use; it counts when `name` is not set. */
  readonly alias?: string | undefined;
  readonly meaning: string;
  readonly default: string;
}

const variable = (name: string, meaning: string, fallback: string, alias = `OCKAM_${name}`): Variable => ({
  name: `POSTERN_${name}`,
  alias,
  meaning,
  default: fallback,
});

export const VARIABLES = {
  home: variable('HOME', 'The folder of all state; made on demand, for its owner alone.', '~/.postern'),
  timeout: variable('DEFAULT_TIMEOUT', 'How long channels and requests to nodes may take.', '120s'),
  retryCount: variable('COMMAND_RETRY_COUNT', 'Retries of commands that may be tried again.', 'unset'),
  retryDelay: variable('COMMAND_RETRY_DELAY', 'The pause between retries; up to half of it more, at random.', '5s when a count is set'),
  logging: variable('LOGGING', 'Write a log file for each command. Background nodes always do.', 'off'),
  logLevel: variable('LOG_LEVEL', 'error, warn, info, debug or trace, where -v is not given.', 'debug'),
  logFormat: variable('LOG_FORMAT', 'default, pretty or json.', 'default'),
  logMaxSize: variable('LOG_MAX_SIZE_MB', 'A log file above this size is put aside.', '100'),
  logMaxFiles: variable('LOG_MAX_FILES', 'Log files kept in one folder.', '60'),
  rendezvous: variable('RENDEZVOUS_SERVER', 'HOST:PORT of a rendezvous server for UDP.', 'unset'),
  credentialTtl: variable('CREDENTIAL_TTL', 'For how long credentials of an authority or project count.', '1h', 'CREDENTIAL_TTL_SECS'),
  showHidden: variable('HELP_SHOW_HIDDEN', 'Show hidden commands and options in help.', 'off'),
  ticket: { name: 'ENROLLMENT_TICKET', meaning: "The ticket of 'node create' and 'enroll'.", default: 'unset' },
  pager: { name: 'PAGER', meaning: 'What shows long help.', default: 'less' },
  quiet: { name: 'QUIET', meaning: 'As --quiet.', default: 'off' },
  noColor: { name: 'NO_COLOR', meaning: 'As --no-color.', default: 'off' },
  noInput: { name: 'NO_INPUT', meaning: 'As --no-input.', default: 'off' },
} satisfies Record<string, Variable>;

/** Scripts for the original set them; here is nothing that they could change. Source: command-line.md 1.3 */
export const IGNORED_VARIABLES: readonly string[] = [
  'OCKAM_OPENTELEMETRY_*',
  'OCKAM_TRACING_*',
  'OCKAM_DISABLE_UPGRADE_CHECK',
  'OCKAM_LOG_CRATES_FILTER',
  'OCKAM_DEVELOPER',
  'OCKAM_CONTROLLER_*',
  'OCKAM_AUTHENTICATOR_ENDPOINT',
];

/** What is set and will not be done. */
export function environmentWarnings(env: Env): readonly string[] {
  return [
    ...(isOn({ name: 'OCKAM_EBPF', meaning: '', default: '' }, env) ? ['OCKAM_EBPF: ordinary sockets are used.'] : []),
    ...(Object.keys(env).some((name) => name.startsWith('OCKAM_POSTGRES_')) ? ['OCKAM_POSTGRES_*: the state of a home is in a file.'] : []),
  ];
}

type Env = Invocation['env'];

/** @returns undefined when it is unset or empty */
export function valueOf({ name, alias }: Variable, env: Env): string | undefined {
  const value = env[name] ?? (alias === undefined ? undefined : env[alias]);
  return value === '' ? undefined : value;
}

const OFF = ['', '0', 'false', 'no', 'n', 'f', 'off'];

/** Any value but empty, `0`, `false`, `no`, `n`, `f` and `off` turns it on. Source: command-line.md 1.2 */
export function isOn(setting: Variable, env: Env): boolean {
  return !OFF.includes((valueOf(setting, env) ?? '').toLowerCase());
}

/** The absolute path of the home. */
export function homeFolder({ env, cwd }: Pick<Invocation, 'env' | 'cwd'>): string {
  const set = valueOf(VARIABLES.home, env);
  return set === undefined ? join(env['HOME'] ?? homedir(), '.postern') : resolve(cwd, set);
}

const DEFAULT_TIMEOUT_MS = 120_000;

/** In ms. @throws for a value that is no duration */
export function defaultTimeoutMs(env: Env): number {
  const set = valueOf(VARIABLES.timeout, env);
  return set === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(set);
}
