import { defineConfig } from 'vitest/config'

/** The package as it is installed from npm: installs packages, so not part of `npm test`. */
export default defineConfig({
  resolve: { conditions: ['aurora-migrations-source'] },
  ssr: { resolve: { conditions: ['aurora-migrations-source'] } },
  test: {
    include: ['test/library/**/*.test.ts'],
    globalSetup: ['test/library/packed.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // The tests of a project go on from one another.
    fileParallelism: false,
  },
})
