import type { Home, NodeProgram } from './world-node.ts';

/** A program that another process finds too: in a module, under the name of an export. */
export interface NamedProgram<Result = unknown, Settings = unknown> extends NodeProgram<Result, Settings> {
  readonly module: string;
  readonly exportName: string;
}

/**
 * Says where a program is found, so that it also runs in a process of its own.
 *
 *     export const relay = program(import.meta.url, 'relay', async (home: Home) => { ... });
 *
 * @param module the URL of the module that exports it: always `import.meta.url`
 * @param exportName the name it is exported under
 */
export function program<Result, Settings = unknown>(
  module: string,
  exportName: string,
  run: NodeProgram<Result, Settings>,
): NamedProgram<Result, Settings> {
  return Object.assign((home: Home<Settings>) => run(home), { module, exportName });
}

/** Whether it says where it is found. */
export const isNamed = <Result>(run: NodeProgram<Result, never>): run is NamedProgram<Result, never> =>
  'module' in run && 'exportName' in run;
