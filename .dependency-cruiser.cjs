/** Imports point one way: see "Where things live" in docs/architecture.md. */
const inside = (...folders) => `^(${folders.join('|')})/`;
const tests = '\\.(test|bench)\\.ts$';
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: inside(from), pathNot: tests },
  to: {
    path: '^[^.]',
    pathNot: [inside(...allowed), '^node_modules/'],
    dependencyTypesNot: ['core', 'npm', 'npm-dev', 'npm-peer', 'npm-optional'],
  },
});
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    only('runtime-stands-alone', 'runtime', ['runtime']),
    only('host-implements-ports', 'host', ['host', 'runtime']),
    only('policies-on-runtime', 'policies', ['policies', 'runtime']),
    only('identities-on-runtime', 'identities', ['identities', 'runtime']),
    only('transports-on-runtime', 'transports', ['transports', 'runtime']),
    only('workers-below-transports', 'workers', ['workers', 'identities', 'policies', 'runtime']),
    only('simulation-on-runtime', 'simulation', ['simulation', 'runtime', 'property-tests/arbitraries']),
    only('arbitraries-on-runtime', 'property-tests/arbitraries', ['property-tests/arbitraries', 'runtime']),
    {
      name: 'node-net-in-one-file',
      severity: 'error',
      from: {
        path: inside('runtime', 'workers', 'identities', 'policies', 'simulation', 'transports'),
        pathNot: ['^transports/node-network\\.ts$', tests],
      },
      to: { path: '^(node:)?(net|tls|dgram|dns|dns/promises)$', dependencyTypes: ['core'] },
    },
    {
      name: 'core-needs-no-node',
      comment:
        'The actor core, the workers and the policies run wherever JavaScript runs; identities/node-crypto.ts is the one door to node:crypto.',
      severity: 'error',
      from: {
        path: inside('runtime', 'workers', 'policies', 'identities', 'simulation'),
        // The command reads a file that the user names.
        pathNot: ['^identities/node-crypto\\.ts$', '^simulation/command/', tests],
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'examples-use-public-doors',
      severity: 'error',
      from: { path: inside('examples', 'benchmarks'), pathNot: tests },
      to: { path: inside('runtime', 'workers', 'identities', 'policies', 'transports', 'host', 'simulation'), dependencyTypes: ['local'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['postern-source', 'import', 'node', 'types', 'default'],
      extensions: ['.ts', '.mjs', '.js'],
    },
  },
};
