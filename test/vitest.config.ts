import { defineConfig } from 'vitest/config';

/** What crosses packages, on real parts: real containers, real dumps. Three files at a time: they wait more than they work. */
export default defineConfig({
  resolve: { conditions: ['muster-source'] },
  ssr: { resolve: { conditions: ['muster-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/build-command.ts',
    maxWorkers: 3,
    // Tests that say so wait side by side, for what takes long and little work (a lock that ends).
    maxConcurrency: 8,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
