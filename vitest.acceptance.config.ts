import { defineConfig } from 'vitest/config';

/** The criteria of the command, each a test that carries its number. Background processes run the build. */
export default defineConfig({
  resolve: { conditions: ['postern-source', 'node'] },
  ssr: { resolve: { conditions: ['postern-source', 'node'], externalConditions: ['postern-source', 'node'] } },
  test: {
    include: ['cli/acceptance/**/*.acceptance.ts', 'examples/portals/**/*.acceptance.ts', 'deploy/**/*.acceptance.ts'],
    pool: 'forks',
    maxWorkers: '100%',
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
