import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['aurora-migrations-source'] },
  ssr: { resolve: { conditions: ['aurora-migrations-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 3,
  },
})
