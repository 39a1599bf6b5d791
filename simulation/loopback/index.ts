/**
 * Real processes for scenarios that also run in a simulation: `simulate({ world: loopback() }, play)`. A door of its own, for it
 * needs Node, its processes and its sockets, and `postern/simulation` needs none of them.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { WorldKind } from '../any-world.ts';
import { SimulationError } from '../errors.ts';
import { LoopbackWorld } from './world.ts';

export interface LoopbackOptions {
  /**
   * Arguments of the host for the processes of nodes. By default those of this process, without a debugger; and a loader (`tsx`,
   * found from the program's module) where a program is TypeScript and nothing here loads it.
   */
  readonly execArgv?: readonly string[];
}

/**
 * Each node in a process of its own, each link a TCP proxy on the loopback address. A crash is signal 9, a pause SIGSTOP; a restart
 * is a new process. Time is real.
 */
export function loopback({ execArgv }: LoopbackOptions = {}): WorldKind {
  return { name: 'loopback', make: (start) => new LoopbackWorld(start, (module) => execArgv ?? argumentsFor(module)) };
}

function argumentsFor(module: string): readonly string[] {
  const inherited = process.execArgv.filter((argument) => !/^--(inspect|debug)/.test(argument));
  const isTypeScript = [module, import.meta.url].some((url) => /\.[cm]?ts$/.test(url));
  const isLoaded = [...inherited, process.env['NODE_OPTIONS'] ?? ''].some((argument) => /tsx|ts-node|strip-types|swc/.test(argument));
  const { typescript: isBuiltIn = false } = process.features as { readonly typescript?: unknown };
  if (!isTypeScript || isLoaded || isBuiltIn !== false) return inherited;
  const loader = loaderFrom(module) ?? loaderFrom(import.meta.url);
  if (loader !== undefined) return [...inherited, '--import', loader];
  throw new SimulationError(
    'NOT_ON_LOOPBACK',
    `${module} is TypeScript, and nothing that loads it was found: install tsx, or give loopback({ execArgv }) what loads it.`,
  );
}

function loaderFrom(module: string): string | undefined {
  try {
    return pathToFileURL(createRequire(module).resolve('tsx')).href;
  } catch {
    return undefined; // not installed there
  }
}
