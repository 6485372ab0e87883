import { expect, test, vi } from 'vitest'
import { createCustomResource } from '../../lambda/handlers/index.ts'
import { tableRevision } from '../runner-fixture.ts'

vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')

const { onEvent } = createCustomResource([tableRevision('a', null)])
const properties = (database: string) => ({
  Target: 'heads',
  Cluster: 'arn:aws:rds:eu-central-1:123456789012:cluster:shop',
  Database: database,
  VersionTable: 'public.alembic_version',
})
const create = { RequestType: 'Create', RequestId: 'one' } as const

test('the resource keeps the id it has, also when its properties change, and a Delete gives it back', async () => {
  const made = await onEvent({ ...create, ResourceProperties: properties('shop') })
  expect(made.PhysicalResourceId).toBe('aurora-migrations/shop/shop/public.alembic_version')
  const { PhysicalResourceId = '' } = made
  for (const RequestType of ['Update', 'Delete'] as const) {
    const event = { RequestType, RequestId: 'two', PhysicalResourceId }
    const answer = await onEvent({ ...event, ResourceProperties: properties('other') })
    expect(answer.PhysicalResourceId).toBe(PhysicalResourceId)
  }
  const other = await onEvent({ ...create, ResourceProperties: properties('other') })
  expect(other.PhysicalResourceId).not.toBe(PhysicalResourceId)
})
