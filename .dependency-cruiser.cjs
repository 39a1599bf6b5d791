/** Imports point one way: see "Where things live" in docs/architecture.md. */
const inside = (...folders) => `^(${folders.join('|')})/`;
const tests = '\\.(test|bench)\\.ts$';
const only = (name, from, allowed, except = tests) => ({
  name,
  severity: 'error',
  from: { path: inside(from), pathNot: [tests, except] },
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
    only('simulation-on-runtime', 'simulation', ['simulation', 'runtime', 'property-tests/arbitraries'], '^simulation/loopback/'),
    // Real processes need the ports of a real machine. Nothing of a simulation imports them: they are a door of their own.
    only('loopback-on-ports', 'simulation/loopback', ['simulation', 'host', 'transports', 'runtime'], '\\.fixture\\.ts$'),
    {
      name: 'simulation-needs-no-processes',
      severity: 'error',
      from: { path: '^simulation/', pathNot: ['^simulation/(loopback|command)/', tests] },
      to: { path: '^simulation/loopback/' },
    },
    only(
      'storage-on-runtime',
      'storage',
      ['storage', 'identities', 'policies', 'workers', 'manager', 'runtime'],
      '^storage/(conformance|samples)/',
    ),
    only('manager-above-all', 'manager', ['manager', 'storage', 'transports', 'host', 'workers', 'identities', 'policies', 'runtime']),
    // A change history and a policy cannot be drawn without what signs the one and writes the other.
    only('arbitraries-on-runtime', 'property-tests/arbitraries', ['property-tests/arbitraries', 'identities', 'policies', 'runtime']),
    {
      name: 'storage-below-types',
      comment: 'A store knows of the others only the types of what it keeps; formats and rules are handed to it.',
      severity: 'error',
      from: { path: inside('storage'), pathNot: [tests, '^storage/(conformance|samples)/'] },
      to: {
        path: inside('identities', 'policies', 'workers', 'manager'),
        dependencyTypesNot: ['type-only'],
        // The public door hands these forms on.
        pathNot: '^(identities/stored-form|policies/denial-text)\\.ts$',
      },
    },
    {
      name: 'sqlite-in-one-file',
      severity: 'error',
      from: { path: '.', pathNot: '^storage/sqlite\\.ts$' },
      to: { path: '@photostructure/sqlite' },
    },
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
        // The command reads a file that the user names; the loopback world starts processes, and keeps their storage in files.
        pathNot: ['^identities/node-crypto\\.ts$', '^simulation/(command|loopback)/', tests],
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'examples-use-public-doors',
      severity: 'error',
      from: { path: inside('examples', 'benchmarks', 'cli'), pathNot: [tests, '^cli/acceptance/'] },
      to: {
        path: inside('runtime', 'workers', 'identities', 'policies', 'transports', 'host', 'simulation', 'storage', 'manager'),
        dependencyTypes: ['local'],
      },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    // An app of a walk-through has packages of its own.
    exclude: { path: '^(dist|coverage)/|^examples/portals/.*\\.mjs$' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['postern-source', 'import', 'node', 'types', 'default'],
      extensions: ['.ts', '.mjs', '.js'],
    },
  },
};
