import { createNode, silentLogger } from 'postern';
import { createManager, type Home, type HomeState, type Manager, MemoryHome } from 'postern/manager';
import type { Cli } from '../cli.ts';
import { identityFor } from '../identity.ts';
import { trustFor, type TrustGiven } from './create-node.ts';
import { trustOf } from './settings.ts';

/**
 * A node for this command only, as an identity of this home: it knows the nodes and projects of the home, and is written down
 * nowhere. Source: command-line.md 5.11
 */
export async function temporaryManager(cli: Cli, identityName: string | undefined, trust: TrustGiven = {}): Promise<Manager> {
  const home = await cli.home();
  const named = await identityFor(cli, identityName, { makes: false });
  const manager = await createManager({
    node: await createNode({ name: 'command', logger: silentLogger }),
    identity: await home.identity(named),
    repository: home.repository,
    home: besides(home),
    trust: trustOf(await trustFor(cli, trust)),
    allowSelf: true,
    restores: false,
  });
  cli.atEnd(() => manager.close());
  return manager;
}

/** Reads what the home has, and writes elsewhere. */
function besides(home: Home): HomeState {
  const memory = new MemoryHome();
  const { nodes, projects } = home.state;
  return {
    nodes: {
      list: () => nodes.list(),
      get: (name) => nodes.get(name),
      change: (name, decide, options) => memory.nodes.change(name, decide, options),
      setDefault: () => Promise.resolve(false),
      remove: () => Promise.resolve(false),
    },
    resources: memory.resources,
    policies: (node) => memory.policies(node),
    projects,
    heard: home.state.heard,
  };
}
