import { defineConfig } from 'vitest/config';

/** Unit tests: they stand beside the code and need nothing but Node. */
export default defineConfig({
  resolve: { conditions: ['muster-source'] },
  ssr: { resolve: { conditions: ['muster-source'] } },
  test: {
    include: ['**/*.test.ts'],
    passWithNoTests: true,
    reporters: ['default', ['json', { outputFile: 'dist/unit-tests.json' }]],
  },
});
