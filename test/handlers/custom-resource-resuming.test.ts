import { expect, test } from 'vitest'
import { A, B, useDeployment } from './custom-resource-fixture.ts'

const it = useDeployment()

test('a database that needs 40 s to resume from 0 ACU is waited for', {
  timeout: 120_000,
}, async () => {
  it.aurora.faults.add({ database: it.database, kind: { resuming: 40 } })
  expect(await it.stack.create(await it.template([A, B]))).toBe('CREATE_COMPLETE')
  expect(await it.rows()).toEqual(['b'])
  expect(it.output.join('')).toContain('is resuming after being auto-paused')
})
