import { defineConfig } from 'vitest/config';

/** Unit tests: they stand beside the code and need nothing but Node. */
export default defineConfig({
  resolve: { conditions: ['muster-source'] },
  ssr: { resolve: { conditions: ['muster-source'] } },
  test: {
    // Durable writes and key pairs take their time where other work goes on.
    testTimeout: 30_000,
    include: ['**/*.test.ts'],
    passWithNoTests: true,
    reporters: ['default', ['json', { outputFile: 'dist/unit-tests.json' }]],
  },
});
