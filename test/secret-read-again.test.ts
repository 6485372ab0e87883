import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../infra/local/local-aurora.ts'
import { migratorPassword } from '../infra/local/postgres/migrator-role.ts'
import { createInvoke } from '../lambda/handlers/index.ts'
import { newDatabase, testAurora } from './local-aurora.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterEach(() => vi.unstubAllEnvs())
afterAll(() => aurora.stop())

test('a secret that could not be used is read again by the next run of a warm function, and then kept', async () => {
  const username = 'migrator'
  const database = await newDatabase(aurora)
  for (const [name, value] of Object.entries(aurora.environment(database))) vi.stubEnv(name, value)
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
  const secretArn = aurora.putSecret('mended-later', { username })
  vi.stubEnv('SECRET_ARN', secretArn)
  const invoke = createInvoke([])
  const reads = () =>
    aurora.calls.all.filter(({ operation }) => operation === 'GetSecretValue').length
  expect(await invoke({ command: 'current' })).toMatchObject({ error: { kind: 'Secret' } })
  aurora.putSecret('mended-later', { username, password: migratorPassword(aurora.postgresUrl) })
  expect(await invoke({ command: 'current' })).toMatchObject({ status: 'succeeded' })
  expect(reads()).toBe(2)
  expect(await invoke({ command: 'current' })).toMatchObject({ status: 'succeeded' })
  expect(reads()).toBe(2)
})
