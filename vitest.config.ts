import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Tests import `postern` by name and get the sources: no test can run a stale build.
  resolve: { conditions: ['postern-source', 'node'] },
  ssr: { resolve: { conditions: ['postern-source', 'node'], externalConditions: ['postern-source', 'node'] } },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**'],
    pool: 'forks',
    // By default one processor is left idle.
    maxWorkers: '100%',
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
