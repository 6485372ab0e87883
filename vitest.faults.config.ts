import { defineConfig } from 'vitest/config'

/** The fault suites: minutes of waiting for time-outs and locks, so not part of `npm test`. */
export default defineConfig({
  resolve: { conditions: ['aurora-migrations-source'] },
  ssr: { resolve: { conditions: ['aurora-migrations-source'] } },
  test: {
    include: ['test/faults/**/*.test.ts'],
    setupFiles: ['test/no-secrets.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 600_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})
