import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['aurora-migrations-source'] },
  ssr: { resolve: { conditions: ['aurora-migrations-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // Minutes of waiting: npm run test:faults. Installs packages: npm run test:library.
    exclude: [...configDefaults.exclude, 'test/faults/**', 'test/library/**'],
    setupFiles: ['test/no-secrets.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 90_000,
    hookTimeout: 120_000,
    maxWorkers: 4,
  },
})
