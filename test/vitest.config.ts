import { defineConfig } from 'vitest/config';

/** What crosses packages, on real parts: real containers, real dumps. One file at a time: they share two cores. */
export default defineConfig({
  resolve: { conditions: ['muster-source'] },
  ssr: { resolve: { conditions: ['muster-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
